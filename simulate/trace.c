/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/trace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/units.h"

/* Columns of a line; more are not looked at. */
#define COLUMNS_MAX 64

/* In seconds it would be the year 5138, in milliseconds it is 1973. */
#define LEAST_MS UINT64_C(100000000000)

/* The year 2286, in milliseconds. */
#define TIME_MAX UINT64_C(10000000000000)

enum column { COLUMN_TIME, COLUMN_CAPACITY, COLUMN_USAGE, COLUMNS };

static const char *const column_names[COLUMNS] = {
    [COLUMN_TIME] = "Timestamp [ms]",
    [COLUMN_CAPACITY] = "Memory capacity provisioned [KB]",
    [COLUMN_USAGE] = "Memory usage [KB]",
};

struct place {
    const struct trace_options *options;
    const char *path;
    unsigned int line;
};

/* What was found, escaped and cut, and what was expected. */
static void complain(const struct place *place, const char *found, size_t len,
                     const char *expected)
{
    char path[256], text[64], what[TRACE_ERROR_MAX];

    if (place->options->complain == NULL) {
        return;
    }
    (void)snprintf(
        what, sizeof(what), "%s:%u: found '%s', expected %s",
        escape_text(path, sizeof(path), place->path, strlen(place->path)),
        place->line, escape_text(text, sizeof(text), found, units_min(len, 40)),
        expected);
    place->options->complain(place->options->state, what);
}

/* ---- Cells -------------------------------------------------------------- */

struct cell {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct cell trim(const char *text, size_t len)
{
    while (len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    return (struct cell){text, len};
}

/* How many there are, of at most max. */
static unsigned int split(const char *text, size_t len, struct cell *cells,
                          unsigned int max)
{
    const char *end = text + len;
    unsigned int count = 0;

    while (count < max) {
        const char *stop = memchr(text, ';', (size_t)(end - text));

        if (stop == NULL) {
            stop = end;
        }
        cells[count++] = trim(text, (size_t)(stop - text));
        if (stop == end) {
            break;
        }
        text = stop + 1;
    }
    return count;
}

/* As a number is read from left to right. */
struct decimal {
    uint64_t digits;  /* without the point */
    int64_t exponent; /* of ten */
    bool has_digits;
};

/* Digits that no longer fit make no difference to a whole number of KiB. */
static void take_digit(struct decimal *decimal, char c, bool is_fraction)
{
    decimal->has_digits = true;
    if (decimal->digits < UINT64_MAX / 10 - 1) {
        decimal->digits = decimal->digits * 10 + (uint64_t)(c - '0');
        decimal->exponent -= is_fraction;
    } else {
        decimal->exponent += !is_fraction;
    }
}

static const char *take_digits(struct decimal *decimal, const char *at,
                               const char *end, bool is_fraction)
{
    while (at < end && *at >= '0' && *at <= '9') {
        take_digit(decimal, *at++, is_fraction);
    }
    return at;
}

/* "E7", "e-3"; NULL when it is nothing of the kind. */
static const char *take_exponent(struct decimal *decimal, const char *at,
                                 const char *end)
{
    bool is_negative = false;
    int64_t exponent = 0;

    at++;
    if (at < end && (*at == '-' || *at == '+')) {
        is_negative = *at++ == '-';
    }
    if (at == end) {
        return NULL;
    }
    while (at < end && *at >= '0' && *at <= '9') {
        exponent = exponent < 1000 ? exponent * 10 + (*at - '0') : exponent;
        at++;
    }
    decimal->exponent += is_negative ? -exponent : exponent;
    return at;
}

/* "4194304.0", "1.6777216E7", "300"; rounded down.  False: no such number. */
static bool parse_decimal(struct cell cell, uint64_t max, uint64_t *ret_value)
{
    const char *at = cell.text;
    const char *end = cell.text + cell.len;
    struct decimal decimal = {0};
    uint64_t value;

    at = take_digits(&decimal, at, end, false);
    if (at < end && *at == '.') {
        at = take_digits(&decimal, at + 1, end, true);
    }
    if (at < end && (*at == 'e' || *at == 'E') && decimal.has_digits) {
        at = take_exponent(&decimal, at, end);
    }
    if (at != end || !decimal.has_digits) {
        return false;
    }
    value = decimal.digits;
    for (; decimal.exponent < 0 && value > 0; decimal.exponent++) {
        value /= 10;
    }
    for (; decimal.exponent > 0 && value > 0 && value <= max;
         decimal.exponent--) {
        value *= 10;
    }
    *ret_value = value;
    return value <= max;
}

/* ---- Lines -------------------------------------------------------------- */

struct layout {
    unsigned int index[COLUMNS];
    unsigned int count; /* of columns up to the last that is needed */
};

static bool read_header(const struct place *place, struct cell line,
                        struct layout *layout)
{
    struct cell cells[COLUMNS_MAX];
    unsigned int count = split(line.text, line.len, cells, COLUMNS_MAX);
    unsigned int i, j;

