/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a file, one after the other, of a bounded length.
 */
#ifndef BALLOON_COMMON_LINES_H
#define BALLOON_COMMON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct lines {
    FILE *file; /* the caller's */
    size_t max; /* bytes in a line */

    uint64_t number; /* of the line that was read last, from 1 */
    char *text;      /* owned; NUL-terminated, and may hold other NULs */
    size_t len;      /* without the newline */
    bool is_open;    /* it ended with the file, not with a newline */
    size_t room;
};

void lines_init(struct lines *lines, FILE *file, size_t max);
void lines_done(struct lines *lines);

/*
 * Reads the next line.  1; 0 at the end; -E2BIG for a longer line, of which
 * the rest is the next one; or another negative errno.
 */
int lines_next(struct lines *lines);

#endif
