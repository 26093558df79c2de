/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As in backend/conffile.c, libxlutil reads the values, and the scanner tells
 * where they stand.
 */
#include "simulate/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/configlines.h"
#include "backend/xlconf_xen.h"
#include "common/escape.h"
#include "common/nearest.h"
#include "common/units.h"
#include "simulate/entry.h"
#include "simulate/points.h"
#include "simulate/reading.h"
#include "simulate/value.h"

/* ---- Single values ------------------------------------------------------- */

static int read_value(struct reading *reading, unsigned int line,
                      const char *key, value_fn *parse, const char *expected,
                      uint64_t *ret_value)
{
    const char *value = xlconf_string(reading->conf, key);
    char text[READING_SHOWN_MAX];

    if (!value) {
        return reading_fail(reading, line, key, "a list, expected %s",
                            expected);
    }
    if (parse(value, ret_value) < 0) {
        return reading_fail(reading, line, key, "\"%s\", expected %s",
                            reading_shown(text, value), expected);
    }
    return 0;
}

static int read_host_memory(struct reading *reading,
                            const struct configlines *at, unsigned int line)
{
    int r = read_value(reading, line, "host_memory", value_size,
                       VALUE_EXPECTED_SIZE, &reading->course->host_memory_kib);

    (void)at;
    if (r == 0 && reading->course->host_memory_kib == 0) {
        return reading_fail(reading, line, "host_memory",
                            "none, expected some");
    }
    return r;
}

static int read_reserve(struct reading *reading, const struct configlines *at,
                        unsigned int line)
{
    (void)at;
    return read_value(reading, line, "reserve", value_size, VALUE_EXPECTED_SIZE,
                      &reading->course->reserve_kib);
}

static int read_idle_tax(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    (void)at;
    return read_value(reading, line, "idle_tax", value_percent,
                      "a percentage from 0 to 99",
                      &reading->course->idle_tax_permyriad);
}

static int read_duration(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    int r = read_value(reading, line, "duration", value_time,
                       VALUE_EXPECTED_TIME, &reading->course->duration_ms);

    (void)at;
    if (r == 0 && reading->course->duration_ms == 0) {
        return reading_fail(reading, line, "duration", "none, expected some");
    }
    return r;
}

static int read_ramp(struct reading *reading, const struct configlines *at,
                     unsigned int line)
{
    (void)at;
    return read_value(reading, line, "ramp", value_time, VALUE_EXPECTED_TIME,
                      &reading->course->ramp_ms);
}

/* ---- Lists --------------------------------------------------------------- */

typedef int read_item_fn(struct reading *reading, unsigned int line,
                         char *text);

static int read_item(struct reading *reading, const char *key,
                     unsigned int line, int index, read_item_fn *read)
{
    const char *item = xlconf_list_item(reading->conf, key, index);
    char *copy;
    int r;

    if (!item) {
        return reading_fail(reading, line, key,
                            "a list in the list, expected a text in quotes");
    }
    copy = strdup(item);
    if (!copy) {
        return -ENOMEM;
    }
    r = read(reading, line, copy);
    free(copy);
    return r;
}

static int read_list(struct reading *reading, const struct configlines *at,
                     unsigned int line, const char *key, read_item_fn *read)
{
    struct configlines items = *at;
    struct configlines_place item = {.line = line};
    int count = xlconf_list_len(reading->conf, key);
    int r = 0;

    if (count < 0) {
        return reading_fail(reading, line, key,
                            "no list, expected [ \"TEXT\", \"TEXT\", ... ]");
    }
    for (int i = 0; r == 0 && i < count; i++) {
        (void)configlines_next(&items, &item);
        r = read_item(reading, key, item.line, i, read);
    }
    return r;
}

static int read_domains(struct reading *reading, const struct configlines *at,
                        unsigned int line)
{
    return read_list(reading, at, line, "domains", entry_read);
}

static int read_working_sets(struct reading *reading,
                             const struct configlines *at, unsigned int line)
{
    return read_list(reading, at, line, "working_sets", points_read);
}

/* ---- Keys ---------------------------------------------------------------- */

/* at stands behind the key, before its value. */
typedef int read_key_fn(struct reading *reading, const struct configlines *at,
                        unsigned int line);

enum {
    KEY_HOST_MEMORY,
    KEY_RESERVE,
    KEY_IDLE_TAX,
    KEY_DURATION,
    KEY_RAMP,
    KEY_DOMAINS,
    KEY_WORKING_SETS,
    KEYS
};

static const char *const key_names[KEYS] = {
    [KEY_HOST_MEMORY] = "host_memory",
    [KEY_RESERVE] = "reserve",
    [KEY_IDLE_TAX] = "idle_tax",
    [KEY_DURATION] = "duration",
    [KEY_RAMP] = "ramp",
    [KEY_DOMAINS] = "domains",
    [KEY_WORKING_SETS] = "working_sets",
};

