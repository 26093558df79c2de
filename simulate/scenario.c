/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As in backend/conffile.c, libxlutil reads the values, and the scanner tells
 * where they stand.
 */
#include "simulate/scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/configlines.h"
#include "backend/xlconf_xen.h"
#include "common/escape.h"
#include "common/nearest.h"
#include "common/number.h"
#include "common/units.h"

/* What is shown of a word from the file. */
#define SHOWN_MAX 64

static const char blanks[] = " \t";

struct reading {
    const char *name;
    char *error; /* of READ_ERROR_MAX bytes */
    const struct xlconf *conf;
    struct course *course;
    uint64_t last_ms; /* of all that is said */
    /* Where each domain is described, for what is found wrong afterwards. */
    unsigned int *lines;
};

/* One line for the operator; returns -EINVAL to be handed on. */
static int __attribute__((format(printf, 4, 5)))
fail(const struct reading *reading, unsigned int line, const char *key,
     const char *format, ...)
{
    char shown[READ_ERROR_MAX / 2];
    va_list arguments;
    int used = snprintf(
        reading->error, READ_ERROR_MAX, "%s:%u: %s: ",
        escape_text(shown, sizeof(shown), reading->name, strlen(reading->name)),
        line, key);

    if (used > 0 && used < READ_ERROR_MAX) {
        va_start(arguments, format);
        (void)vsnprintf(reading->error + used, READ_ERROR_MAX - (size_t)used,
                        format, arguments);
        va_end(arguments);
    }
    return -EINVAL;
}

static const char *shown(char text[SHOWN_MAX], const char *word)
{
    return escape_text(text, SHOWN_MAX, word, strlen(word));
}

/* ---- Values -------------------------------------------------------------- */

/* "90s", "5m", "250ms"; a bare number is seconds. */
static int parse_time(const char *text, uint64_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"", 1000},   {"ms", 1},      {"s", 1000},
        {"m", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    size_t digits = strspn(text, "0123456789");
    uint64_t number;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + digits, units[i].unit) != 0) {
            continue;
        }
        if (number_parse(text, digits, SCENARIO_TIME_MAX_MS / units[i].ms,
                         &number) < 0) {
            return -EINVAL;
        }
        *ret_ms = number * units[i].ms;
        return 0;
    }
    return -EINVAL;
}

/* What the course can hold is in whole pages. */
static int parse_size(const char *text, uint64_t *ret_kib)
{
    uint64_t kib;

    if (number_parse_size(text, &kib) < 0) {
        return -EINVAL;
    }
    *ret_kib = units_whole_pages(kib);
    return 0;
}

/* "75" or "75%". */
static int parse_percent(const char *text, uint64_t *ret_permyriad)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t percent;

    if ((text[digits] != '\0' && strcmp(text + digits, "%") != 0) ||
        number_parse(text, digits, 99, &percent) < 0) {
        return -EINVAL;
    }
    *ret_permyriad = percent * 100;
    return 0;
}

static int parse_weight(const char *text, uint64_t *ret_weight)
{
    uint64_t weight;

    if (number_parse(text, strlen(text), SETTINGS_WEIGHT_MAX, &weight) < 0 ||
        weight < SETTINGS_WEIGHT_MIN) {
        return -EINVAL;
    }
    *ret_weight = weight;
    return 0;
}

typedef int parse_fn(const char *text, uint64_t *ret_value);

#define EXPECTED_SIZE "a size such as 512M or 2G"
#define EXPECTED_TIME "a time such as 90s, 5m, 2h or 250ms"

/* Cuts one word off *rest at a comma, without the blanks around it. */
static char *take_word(char **rest)
{
    char *word = *rest + strspn(*rest, blanks);
    char *comma = strchr(word, ',');
    size_t len;

    *rest = comma ? comma + 1 : NULL;
    if (comma) {
        *comma = '\0';
    }
    len = strlen(word);
    while (len > 0 && strchr(blanks, word[len - 1])) {
        len--;
    }
    word[len] = '\0';
    return word;
}

/* ---- Single values ------------------------------------------------------- */

static int read_value(struct reading *reading, unsigned int line,
                      const char *key, parse_fn *parse, const char *expected,
                      uint64_t *ret_value)
{
    const char *value = xlconf_string(reading->conf, key);
    char text[SHOWN_MAX];

    if (!value) {
        return fail(reading, line, key, "a list, expected %s", expected);
    }
    if (parse(value, ret_value) < 0) {
        return fail(reading, line, key, "\"%s\", expected %s",
                    shown(text, value), expected);
    }
    return 0;
}

