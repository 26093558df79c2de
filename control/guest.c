/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "xenballoon guest", in a guest and for its owner: asks no backend. */
#include "control/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/textfile.h"
#include "control/gueststatus.h"

static int fail_to_run(void)
{
    return command_fail(COMMAND_NO_BACKEND,
                        "xenballoon-frontend does not run in this system: "
                        "start it with 'systemctl start xenballoon-frontend', "
                        "or run xenballoon-frontend as root");
}

static int fail_to_read(const char *path, int r)
{
    switch (r) {
    case -ENOENT:
    case -ENOTDIR:
        return fail_to_run();
    case -EACCES:
    case -EPERM:
        return command_fail(COMMAND_NOT_PERMITTED, "not permitted to read %s",
                            path);
    default:
        return command_fail(COMMAND_REFUSED, "cannot read %s: %s", path,
                            strerror(-r));
    }
}

/* A file that was left behind is of one that was killed. */
static bool is_alive(uint64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

static int read_status(const char *path, struct gueststatus *ret_status)
{
    char *text;
    size_t len;
    int r;

    r = textfile_read(path, GUESTSTATUS_FILE_MAX + 1, &text, &len);
    if (r < 0) {
        return fail_to_read(path, r);
    }
    r = gueststatus_parse(text, len, ret_status);
    free(text);
    if (r < 0) {
        return command_fail(COMMAND_REFUSED,
                            "%s is not what this version's "
                            "xenballoon-frontend writes",
                            path);
    }
    return is_alive(ret_status->pid) ? COMMAND_OK : fail_to_run();
}

static int print_text(const struct gueststatus *status)
{
    char *text = gueststatus_text(status);

    if (text == NULL) {
        return command_fail(COMMAND_REFUSED, "out of memory");
    }
    (void)fputs(text, stdout);
    free(text);
    return COMMAND_OK;
}

static int print_json(const struct gueststatus *status)
{
    json_t *object = gueststatus_json(status);

    if (object == NULL) {
        return command_fail(COMMAND_REFUSED, "out of memory");
    }
    (void)json_dumpf(object, stdout, JSON_INDENT(2)); /* flushed, and seen */
    json_decref(object);
    (void)fputc('\n', stdout);
    return COMMAND_OK;
}

int command_guest(const struct command_call *call)
{
    struct gueststatus status;
    int result = read_status(call->status_path, &status);

    if (result != COMMAND_OK) {
        return result;
    }
    return call->is_json ? print_json(&status) : print_text(&status);
}
