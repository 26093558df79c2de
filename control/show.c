/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and sentences are escaped here: what a guest or an operator has called
 * a domain must not reach the terminal as it is.
 */
#include "control/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/number.h"
#include "control/table.h"

/* A cell: a sentence of the backend at most, or a name of 127 bytes escaped. */
#define CELL_MAX 520

/* ---- Fields ---- */

static const char *text_of(const json_t *object, const char *key,
                           char cell[CELL_MAX])
{
    const char *text = json_string_value(json_object_get(object, key));

    return text && text[0] ? escape_text(cell, CELL_MAX, text, strlen(text))
                           : "-";
}

/* False when it is no number, or a negative one. */
static bool number_of(const json_t *object, const char *key,
                      uint64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *ret_value = (uint64_t)json_integer_value(value);
    return true;
}

static const char *plain_of(const json_t *object, const char *key,
                            char cell[CELL_MAX])
{
    uint64_t value;

    if (!number_of(object, key, &value)) {
        return "-";
    }
    (void)snprintf(cell, CELL_MAX, "%" PRIu64, value);
    return cell;
}

static const char *size_of(const json_t *object, const char *key,
                           char cell[CELL_MAX])
{
    uint64_t kib;

    return number_of(object, key, &kib)
               ? number_format_size(cell, CELL_MAX, kib)
               : "-";
}

static const char *time_of(const json_t *object, const char *key,
                           char cell[CELL_MAX])
{
    uint64_t ms;

    if (!number_of(object, key, &ms)) {
        return "-";
    }
    if (ms < 120 * UINT64_C(1000)) {
        (void)snprintf(cell, CELL_MAX, "%" PRIu64 " s", ms / 1000);
    } else if (ms < 120 * UINT64_C(60000)) {
        (void)snprintf(cell, CELL_MAX, "%" PRIu64 " min", ms / 60000);
    } else if (ms < 48 * UINT64_C(3600000)) {
        (void)snprintf(cell, CELL_MAX, "%" PRIu64 " h", ms / 3600000);
    } else {
        (void)snprintf(cell, CELL_MAX, "%" PRIu64 " d", ms / 86400000);
    }
    return cell;
}

/* ---- list ---- */

/* How a domain's field becomes a cell. */
typedef const char *cell_fn(const json_t *object, const char *key,
                            char cell[CELL_MAX]);

/* The columns, and where their cells come from; both in the same order. */
static const struct table_column list_columns[] = {
    {"NAME", false, 0},   {"ID", true, 0},     {"STATE", false, 0},
    {"CURRENT", true, 0}, {"TARGET", true, 0}, {"LIMIT", true, 4},
    {"DEMAND", true, 1},  {"FLOOR", true, 2},  {"CEILING", true, 3},
    {"VIA", false, 5},    {"WHY", false, 0},
};

static const struct {
    const char *key;
    cell_fn *cell;
} list_cells[] = {
    {"name", text_of},        {"domid", plain_of},
    {"state", text_of},       {"current_kib", size_of},
    {"target_kib", size_of},  {"limit_kib", size_of},
    {"demand_kib", size_of},  {"floor_kib", size_of},
    {"ceiling_kib", size_of}, {"transport", text_of},
    {"reason_text", text_of},
};

#define LIST_COLUMNS (sizeof(list_columns) / sizeof(list_columns[0]))

_Static_assert(LIST_COLUMNS == sizeof(list_cells) / sizeof(list_cells[0]),
               "each column has its cells");

static int add_row(struct table *table, const json_t *domain)
{
    char cell[CELL_MAX];
    int r = 0;

    for (size_t i = 0; r == 0 && i < LIST_COLUMNS; i++) {
        r = table_add(table,
                      list_cells[i].cell(domain, list_cells[i].key, cell));
    }
    return r;
}

char *show_list(const json_t *answer, size_t width)
{
    const json_t *domains = json_object_get(answer, "domains");
    struct table *table = table_new(list_columns, LIST_COLUMNS);
    char *text;
    int r = 0;

    if (!table) {
        return NULL;
    }
    for (size_t i = 0; r == 0 && i < json_array_size(domains); i++) {
        r = add_row(table, json_array_get(domains, i));
    }
    text = r == 0 ? table_render(table, width) : NULL;
    table_free(table);
    return text;
}

/* ---- status ---- */