static int read_host_memory(struct reading *reading,
                            const struct configlines *at, unsigned int line)
{
    int r = read_value(reading, line, "host_memory", parse_size, EXPECTED_SIZE,
                       &reading->course->host_memory_kib);

    (void)at;
    if (r == 0 && reading->course->host_memory_kib == 0) {
        return fail(reading, line, "host_memory", "none, expected some");
    }
    return r;
}

static int read_reserve(struct reading *reading, const struct configlines *at,
                        unsigned int line)
{
    (void)at;
    return read_value(reading, line, "reserve", parse_size, EXPECTED_SIZE,
                      &reading->course->reserve_kib);
}

static int read_idle_tax(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    (void)at;
    return read_value(reading, line, "idle_tax", parse_percent,
                      "a percentage from 0 to 99",
                      &reading->course->idle_tax_permyriad);
}

static int read_duration(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    int r = read_value(reading, line, "duration", parse_time, EXPECTED_TIME,
                       &reading->course->duration_ms);

    (void)at;
    if (r == 0 && reading->course->duration_ms == 0) {
        return fail(reading, line, "duration", "none, expected some");
    }
    return r;
}

static int read_ramp(struct reading *reading, const struct configlines *at,
                     unsigned int line)
{
    (void)at;
    return read_value(reading, line, "ramp", parse_time, EXPECTED_TIME,
                      &reading->course->ramp_ms);
}

/* ---- domains ------------------------------------------------------------- */

