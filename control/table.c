/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lays out in two steps: which columns, and how wide (widths, in which 0 means
 * left out); then the lines.
 */
#include "control/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2

static const char cut_mark[] = "...";

struct table {
    const struct table_column *columns;
    size_t column_count;
    char **cells; /* row by row */
    size_t cell_count;
    size_t room;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
    struct table *table = calloc(1, sizeof(*table));

    if (table) {
        table->columns = columns;
        table->column_count = count;
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}

int table_add(struct table *table, const char *cell)
{
    char *copy;

    if (table->cell_count == table->room) {
        size_t room = table->room ? 2 * table->room : 64;
        char **cells = realloc(table->cells, room * sizeof(*cells));

        if (!cells) {
            return -ENOMEM;
        }
        table->cells = cells;
        table->room = room;
    }
    copy = strdup(cell);
    if (!copy) {
        return -ENOMEM;
    }
    table->cells[table->cell_count++] = copy;
    return 0;
}

/* ---- Which columns, and how wide ---- */

static size_t row_count(const struct table *table)
{
    return table->cell_count / table->column_count;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->column_count + column];
}

static size_t natural_width(const struct table *table, size_t column)
{
    size_t width = strlen(table->columns[column].title);

    for (size_t row = 0; row < row_count(table); row++) {
        size_t len = strlen(cell_at(table, row, column));

        if (len > width) {
            width = len;
        }
    }
    return width;
}

static size_t total_width(const struct table *table, const size_t *widths)
{
    size_t total = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] > 0) {
            total += widths[i] + (total > 0 ? GAP : 0);
        }
    }
    return total;
}

/* False when there is none left that may go. */
static bool drop_one(const struct table *table, size_t *widths)
{
    size_t first = table->column_count;
    unsigned int highest = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] > 0 && table->columns[i].drop > highest) {
            highest = table->columns[i].drop;
            first = i;
        }
    }
    if (highest == 0) {
        return false;
    }
    widths[first] = 0;
    return true;
}

static void fit(const struct table *table, size_t *widths, size_t width)
{
    size_t *last = &widths[table->column_count - 1];
    size_t excess;

    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = natural_width(table, i);
    }
    if (width == 0) {
        return;
    }
    while (total_width(table, widths) > width && drop_one(table, widths)) {
    }
    excess = total_width(table, widths);
    excess = excess > width ? excess - width : 0;
    if (excess > 0 && *last > TABLE_CUT_MIN) {
        *last = *last > excess + TABLE_CUT_MIN ? *last - excess : TABLE_CUT_MIN;
    }
}

/* ---- The lines ---- */

static void print_cut(FILE *out, const char *cell, size_t width)
{
    size_t mark = strlen(cut_mark);

    if (strlen(cell) <= width) {
        (void)fputs(cell, out);
    } else {
        (void)fprintf(out, "%.*s%s", (int)(width - mark), cell, cut_mark);
    }
}

static void print_padding(FILE *out, size_t count)
{
    (void)fprintf(out, "%*s", (int)count, "");
}

/*
 * Spaces are printed before a cell, never behind it: pending counts those that
 * the next cell, if there is one with something in it, has to begin with.
 */
static void print_cell(FILE *out, const struct table_column *column,
                       const char *cell, size_t width, size_t *pending)
{
    size_t len = strlen(cell) < width ? strlen(cell) : width;
    size_t rest = width - len;

    if (len == 0) {
        *pending += width;
        return;
    }
    print_padding(out, *pending + (column->is_right ? rest : 0));
    print_cut(out, cell, width);
    *pending = column->is_right ? 0 : rest;
}

static void print_row(FILE *out, const struct table *table,
                      const size_t *widths, const char *const *cells)
{
    size_t pending = 0;
    bool is_first = true;

    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0) {
            continue;
        }
        pending += is_first ? 0 : GAP;
        is_first = false;
        print_cell(out, &table->columns[i], cells[i], widths[i], &pending);
    }
    (void)fputc('\n', out);
}

static void print_all(FILE *out, const struct table *table,
                      const size_t *widths, const char **cells)
{
    for (size_t i = 0; i < table->column_count; i++) {
        cells[i] = table->columns[i].title;
    }
    print_row(out, table, widths, cells);
    for (size_t row = 0; row < row_count(table); row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            cells[i] = cell_at(table, row, i);
        }
        print_row(out, table, widths, cells);
    }
}

char *table_render(const struct table *table, size_t width)
{
    const char **cells = calloc(table->column_count, sizeof(*cells));
    size_t *widths = calloc(table->column_count, sizeof(*widths));
    char *text = NULL;
    size_t len;
    FILE *out;

    if (!cells || !widths) {
        goto out;
    }
    out = open_memstream(&text, &len);
    if (!out) {
        goto out;
    }
    fit(table, widths, width);
    print_all(out, table, widths, cells);
    /* The stream's buffer is whole only when closing it has worked. */
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
out:
    free(widths);
    free(cells);
    return text;
}
