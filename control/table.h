/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table in plain text: columns as wide as their widest cell, two spaces
 * between them, no blanks at the end of a line.
 *
 * When it is wider than it may be, columns with a drop order are left out, the
 * highest first; and only when all of them are gone, the last column is cut.
 */
#ifndef BALLOON_CONTROL_TABLE_H
#define BALLOON_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The last column is not cut below this; a narrower terminal wraps lines. */
#define TABLE_CUT_MIN 8

struct table_column {
    const char *title;
    bool is_right;     /* figures stand at the right */
    unsigned int drop; /* 0: always shown */
};

struct table;

/* columns must outlive the table.  NULL when out of memory. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/*
 * Adds a copy of the next cell, row by row from the left.  Printable ASCII
 * only: a byte is a place on the screen.  0 or -ENOMEM.
 */
int table_add(struct table *table, const char *cell);

/*
 * The titles and all whole rows, within width (0: as wide as it gets).
 * malloc()ed; NULL when out of memory.
 */
char *table_render(const struct table *table, size_t width);

#endif
