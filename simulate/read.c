/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each line of a recording is an object in JSON, and no scenario begins with
 * a brace.
 */
#include "simulate/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/xlconf_xen.h"
#include "common/escape.h"
#include "common/textfile.h"
#include "simulate/recording.h"
#include "simulate/scenario.h"

static int fail(const char *path, int r, char error[READ_ERROR_MAX])
{
    char shown[READ_ERROR_MAX / 2];

    (void)snprintf(error, READ_ERROR_MAX, "%s: %s",
                   escape_text(shown, sizeof(shown), path, strlen(path)),
                   strerror(-r));
    return r;
}

static int read_recording(const char *path, struct course *course,
                          char error[READ_ERROR_MAX])
{
    FILE *file = fopen(path, "re");
    int r;

    if (!file) {
        return fail(path, -errno, error);
    }
    r = recording_read(path, file, course, error);
    (void)fclose(file);
    return r;
}

int read_course(const char *path, struct course *course,
                char error[READ_ERROR_MAX])
{
    char *text = NULL;
    size_t len = 0;
    int r = textfile_read(path, XLCONF_TEXT_MAX + 1, &text, &len);

    if (r < 0) {
        return fail(path, r, error);
    }
    r = len > 0 && text[0] == '{'
            ? read_recording(path, course, error)
            : scenario_parse(path, text, len, course, error);
    free(text);
    return r;
}