    layout->count = 0;
    for (i = 0; i < COLUMNS; i++) {
        const char *name = column_names[i];

        for (j = 0; j < count; j++) {
            if (cells[j].len == strlen(name) &&
                memcmp(cells[j].text, name, cells[j].len) == 0) {
                break;
            }
        }
        if (j == count) {
            char expected[96];

            (void)snprintf(expected, sizeof(expected),
                           "a header with the column '%s'", name);
            complain(place, line.text, line.len, expected);
            return false;
        }
        layout->index[i] = j;
        layout->count = (unsigned int)units_max(layout->count, j + 1);
    }
    return true;
}

struct trace_sample {
    uint64_t at_ms;
    uint64_t capacity_kib;
    uint64_t usage_kib;
};

static bool read_sample(const struct place *place, const struct layout *layout,
                        struct cell line, struct trace_sample *ret_sample)
{
    static const char *const expected[COLUMNS] = {
        [COLUMN_TIME] = "a time in seconds",
        [COLUMN_CAPACITY] = "a memory capacity in KB",
        [COLUMN_USAGE] = "a memory usage in KB",
    };
    struct cell cells[COLUMNS_MAX];
    uint64_t values[COLUMNS];
    unsigned int i;

    if (split(line.text, line.len, cells, layout->count) < layout->count) {
        complain(place, line.text, line.len,
                 "as many columns as in the header");
        return false;
    }
    for (i = 0; i < COLUMNS; i++) {
        struct cell cell = cells[layout->index[i]];

        if (!parse_decimal(cell, i == COLUMN_TIME ? TIME_MAX : UNITS_KIB_MAX,
                           &values[i])) {
            complain(place, cell.text, cell.len, expected[i]);
            return false;
        }
    }
    ret_sample->at_ms = values[COLUMN_TIME] < LEAST_MS
                            ? values[COLUMN_TIME] * 1000
                            : values[COLUMN_TIME];
    ret_sample->capacity_kib = values[COLUMN_CAPACITY];
    ret_sample->usage_kib = values[COLUMN_USAGE];
    return true;
}

/* ---- Files -------------------------------------------------------------- */

static uint64_t last_ms(const struct course_domain *domain)
{
    return domain->count == 0 ? 0 : domain->points[domain->count - 1].at_ms;
}

/* A line: 0, 1 when it cannot be used, or -ENOMEM. */
static int take_line(const struct place *place, const struct layout *layout,
                     struct cell line, struct course_domain *domain)
{
    struct trace_sample sample;

    if (line.len == 0) {
        return 0;
    }
    if (!read_sample(place, layout, line, &sample)) {
        return 1;
    }
    if (sample.at_ms < last_ms(domain)) {
        complain(place, line.text, line.len,
                 "a time that is not before that of the line above");
        return 1;
    }
    domain->ceiling_kib = units_max(domain->ceiling_kib, sample.capacity_kib);
    return course_domain_add(domain, sample.at_ms, sample.usage_kib);
}

static int take_lines(struct place *place, FILE *file,
                      struct course_domain *domain)
{
    struct layout layout;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int unusable = 0;
    int r = 0;

