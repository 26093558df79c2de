/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libxlutil does not tell of a configuration text: which keys it assigns,
 * and on which lines the keys and the items of lists stand.
 *
 * For texts that libxlutil has accepted; of any other it yields something, and
 * ends.  Comments, quotes and newlines are taken as libxlutil's lexer takes
 * them.
 */
#ifndef BALLOON_BACKEND_CONFIGLINES_H
#define BALLOON_BACKEND_CONFIGLINES_H

#include <stdbool.h>
#include <stddef.h>

enum configlines_kind {
    CONFIGLINES_KEY,      /* KEY = ... */
    CONFIGLINES_ADDITION, /* KEY += ... */
    CONFIGLINES_ITEM,     /* of the last key's list; a list in it is one item */
};

struct configlines_place {
    enum configlines_kind kind;
    unsigned int line; /* from 1 */
    const char *text;  /* in the text; of an item with its quotes */
    size_t len;
};

/* A plain value: a copy goes on from where the original stood. */
struct configlines {
    const char *at;
    const char *end;
    unsigned int line;
    unsigned int depth; /* of "[" */
};

void configlines_init(struct configlines *lines, const char *text, size_t len);

/* False at the end of the text. */
bool configlines_next(struct configlines *lines,
                      struct configlines_place *ret_place);

#endif