static read_key_fn *const key_readers[KEYS] = {
    [KEY_HOST_MEMORY] = read_host_memory,
    [KEY_RESERVE] = read_reserve,
    [KEY_IDLE_TAX] = read_idle_tax,
    [KEY_DURATION] = read_duration,
    [KEY_RAMP] = read_ramp,
    [KEY_DOMAINS] = read_domains,
    [KEY_WORKING_SETS] = read_working_sets,
};

static int find_key(const struct configlines_place *place)
{
    for (int i = 0; i < KEYS; i++) {
        if (strlen(key_names[i]) == place->len &&
            memcmp(key_names[i], place->text, place->len) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

static int fail_unknown(const struct reading *reading,
                        const struct configlines_place *place)
{
    const char *meant = nearest_word(place->text, place->len, key_names, KEYS);
    char key[READING_SHOWN_MAX];

    return reading_fail(reading, place->line,
                        escape_text(key, sizeof(key), place->text, place->len),
                        "no such key, expected host_memory, reserve, idle_tax, "
                        "duration, ramp, domains or working_sets%s%s%s",
                        meant ? " (did you mean " : "", meant ? meant : "",
                        meant ? "?)" : "");
}

static int read_key(struct reading *reading, unsigned int first_lines[KEYS],
                    const struct configlines *at,
                    const struct configlines_place *place)
{
    int key = find_key(place);

    if (key < 0) {
        return fail_unknown(reading, place);
    }
    if (first_lines[key] != 0) {
        return reading_fail(reading, place->line, key_names[key],
                            "given before in line %u, expected only once",
                            first_lines[key]);
    }
    if (place->kind == CONFIGLINES_ADDITION) {
        return reading_fail(reading, place->line, key_names[key],
                            "\"+=\" adds to nothing, expected \"=\"");
    }
    first_lines[key] = place->line;
    return key_readers[key](reading, at, place->line);
}

static int read_keys(struct reading *reading, const char *text, size_t len)
{
    unsigned int first_lines[KEYS] = {0};
    struct configlines lines;
    struct configlines_place place = {.line = 1};
    int r = 0;

    configlines_init(&lines, text, len);
    while (r == 0 && configlines_next(&lines, &place)) {
        if (place.kind != CONFIGLINES_ITEM) {
            r = read_key(reading, first_lines, &lines, &place);
        }
    }
    if (r == 0 && reading->course->count == 0) {
        return reading_fail(
            reading, place.line, "domains",
            "none, expected domains = [ \"name=NAME, ceiling=SIZE\", "
            "... ]");
    }
    return r;
}

/* ---- The whole ----------------------------------------------------------- */

/* Who has no working set needs its floor; so does who has none yet. */
static int settle_domain(const struct reading *reading, unsigned int index)
{
    struct course_domain *domain = &reading->course->domains[index];
    uint64_t duration_ms = reading->course->duration_ms;

    if (domain->start_ms >= duration_ms) {
        return reading_fail(
            reading, reading->lines[index], "start",
            "after the course has ended, expected a time before that");
    }
    domain->end_ms = units_min(domain->end_ms, duration_ms);
    if (domain->count > 0) {
        return 0;
    }
    return course_domain_add(domain, domain->start_ms, domain->floor_kib);
}

static int settle(const struct reading *reading)
{
    struct course *course = reading->course;
    int r = 0;

    if (course->duration_ms == 0) {
        course->duration_ms = reading->last_ms + SCENARIO_AFTER_MS;
    }
    for (unsigned int i = 0; r == 0 && i < course->count; i++) {
        r = settle_domain(reading, i);
    }
    return r;
}

static int fail_syntax(const struct reading *reading,
                       const struct xlconf_error *error)
{
    return reading_fail(
        reading, error->line, "syntax",
        "%s, expected KEY = NUMBER, KEY = \"TEXT\" (in quotes) or "
        "KEY = [ \"TEXT\", ... ]",
        error->what);
}

int scenario_parse(const char *name, const char *untrusted_text, size_t len,
                   struct course *course, char error[READ_ERROR_MAX])
{
    struct reading reading = {.name = name, .error = error, .course = course};
    struct xlconf_error syntax;
    struct xlconf *conf = NULL;
    int r = xlconf_parse(untrusted_text, len, &conf, &syntax);

    if (r == -EINVAL) {
        return fail_syntax(&reading, &syntax);
    }
    if (r == 0) {
        reading.conf = conf;
        r = read_keys(&reading, untrusted_text, len);
        xlconf_free(conf);
    }
    if (r == 0) {
        r = settle(&reading);
    }
    free(reading.lines);
    if (r == -ENOMEM) {
        (void)snprintf(error, READ_ERROR_MAX, "out of memory");
    }
    return r;
}
