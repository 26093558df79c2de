/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"

int read_course(const char *path, struct course *course,
                char error[READ_ERROR_MAX])
{
    char escaped[256];

    (void)course;
    (void)snprintf(error, READ_ERROR_MAX,
                   "%s: no file of this kind can be read yet",
                   escape_text(escaped, sizeof(escaped), path, strlen(path)));
    return -EINVAL;
}
