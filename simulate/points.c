/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/points.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/units.h"
#include "simulate/value.h"

static const char blanks[] = " \t";

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
    char text[READING_SHOWN_MAX];
    char *equals = strchr(word, '=');
    uint64_t at_ms = 0;
    uint64_t kib = 0;
    bool is_good = false;

    (void)reading_shown(text, word);
    if (equals) {
        *equals = '\0';
        is_good =
            value_time(word, &at_ms) == 0 && value_size(equals + 1, &kib) == 0;
    }
    if (!is_good) {
        return reading_fail(reading, line, "working_sets",
                            "\"%s\", expected TIME=SIZE such as 90s=2G", text);
    }
    if (at_ms < domain->start_ms || at_ms >= domain->end_ms) {
        return reading_fail(
            reading, line, "working_sets",
            "\"%s\", expected a time from the domain's start to its "
            "end",
            text);
    }
    if (domain->count > 0 && domain->points[domain->count - 1].at_ms >= at_ms) {
        return reading_fail(
            reading, line, "working_sets",
            "\"%s\", expected a time after that of the point before it", text);
    }
    reading->last_ms = units_max(reading->last_ms, at_ms);
    if (domain->count == 0 && at_ms > domain->start_ms &&
        course_domain_add(domain, domain->start_ms, domain->floor_kib) < 0) {
        return -ENOMEM;
    }
    return course_domain_add(domain, at_ms, kib);
}

int points_read(struct reading *reading, unsigned int line, char *text)
{
    char *colon = strchr(text, ':');
    char *rest = colon ? colon + 1 : text;
    struct course_domain *domain;
    char escaped[READING_SHOWN_MAX];
    char *word;
    int r = 0;

    if (!colon) {
        return reading_fail(
            reading, line, "working_sets",
            "\"%s\", expected an entry such as \"web: 0s=2G 60s=7G\"",
            reading_shown(escaped, text));
    }
    *colon = '\0';
    domain = course_find(reading->course, text);
    if (!domain) {
        return reading_fail(
            reading, line, "working_sets",
            "no domain \"%s\", expected one of those in domains, which "
            "stand before",
            reading_shown(escaped, text));
    }
    if (domain->count > 0) {
        return reading_fail(reading, line, "working_sets",
                            "a second entry for \"%s\", expected one",
                            reading_shown(escaped, text));
    }
    while (r == 0 && (word = take_point(&rest))) {
        r = read_point(reading, line, domain, word);
    }
    if (r == 0 && domain->count == 0) {
        return reading_fail(
            reading, line, "working_sets",
            "no point for \"%s\", expected TIME=SIZE such as 90s=2G",
            reading_shown(escaped, text));
    }
    return r;
}