    while (r >= 0 && (len = getline(&line, &room, file)) >= 0) {
        struct cell text = trim(line, (size_t)len);

        place->line++;
        if (place->line == 1) {
            r = read_header(place, text, &layout) ? 0 : -EINVAL;
        } else {
            r = take_line(place, &layout, text, domain);
            unusable += r > 0;
        }
    }
    free(line);
    return r < 0 ? r : unusable;
}

/* What can be said when all samples are there. */
static void complete(struct course_domain *domain, uint64_t floor_kib)
{
    unsigned int i;

    domain->ceiling_kib = units_whole_pages(domain->ceiling_kib);
    domain->floor_kib =
        units_whole_pages(units_min(floor_kib, domain->ceiling_kib));
    for (i = 0; i < domain->count; i++) {
        domain->points[i].working_set_kib =
            units_min(domain->points[i].working_set_kib, domain->ceiling_kib);
    }
    domain->start_ms = domain->points[0].at_ms;
    domain->end_ms = last_ms(domain) + TRACE_SAMPLE_MS;
    domain->start_kib = units_whole_pages(
        units_max(domain->floor_kib, domain->points[0].working_set_kib));
}

int trace_add(const char *path, const char *name, FILE *file,
              const struct trace_options *options, struct course *course)
{
    struct place place = {.options = options, .path = path};
    struct course_domain *domain = course_add(course);
    int r;

    if (domain == NULL) {
        return -ENOMEM;
    }
    (void)snprintf(domain->name, sizeof(domain->name), "%s", name);
    r = take_lines(&place, file, domain);
    if (r >= 0 && (domain->count == 0 || domain->ceiling_kib == 0)) {
        complain(&place, "", 0,
                 "a sample of a machine with memory, at the least");
        r = -EINVAL;
    }
    if (r < 0) {
        free(domain->points);
        course->count--;
        return r;
    }
    complete(domain, options->floor_kib);
    return r;
}

void trace_finish(struct course *course)
{
    uint64_t first_ms = UINT64_MAX;
    unsigned int i, j;

    for (i = 0; i < course->count; i++) {
        first_ms = units_min(first_ms, course->domains[i].start_ms);
    }
    for (i = 0; i < course->count; i++) {
        struct course_domain *domain = &course->domains[i];

        domain->start_ms -= first_ms;
        domain->end_ms -= first_ms;
        for (j = 0; j < domain->count; j++) {
            domain->points[j].at_ms -= first_ms;
        }
        course->duration_ms = units_max(course->duration_ms, domain->end_ms);
    }
}

/* ---- Folders ------------------------------------------------------------ */

static int __attribute__((format(printf, 3, 4)))
fail(char error[TRACE_ERROR_MAX], int r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, TRACE_ERROR_MAX, format, arguments);
    va_end(arguments);
    return r;
}

static bool is_trace(const char *name, size_t *ret_len)
{
    size_t len = strlen(name);

    if (len <= 4 || strcmp(name + len - 4, ".csv") != 0) {
        return false;
    }
    *ret_len = len - 4;
    return true;
}

static int is_wanted(const struct dirent *entry)
{
    size_t len;

    return is_trace(entry->d_name, &len);
}

static int read_file(const char *folder, const char *entry,
                     const struct trace_options *options, struct course *course,
                     char error[TRACE_ERROR_MAX])
{
    char name[SETTINGS_NAME_MAX];
    char escaped[256];
    char path[4096];
    FILE *file;
    size_t len;
    int r;

    (void)is_trace(entry, &len);
    (void)escape_text(name, sizeof(name), entry, len);
    r = snprintf(path, sizeof(path), "%s/%s", folder, entry);
    (void)escape_text(escaped, sizeof(escaped), path, strlen(path));
    if (r >= (int)sizeof(path)) {
        return fail(error, -ENAMETOOLONG, "%s: the path is too long", escaped);
    }
    file = fopen(path, "re");
    if (file == NULL) {
        r = -errno;
        return fail(error, r, "cannot read %s: %s", escaped, strerror(-r));
    }
    r = trace_add(path, name, file, options, course);
    if (ferror(file)) {
        r = fail(error, -EIO, "cannot read %s to its end", escaped);
    }
    (void)fclose(file);
    /* A file without a machine has been complained of. */
    return r == -EINVAL ? 0 : r;
}

int trace_read(const char *folder, const struct trace_options *options,
               struct course *course, char error[TRACE_ERROR_MAX])
{
    struct dirent **entries = NULL;
    char escaped[256];
    int count = scandir(folder, &entries, is_wanted, versionsort);
    int r = 0;
    int i;

    (void)escape_text(escaped, sizeof(escaped), folder, strlen(folder));
    if (count < 0) {
        r = -errno;
        return fail(error, r, "cannot read %s: %s", escaped, strerror(-r));
    }
    if (count > TRACE_FILES_MAX) {
        r = fail(error, -EFBIG, "%s: found %d files, expected at most %d",
                 escaped, count, TRACE_FILES_MAX);
    }
    for (i = 0; i < count; i++) {
        if (r >= 0) {
            r = read_file(folder, entries[i]->d_name, options, course, error);
        }
        free(entries[i]);
    }
    free(entries);
    if (r == -ENOMEM) {
        return fail(error, r, "%s: out of memory", escaped);
    }
    if (r >= 0 && course->count == 0) {
        return fail(error, -EINVAL,
                    "%s: found no machine, expected files *.csv of a trace",
                    escaped);
    }
    if (r < 0) {
        return r;
    }
    trace_finish(course);
    return 0;
}
