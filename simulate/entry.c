/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/entry.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "common/units.h"
#include "simulate/value.h"

static const char blanks[] = " \t";

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

/* "floor=1G" and the like; each is kept in a field of the domain. */
static const struct word {
    const char *key;
    value_fn *parse;
    size_t field;
    const char *expected;
} words[] = {
#define WORD(key, parse, field, expected)                                      \
    {                                                                          \
        key, parse, offsetof(struct course_domain, field), expected            \
    }
    WORD("floor", value_size, floor_kib, VALUE_EXPECTED_SIZE),
    WORD("ceiling", value_size, ceiling_kib, VALUE_EXPECTED_SIZE),
    WORD("weight", value_weight, weight, "a number from 1 to 65536"),
    WORD("start", value_time, start_ms, VALUE_EXPECTED_TIME),
    WORD("end", value_time, end_ms, VALUE_EXPECTED_TIME),
    WORD("held", value_size, start_kib, VALUE_EXPECTED_SIZE),
    WORD("swap", value_size, swap_kib, VALUE_EXPECTED_SIZE),
    WORD("grow", value_size, grow_kib_s, VALUE_EXPECTED_SIZE " (in a second)"),
    WORD("shrink", value_size, shrink_kib_s,
         VALUE_EXPECTED_SIZE " (in a second)"),
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
    char escaped[READING_SHOWN_MAX];

    return reading_fail(
        reading, entry->line, "domains",
        "\"%s\", expected name=NAME, floor=, ceiling=, weight=, start=, "
        "end=, held=, swap=, grow=, shrink= or static%s%s%s",
        reading_shown(escaped, text), meant ? " (did you mean " : "",
        meant ? meant : "", meant ? "?)" : "");
}

static int read_name(const struct reading *reading, struct entry *entry,
                     const char *name)
{
    char text[READING_SHOWN_MAX];

    if (entry->domain.name[0] != '\0') {
        return reading_fail(
            reading, entry->line, "name",
            "\"%s\" is a second name, expected one domain an entry",
            reading_shown(text, name));
    }
    if (name[0] == '\0' || strlen(name) >= sizeof(entry->domain.name) ||
        strchr(name, ':')) {
        return reading_fail(reading, entry->line, "name",
                            "\"%s\", expected 1 to %zu bytes without a colon",
                            reading_shown(text, name),
                            sizeof(entry->domain.name) - 1);
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
    char escaped[READING_SHOWN_MAX];

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
        return reading_fail(reading, entry->line, word->key,
                            "given twice, expected only once");
    }
    if (word->parse(text + key_len + 1, &value) < 0) {
        return reading_fail(
            reading, entry->line, word->key, "\"%s\", expected %s",
            reading_shown(escaped, text + key_len + 1), word->expected);
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
        return reading_fail(reading, entry->line, "domains",
                            "no name, expected an entry such as \"name=web, "
                            "ceiling=4G\"");
    }
    if (domain->ceiling_kib == 0) {
        return reading_fail(
            reading, entry->line, "ceiling",
            "none, expected ceiling=SIZE, the most that the domain "
            "can hold");
    }
    if (!has_word(entry, "floor")) {
        domain->floor_kib = units_min(COURSE_FLOOR_KIB, domain->ceiling_kib);
    }
    if (domain->floor_kib > domain->ceiling_kib) {
        return reading_fail(reading, entry->line, "floor",
                            "above the ceiling, expected one no higher");
    }
    if (domain->start_kib > domain->ceiling_kib) {
        return reading_fail(reading, entry->line, "held",
                            "above the ceiling, expected no more than that");
    }
    if (has_word(entry, "end") && domain->end_ms <= domain->start_ms) {
        return reading_fail(reading, entry->line, "end",
                            "not after its start, expected a later time");
    }
    if (domain->grow_kib_s == 0 || domain->shrink_kib_s == 0) {
        return reading_fail(reading, entry->line,
                            domain->grow_kib_s == 0 ? "grow" : "shrink",
                            "none, expected some");
    }
    if (!has_word(entry, "end")) {
        domain->end_ms = UINT64_MAX; /* until the course ends */
    }
    return 0;
}

static int keep_domain(struct reading *reading, const struct entry *entry)
{
    char text[READING_SHOWN_MAX];
    struct course_domain *domain;
    unsigned int *lines;

    if (course_find(reading->course, entry->domain.name)) {
        return reading_fail(
            reading, entry->line, "name",
            "\"%s\" stands here twice, expected one entry a domain",
            reading_shown(text, entry->domain.name));
    }
    if (reading->course->count == SETTINGS_DOMAINS_MAX) {
        return reading_fail(reading, entry->line, "domains",
                            "too many, expected at most %d",
                            SETTINGS_DOMAINS_MAX);
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
int entry_read(struct reading *reading, unsigned int line, char *text)
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
