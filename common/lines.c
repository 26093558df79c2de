/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lines_init(struct lines *lines, FILE *file, size_t max)
{
    *lines = (struct lines){.file = file, .max = max};
}

void lines_done(struct lines *lines)
{
    if (lines == NULL) {
        return;
    }
    free(lines->text);
    memset(lines, 0, sizeof(*lines));
}

/* For one more byte, and the NUL. */
static int make_room(struct lines *lines)
{
    size_t room = lines->room ? 2 * lines->room : 256;
    char *text;

    if (lines->len + 1 < lines->room) {
        return 0;
    }
    text = realloc(lines->text, room);
    if (!text) {
        return -ENOMEM;
    }
    lines->text = text;
    lines->room = room;
    return 0;
}

int lines_next(struct lines *lines)
{
    int c;
    int r;

    lines->len = 0;
    lines->is_open = false;
    while ((c = getc_unlocked(lines->file)) != EOF && c != '\n') {
        if (lines->len == lines->max) {
            (void)ungetc(c, lines->file);
            return -E2BIG;
        }
        r = make_room(lines);
        if (r < 0) {
            return r;
        }
        lines->text[lines->len++] = (char)c;
    }
    if (c == EOF && ferror(lines->file)) {
        return errno > 0 ? -errno : -EIO;
    }
    if (c == EOF && lines->len == 0) {
        return 0;
    }
    r = make_room(lines);
    if (r < 0) {
        return r;
    }
    lines->text[lines->len] = '\0';
    lines->is_open = c == EOF;
    lines->number++;
    return 1;
}
