/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenario files: the course that comes of one, and what is said of one that
 * is not understood, and where.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/scenario.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define MIB UINT64_C(1024)
#define GIB (1024 * MIB)

/* Expects the text to be taken; the caller frees. */
static struct course good(const char *text)
{
    struct course course;
    char error[READ_ERROR_MAX] = "";

    course_init(&course);
    if (scenario_parse("F", text, strlen(text), &course, error) != 0) {
        fail_msg("refused: %s", error);
    }
    return course;
}

static void everything_is_taken(void **state)
{
    struct course course = good(
        "host_memory = \"16G\"\nreserve = \"256M\"\nidle_tax = \"50%\"\n"
        "duration = \"10m\"\nramp = 5\n"
        "domains = [\n"
        " \"name=web, floor=1G, ceiling=8G, weight=512, start=10s, end=9m, "
        "swap=2G, grow=512M, shrink=64M, held=2G\",\n"
        " 'name= a name ,ceiling=4G,static' ]\n"
        "working_sets = [ \"web: 10s=2G  60s=7G 100500ms=2049\" ]\n");
    const struct course_domain *web = &course.domains[0];
    const struct course_domain *other = &course.domains[1];

    (void)state;
    assert_int_equal(course.host_memory_kib, 16 * GIB);
    assert_int_equal(course.reserve_kib, 256 * MIB);
    assert_int_equal(course.idle_tax_permyriad, 5000);
    assert_int_equal(course.duration_ms, 600000);
    assert_int_equal(course.ramp_ms, 5000);
    assert_int_equal(course.count, 2);

    assert_string_equal(web->name, "web");
    assert_int_equal(web->floor_kib, GIB);
    assert_int_equal(web->ceiling_kib, 8 * GIB);
    assert_int_equal(web->weight, 512);
    assert_int_equal(web->start_ms, 10000);
    assert_int_equal(web->end_ms, 540000);
    assert_int_equal(web->swap_kib, 2 * GIB);
    assert_int_equal(web->grow_kib_s, 512 * MIB);
    assert_int_equal(web->shrink_kib_s, 64 * MIB);
    assert_int_equal(web->start_kib, 2 * GIB);
    assert_false(web->is_static);
    assert_int_equal(web->count, 3);
    assert_int_equal(web->points[1].at_ms, 60000);
    assert_int_equal(web->points[1].working_set_kib, 7 * GIB);
    assert_int_equal(web->points[2].at_ms, 100500);
    assert_int_equal(web->points[2].working_set_kib, 2049 * MIB);

    assert_string_equal(other->name, " a name");
    assert_true(other->is_static);
    course_done(&course);
}

static void what_is_not_said_has_a_default(void **state)
{
    struct course course =
        good("domains = [ \"name=a, ceiling=4G\", \"name=b, ceiling=128M\", "
             "\"name=c, ceiling=1G, start=2m\" ]\n"
             "working_sets = [ \"c: 3m=512M\" ]");
    const struct course_domain *domain = &course.domains[0];

    (void)state;
    assert_int_equal(course.host_memory_kib, 0);
    assert_int_equal(course.reserve_kib, UINT64_MAX);
    assert_int_equal(course.ramp_ms, COURSE_RAMP_MS);
    assert_int_equal(course.duration_ms, 180000 + SCENARIO_AFTER_MS);
    assert_int_equal(domain->floor_kib, COURSE_FLOOR_KIB);
    assert_int_equal(domain->weight, SETTINGS_WEIGHT_DEFAULT);
    assert_int_equal(domain->swap_kib, UINT64_MAX);
    assert_int_equal(domain->grow_kib_s, COURSE_GROW_KIB_S);
    assert_int_equal(domain->shrink_kib_s, COURSE_SHRINK_KIB_S);
    assert_int_equal(domain->start_ms, 0);
    assert_int_equal(domain->end_ms, course.duration_ms);
    /* Without a working set: its floor, and no more than its ceiling. */
    assert_int_equal(domain->count, 1);
    assert_int_equal(domain->points[0].working_set_kib, COURSE_FLOOR_KIB);
    assert_int_equal(course.domains[1].floor_kib, 128 * MIB);
    /* Before its first point, too. */
    assert_int_equal(course.domains[2].count, 2);
    assert_int_equal(course.domains[2].points[0].at_ms, 120000);
    assert_int_equal(course.domains[2].points[0].working_set_kib,
                     COURSE_FLOOR_KIB);
    course_done(&course);
}