static const struct {
    const char *key;
    const char *title;
    const char *meaning;
} host_lines[] = {
    {"total_kib", "total", "memory of the host"},
    {"free_kib", "free", "in Xen, held by no domain"},
    {"claimed_kib", "claimed", "of it, by domains being built"},
    {"promised_kib", "promised", "of it, domains may take it at any time"},
    {"reserve_kib", "reserve", "of it, to be kept free"},
    {"spendable_kib", "spendable", "what is left to give"},
    {"wanted_kib", "wanted", "what domains lack"},
    {"spare_kib", "spare", "what domains hold above their demand"},
    {"learned_kib", "bursts", "what was wanted within seconds lately"},
};

/* What each state of the host means for its domains. */
static const struct {
    const char *word;
    const char *meaning;
} moods[] = {
    {"plenty", "all have what they need, and head-room"},
    {"careful", "all have what they need, and share the head-room"},
    {"short", "not all have what they need: memory is shared by weight"},
    {"emergency", "the reserve is being used up: all that can is taken back"},
};

static void print_mood(FILE *out, const json_t *host)
{
    char cell[CELL_MAX];
    const char *mood = text_of(host, "state", cell);

    (void)fprintf(out, "%-9s  %11s", "state", mood);
    for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
        if (strcmp(moods[i].word, mood) == 0) {
            (void)fprintf(out, "  %s", moods[i].meaning);
        }
    }
    (void)fputc('\n', out);
}

static void print_host(FILE *out, const json_t *host)
{
    char cell[CELL_MAX];

    for (size_t i = 0; i < sizeof(host_lines) / sizeof(host_lines[0]); i++) {
        (void)fprintf(out, "%-9s  %11s  %s\n", host_lines[i].title,
                      size_of(host, host_lines[i].key, cell),
                      host_lines[i].meaning);
    }
}

/* "domains  12  9 managed, 2 static, 1 operator": the states that occur. */
static void print_states(FILE *out, json_t *states)
{
    const char *separator = "  ";
    json_int_t total = 0;
    char cell[CELL_MAX];
    const char *state;
    json_t *count;

    json_object_foreach(states, state, count)
    {
        total += json_integer_value(count);
    }
    (void)fprintf(out, "%-9s  %11" JSON_INTEGER_FORMAT, "domains", total);
    json_object_foreach(states, state, count)
    {
        if (json_integer_value(count) > 0) {
            (void)fprintf(
                out, "%s%" JSON_INTEGER_FORMAT " %s", separator,
                json_integer_value(count),
                escape_text(cell, sizeof(cell), state, strlen(state)));
            separator = ", ";
        }
    }
    (void)fputc('\n', out);
}

static void print_backend(FILE *out, const json_t *host)
{
    char cell[CELL_MAX];

    (void)fprintf(out, "%-9s  %11s", "backend", text_of(host, "version", cell));
    (void)fprintf(out, "  up %s", time_of(host, "uptime_ms", cell));
    (void)fprintf(out, ", ticks %s", plain_of(host, "ticks", cell));
    (void)fprintf(out, ", writes %s", plain_of(host, "writes", cell));
    if (json_is_integer(json_object_get(host, "last_write_ms"))) {
        (void)fprintf(out, ", last one %s ago",
                      time_of(host, "last_write_ms", cell));
    }
    (void)fputc('\n', out);
}

/* Whether Xen itself would wake the backend, and how often it has. */
static void print_low_memory(FILE *out, const json_t *host)
{
    const json_t *low = json_object_get(host, "low_memory");
    char cell[CELL_MAX];

    if (!json_is_object(low)) {
        (void)fprintf(out, "%-9s  %11s  Xen does not tell the backend\n",
                      "alarm", "-");
        return;
    }
    (void)fprintf(out, "%-9s  %11s  times Xen said that memory runs low",
                  "alarm", plain_of(low, "times", cell));
    if (json_is_integer(json_object_get(low, "last_ms"))) {
        (void)fprintf(out, ", last %s ago", time_of(low, "last_ms", cell));
    }
    (void)fputc('\n', out);
}

char *show_status(const json_t *answer)
{
    const json_t *host = json_object_get(answer, "host");
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        return NULL;
    }
    print_mood(out, host);
    print_host(out, host);
    print_states(out, json_object_get(host, "domains"));
    print_low_memory(out, host);
    print_backend(out, host);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