/* "floor=1G" and the like; each is kept in a field of the domain. */
static const struct word {
    const char *key;
    parse_fn *parse;
    size_t field;
    const char *expected;
} words[] = {
#define WORD(key, parse, field, expected)                                      \
    {                                                                          \
        key, parse, offsetof(struct course_domain, field), expected            \
    }
    WORD("floor", parse_size, floor_kib, EXPECTED_SIZE),
    WORD("ceiling", parse_size, ceiling_kib, EXPECTED_SIZE),
    WORD("weight", parse_weight, weight, "a number from 1 to 65536"),
    WORD("start", parse_time, start_ms, EXPECTED_TIME),
    WORD("end", parse_time, end_ms, EXPECTED_TIME),
    WORD("held", parse_size, start_kib, EXPECTED_SIZE),
    WORD("swap", parse_size, swap_kib, EXPECTED_SIZE),
    WORD("grow", parse_size, grow_kib_s, EXPECTED_SIZE " (in a second)"),
    WORD("shrink", parse_size, shrink_kib_s, EXPECTED_SIZE " (in a second)"),
#undef WORD
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

static const char *const known_words[] = {
    "name", "floor", "ceiling", "weight", "start",  "end",
    "held", "swap",  "grow",    "shrink", "static",
};

/* A domain that is being read, and which words it has already. */
struct entry {
    struct course_domain domain;
    unsigned int has; /* of words[], by number */
    unsigned int line;
};

static const struct word *find_word(const char *key, size_t len)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strlen(words[i].key) == len &&
            memcmp(words[i].key, key, len) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

static bool has_word(const struct entry *entry, const char *key)
{
    const struct word *word = find_word(key, strlen(key));

    return (entry->has & 1U << (word - words)) != 0;
}

static int fail_word(const struct reading *reading, const struct entry *entry,
                     const char *text, size_t key_len)
{
    const char *meant =
        nearest_word(text, key_len, known_words,
                     sizeof(known_words) / sizeof(known_words[0]));
    char escaped[SHOWN_MAX];

    return fail(
        reading, entry->line, "domains",
        "\"%s\", expected name=NAME, floor=, ceiling=, weight=, start=, "
        "end=, held=, swap=, grow=, shrink= or static%s%s%s",
        shown(escaped, text), meant ? " (did you mean " : "",
        meant ? meant : "", meant ? "?)" : "");
}

static int read_name(const struct reading *reading, struct entry *entry,
                     const char *name)
{
    char text[SHOWN_MAX];

    if (entry->domain.name[0] != '\0') {
        return fail(reading, entry->line, "name",
                    "\"%s\" is a second name, expected one domain an entry",
                    shown(text, name));
    }
    if (name[0] == '\0' || strlen(name) >= sizeof(entry->domain.name) ||
        strchr(name, ':')) {
        return fail(reading, entry->line, "name",
                    "\"%s\", expected 1 to %zu bytes without a colon",
                    shown(text, name), sizeof(entry->domain.name) - 1);
    }
    (void)snprintf(entry->domain.name, sizeof(entry->domain.name), "%s", name);
    return 0;
}

static int read_word(const struct reading *reading, struct entry *entry,
                     const char *text)
{
    size_t key_len = strcspn(text, "=");
    const struct word *word = find_word(text, key_len);
    uint64_t value;
    char escaped[SHOWN_MAX];

    if (strcmp(text, "static") == 0) {
        entry->domain.is_static = true;
        return 0;
    }
    if (strncmp(text, "name=", strlen("name=")) == 0) {
        return read_name(reading, entry, text + strlen("name="));
    }
    if (!word || text[key_len] == '\0') {
        return fail_word(reading, entry, text, key_len);
    }
    if (has_word(entry, word->key)) {
        return fail(reading, entry->line, word->key,
                    "given twice, expected only once");
    }
    if (word->parse(text + key_len + 1, &value) < 0) {
        return fail(reading, entry->line, word->key, "\"%s\", expected %s",
                    shown(escaped, text + key_len + 1), word->expected);
    }
    memcpy((char *)&entry->domain + word->field, &value, sizeof(value));
    entry->has |= 1U << (word - words);
    return 0;
}

static int read_words(const struct reading *reading, char *text,
                      struct entry *entry)
{
    char *rest = text;

    while (rest) {
        int r = read_word(reading, entry, take_word(&rest));

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* What was not said, and what must hold of what was. */
static int complete(const struct reading *reading, struct entry *entry)
{
    struct course_domain *domain = &entry->domain;

    if (domain->name[0] == '\0') {
        return fail(reading, entry->line, "domains",
                    "no name, expected an entry such as \"name=web, "
                    "ceiling=4G\"");
    }
    if (domain->ceiling_kib == 0) {
        return fail(reading, entry->line, "ceiling",
                    "none, expected ceiling=SIZE, the most that the domain "
                    "can hold");
    }
    if (!has_word(entry, "floor")) {
        domain->floor_kib = units_min(COURSE_FLOOR_KIB, domain->ceiling_kib);
    }
    if (domain->floor_kib > domain->ceiling_kib) {
        return fail(reading, entry->line, "floor",
                    "above the ceiling, expected one no higher");
    }
    if (domain->start_kib > domain->ceiling_kib) {
        return fail(reading, entry->line, "held",
                    "above the ceiling, expected no more than that");
    }
    if (has_word(entry, "end") && domain->end_ms <= domain->start_ms) {
        return fail(reading, entry->line, "end",
                    "not after its start, expected a later time");
    }
    if (domain->grow_kib_s == 0 || domain->shrink_kib_s == 0) {
        return fail(reading, entry->line,
                    domain->grow_kib_s == 0 ? "grow" : "shrink",
                    "none, expected some");
    }
    if (!has_word(entry, "end")) {
        domain->end_ms = UINT64_MAX; /* until the course ends */
    }
    return 0;
}

static struct course_domain *find_domain(const struct course *course,
                                         const char *name)
{
    for (unsigned int i = 0; i < course->count; i++) {
        if (strcmp(course->domains[i].name, name) == 0) {
            return &course->domains[i];
        }
    }
    return NULL;
}

static int keep_domain(struct reading *reading, const struct entry *entry)
{
    char text[SHOWN_MAX];
    struct course_domain *domain;
    unsigned int *lines;

    if (find_domain(reading->course, entry->domain.name)) {
        return fail(reading, entry->line, "name",
                    "\"%s\" stands here twice, expected one entry a domain",
                    shown(text, entry->domain.name));
    }
    if (reading->course->count == SETTINGS_DOMAINS_MAX) {
        return fail(reading, entry->line, "domains",
                    "too many, expected at most %d", SETTINGS_DOMAINS_MAX);
    }
    lines =
        realloc(reading->lines, (reading->course->count + 1U) * sizeof(*lines));
    if (!lines) {
        return -ENOMEM;
    }
    reading->lines = lines;
    lines[reading->course->count] = entry->line;
    domain = course_add(reading->course);
    if (!domain) {
        return -ENOMEM;
    }
    *domain = entry->domain;
    reading->last_ms = units_max(reading->last_ms, domain->start_ms);
    if (domain->end_ms != UINT64_MAX) {
        reading->last_ms = units_max(reading->last_ms, domain->end_ms);
    }
    return 0;
}

/* Speeds, weight and swap as course_add() gives them. */
static int read_domain(struct reading *reading, unsigned int line, char *text)
{
    struct entry entry = {.line = line};
    struct course defaults = {0};
    const struct course_domain *ordinary = course_add(&defaults);
    int r;

    if (!ordinary) {
        return -ENOMEM;
    }
    entry.domain = *ordinary;
    course_done(&defaults);
    r = read_words(reading, text, &entry);
    if (r == 0) {
        r = complete(reading, &entry);
    }
    return r < 0 ? r : keep_domain(reading, &entry);
}

/* ---- working_sets -------------------------------------------------------- */

/* Cuts one word off *rest at white space; NULL at the end. */
static char *take_point(char **rest)
{
    char *word = *rest + strspn(*rest, blanks);
    size_t len = strcspn(word, blanks);

    if (len == 0) {
        return NULL;
    }
    *rest = word + len;
    if (**rest != '\0') {
        *(*rest)++ = '\0';
    }
    return word;
}

static int read_point(struct reading *reading, unsigned int line,
                      struct course_domain *domain, char *word)
{
    char text[SHOWN_MAX];
    char *equals = strchr(word, '=');
    uint64_t at_ms = 0;
    uint64_t kib = 0;
    bool is_good = false;

    (void)shown(text, word);
    if (equals) {
        *equals = '\0';
        is_good =
            parse_time(word, &at_ms) == 0 && parse_size(equals + 1, &kib) == 0;
    }
    if (!is_good) {
        return fail(reading, line, "working_sets",
                    "\"%s\", expected TIME=SIZE such as 90s=2G", text);
    }
    if (at_ms < domain->start_ms || at_ms >= domain->end_ms) {
        return fail(reading, line, "working_sets",
                    "\"%s\", expected a time from the domain's start to its "
                    "end",
                    text);
    }
    if (domain->count > 0 && domain->points[domain->count - 1].at_ms >= at_ms) {
        return fail(reading, line, "working_sets",
                    "\"%s\", expected a time after that of the point before it",
                    text);
    }
    reading->last_ms = units_max(reading->last_ms, at_ms);
    if (domain->count == 0 && at_ms > domain->start_ms &&
        course_domain_add(domain, domain->start_ms, domain->floor_kib) < 0) {
        return -ENOMEM;
    }
    return course_domain_add(domain, at_ms, kib);
}

static int read_working_set(struct reading *reading, unsigned int line,
                            char *text)
{
    char *colon = strchr(text, ':');
    char *rest = colon ? colon + 1 : text;
    struct course_domain *domain;
    char escaped[SHOWN_MAX];
    char *word;
    int r = 0;

    if (!colon) {
        return fail(reading, line, "working_sets",
                    "\"%s\", expected an entry such as \"web: 0s=2G 60s=7G\"",
                    shown(escaped, text));
    }
    *colon = '\0';
    domain = find_domain(reading->course, text);
    if (!domain) {
        return fail(reading, line, "working_sets",
                    "no domain \"%s\", expected one of those in domains, which "
                    "stand before",
                    shown(escaped, text));
    }
    if (domain->count > 0) {
        return fail(reading, line, "working_sets",
                    "a second entry for \"%s\", expected one",
                    shown(escaped, text));
    }
    while (r == 0 && (word = take_point(&rest))) {
        r = read_point(reading, line, domain, word);
    }
    if (r == 0 && domain->count == 0) {
        return fail(reading, line, "working_sets",
                    "no point for \"%s\", expected TIME=SIZE such as 90s=2G",
                    shown(escaped, text));
    }
    return r;
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
        return fail(reading, line, key,
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
        return fail(reading, line, key,
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
    return read_list(reading, at, line, "domains", read_domain);
}

static int read_working_sets(struct reading *reading,
                             const struct configlines *at, unsigned int line)
{
    return read_list(reading, at, line, "working_sets", read_working_set);
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
    char key[SHOWN_MAX];

    return fail(reading, place->line,
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
        return fail(reading, place->line, key_names[key],
                    "given before in line %u, expected only once",
                    first_lines[key]);
    }
    if (place->kind == CONFIGLINES_ADDITION) {
        return fail(reading, place->line, key_names[key],
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
        return fail(reading, place.line, "domains",
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
        return fail(reading, reading->lines[index], "start",
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
    return fail(reading, error->line, "syntax",
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