static const struct {
    const char *text;
    const char *error; /* its beginning */
    const char *why;
} bad[] = {
    {"", "F:1: domains: none, expected domains = [", "empty"},
    {"domains = [\n", "F:1: syntax: ", "an open list"},
    {"\nhost_memory = \"x\"",
     "F:2: host_memory: \"x\", expected a size such as 512M or 2G", "a size"},
    {"host_memory = 0", "F:1: host_memory: none, expected some", "no host"},
    {"host_memory = []", "F:1: host_memory: a list, expected a size", "a list"},
    {"duration = \"5 m\"", "F:1: duration: \"5 m\", expected a time such as",
     "a blank"},
    {"duration = \"99999999d\"", "F:1: duration: \"99999999d\", expected",
     "too long"},
    {"duration = 0", "F:1: duration: none, expected some", "no time"},
    {"idle_tax = 100",
     "F:1: idle_tax: \"100\", expected a percentage from 0 to "
     "99",
     "a percentage"},
    {"ramp = -1", "F:1: ", "a sign"},
    {"host_memry = 1",
     "F:1: host_memry: no such key, expected host_memory, reserve, idle_tax, "
     "duration, ramp, domains or working_sets (did you mean host_memory?)",
     "a slip"},
    {"ramp = 1\nramp = 2",
     "F:2: ramp: given before in line 1, expected only once", "twice"},
    {"ramp += 1", "F:1: ramp: \"+=\" adds to nothing, expected \"=\"",
     "an addition"},
    {"domains = 1", "F:1: domains: no list, expected [", "no list"},
    {"domains = [ \"name=a, ceiling=1G\",\n [ \"x\" ] ]",
     "F:2: domains: a list in the list, expected a text in quotes", "nested"},
    {"domains = [\n\n\"ceiling=1G\" ]",
     "F:3: domains: no name, expected an "
     "entry such as \"name=web, ceiling=4G\"",
     "no name"},
    {"domains = [ \"name=a\" ]", "F:1: ceiling: none, expected ceiling=SIZE",
     "no ceiling"},
    {"domains = [ \"name=a, celing=1G\" ]",
     "F:1: domains: \"celing=1G\", expected name=NAME, floor=, ceiling=, "
     "weight=, start=, end=, held=, swap=, grow=, shrink= or static (did you "
     "mean ceiling?)",
     "a slip in a word"},
    {"domains = [ \"name=a, floor\" ]", "F:1: domains: \"floor\", expected",
     "no value"},
    {"domains = [ \"name=a, floor=2G, ceiling=1G\" ]",
     "F:1: floor: above the ceiling, expected one no higher", "crossed"},
    {"domains = [ \"name=a, ceiling=1G, ceiling=1G\" ]",
     "F:1: ceiling: given twice, expected only once", "a word twice"},
    {"domains = [ \"name=a, ceiling=1G, held=2G\" ]",
     "F:1: held: above the ceiling", "too much held"},
    {"domains = [ \"name=a, ceiling=1G, start=1m, end=60\" ]",
     "F:1: end: not after its start, expected a later time", "no life"},
    {"domains = [ \"name=a, ceiling=1G, grow=0\" ]",
     "F:1: grow: none, expected some", "cannot grow"},
    {"domains = [ \"name=a, ceiling=1G, weight=0\" ]",
     "F:1: weight: \"0\", expected a number from 1 to 65536", "no weight"},
    {"domains = [ \"name=a, name=b\" ]", "F:1: name: \"b\" is a second name",
     "two names"},
    {"domains = [ \"name=a:b\" ]",
     "F:1: name: \"a:b\", expected 1 to 127 bytes "
     "without a colon",
     "a colon"},
    {"domains = [ \"name=a, ceiling=1G\",\n\"name=a, ceiling=1G\" ]",
     "F:2: name: \"a\" stands here twice", "a domain twice"},
    {"duration = \"1m\"\ndomains = [ \"name=a, ceiling=1G, start=2m\" ]",
     "F:2: start: after the course has ended", "too late"},
#define ONE "domains = [ \"name=a, ceiling=1G, start=10, end=20\" ]\n"
    {ONE "working_sets = [ \"10=1G\" ]",
     "F:2: working_sets: \"10=1G\", expected an entry such as", "no colon"},
    {ONE "working_sets = [ \"b: 10=1G\" ]",
     "F:2: working_sets: no domain \"b\", expected one of those in domains",
     "no such domain"},
    {"working_sets = [ \"a: 10=1G\" ]\n" ONE,
     "F:1: working_sets: no domain \"a\"", "before the domains"},
    {ONE "working_sets = [ \"a:\" ]", "F:2: working_sets: no point for \"a\"",
     "no point"},
    {ONE "working_sets = [ \"a: 10\" ]",
     "F:2: working_sets: \"10\", expected TIME=SIZE such as 90s=2G", "no size"},
    {ONE "working_sets = [ \"a: 10=1G 10s=2G\" ]",
     "F:2: working_sets: \"10s=2G\", expected a time after that", "not later"},
    {ONE "working_sets = [ \"a: 9=1G\" ]",
     "F:2: working_sets: \"9=1G\", expected a time from the domain's start",
     "before its start"},
    {ONE "working_sets = [ \"a: 20=1G\" ]",
     "F:2: working_sets: \"20=1G\", "
     "expected a time from the domain's",
     "at its end"},
    {ONE "working_sets = [ \"a: 10=1G\",\n\"a: 11=1G\" ]",
     "F:3: working_sets: a second entry for \"a\", expected one", "two sets"},
    {"domains = [ \"name=\033[31m\" ]", "F:1: ceiling: none", "a control byte"},
    {"domains = [ \"\033[31m=1\" ]", "F:1: domains: \"\\x1b[31m=1\", expected",
     "a control byte that is shown"},
};

static void bad_texts_are_refused_with_line_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct course course;
        char error[READ_ERROR_MAX] = "";
        int r;

        course_init(&course);
        r = scenario_parse("F", bad[i].text, strlen(bad[i].text), &course,
                           error);
        course_done(&course);
        if (r != -EINVAL ||
            strncmp(error, bad[i].error, strlen(bad[i].error)) != 0) {
            fail_msg("%s: %d, %s", bad[i].why, r, error);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_taken),
        cmocka_unit_test(what_is_not_said_has_a_default),
        cmocka_unit_test(bad_texts_are_refused_with_line_and_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
