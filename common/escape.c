/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Byte by byte, and ASCII only: what a sequence of UTF-8 does to a terminal
 * (C1 controls, changes of direction) is not worth finding out here.
 */
#include "common/escape.h"

#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "...";

static size_t escape_byte(char unit[8], unsigned char byte)
{
    int len;

    if (byte == '\\') {
        len = snprintf(unit, 8, "\\\\");
    } else if (byte >= 0x20 && byte < 0x7f) {
        len = snprintf(unit, 8, "%c", byte);
    } else {
        len = snprintf(unit, 8, "\\x%02x", byte);
    }
    return (size_t)len;
}

char *escape_text(char *out, size_t size, const char *text, size_t len)
{
    size_t used = 0;
    size_t whole = 0; /* how much may stay when the mark must be added */

    for (size_t i = 0; i < len; i++) {
        char unit[8];
        size_t unit_len = escape_byte(unit, (unsigned char)text[i]);

        if (used + unit_len >= size) {
            memcpy(out + whole, cut_mark, sizeof(cut_mark));
            return out;
        }
        memcpy(out + used, unit, unit_len);
        used += unit_len;
        if (used + sizeof(cut_mark) <= size) {
            whole = used;
        }
    }
    out[used] = '\0';
    return out;
}
