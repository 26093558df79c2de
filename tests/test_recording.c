/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings as courses: when domains came and went, what they needed, and
 * what of the host is known.  Written by hand, line by line.
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

#include "simulate/recording.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define BEGINNING "{\"xenballoon_record\":1,\"version\":\"1\",\"domains\":[]}\n"
#define HOST(now)                                                              \
    "{\"snapshot\":{\"now_ms\":" #now                                          \
    ",\"free_kib\":4000,\"reserve_kib\":400,"                                  \
    "\"idle_tax_permyriad\":7000},"
#define SEEN                                                                   \
    "\"seen\":{\"has_target\":true,\"current_kib\":8000,\"floor_kib\":2000,"   \
    "\"ceiling_kib\":9000,\"weight\":300,\"voice\":\"good\",\"report\":{"      \
    "\"current_kib\":7900,\"available_kib\":1900,\"swap_total_kib\":500,"      \
    "\"swap_free_kib\":100}}"
#define LATER(now) "{\"snapshot\":{\"now_ms\":" #now "},"
#define AVAILABLE(kib) "\"seen\":{\"report\":{\"available_kib\":" #kib "}}"

static int read_text(const char *text, struct course *course,
                     char error[READ_ERROR_MAX])
{
    char *copy = strdup(text);
    FILE *file;
    int r;

    assert_non_null(copy);
    file = fmemopen(copy, strlen(copy), "r");
    assert_non_null(file);
    course_init(course);
    r = recording_read("F", file, course, error);
    (void)fclose(file);
    free(copy);
    return r;
}

static struct course good(const char *text)
{
    struct course course;
    char error[READ_ERROR_MAX] = "";

    if (read_text(text, &course, error) != 0) {
        fail_msg("refused: %s", error);
    }
    return course;
}

static void working_sets_are_what_was_used(void **state)
{
    struct course course = good(BEGINNING HOST(
        70000) "\"domains\":[{\"domid\":0,\"is_new\":true,\"seen\":"
               "{\"current_kib\":5000}},"
               "{\"domid\":7,\"is_new\":true,\"name\":\"web\"," SEEN
               "}]}\n" LATER(
                   71000) "\"domains\":[{\"domid\":0},{\"domid\":"
                          "7}]}\n" LATER(
                              75000) "\"domains\":[{"
                                     "\"domid\":0},{"
                                     "\"domid\":"
                                     "7," AVAILABLE(900) "}]}\n" LATER(
                                         80000) "\"dom"
                                                "ains"
                                                "\":[{"
                                                "\"dom"
                                                "id\":"
                                                "0}]}"
                                                "\n");
    const struct course_domain *web = &course.domains[0];

    (void)state;
    assert_int_equal(course.count, 1);
    assert_int_equal(course.host_memory_kib, 4000 + 8000);
    assert_int_equal(course.reserve_kib, 400);
    assert_int_equal(course.idle_tax_permyriad, 7000);
    assert_int_equal(course.duration_ms, 10001);
    assert_string_equal(web->name, "web");
    assert_int_equal(web->floor_kib, 2000);
    assert_int_equal(web->ceiling_kib, 9000);
    assert_int_equal(web->weight, 300);
    assert_int_equal(web->swap_kib, 500);
    assert_int_equal(web->start_ms, 0);
    assert_int_equal(web->start_kib, 8000);
    assert_int_equal(web->end_ms, 5001);
    assert_false(web->is_static);
    assert_int_equal(web->count, 2);
    assert_int_equal(web->points[0].at_ms, 0);
    assert_int_equal(web->points[0].working_set_kib, 6000 + 400);
    assert_int_equal(web->points[1].at_ms, 5000);
    assert_int_equal(web->points[1].working_set_kib, 7000 + 400);
    course_done(&course);
}

static void domid_used_again_is_another_domain(void **state)
{
    struct course course = good(BEGINNING HOST(
        0) "\"domains\":[{\"domid\":7,\"is_new\":true,"
           "\"name\":\"a\"," SEEN
           "}]}\n" LATER(1000) "\"domains\":[{\"domid\":7,\"is_new\":true,"
                               "\"name\":\"b\"}]}\n");

    (void)state;
    assert_int_equal(course.count, 2);
    assert_string_equal(course.domains[0].name, "a");
    assert_int_equal(course.domains[0].end_ms, 1);
    assert_string_equal(course.domains[1].name, "b");
    assert_int_equal(course.domains[1].start_ms, 1000);
    course_done(&course);
}

static void domains_outlive_the_daemon(void **state)
{
    struct course course = good(BEGINNING HOST(
        5000) "\"domains\":[{\"domid\":7,\"is_new\":true,"
              "\"name\":\"a\"," SEEN "}]}\n" BEGINNING HOST(
                  9000) "\"domains\":[{\"domid\":7,\"is_new\":true,"
                        "\"name\":\"a\"," SEEN "}]}\n");

    (void)state;
    assert_int_equal(course.count, 1);
    assert_int_equal(course.domains[0].end_ms, 4001);
    course_done(&course);
}

/* Twice: with a clock far behind the last one, and not so far. */
static void host_may_have_been_booted_again(void **state)
{
    struct course course =
        good(BEGINNING HOST(
            500000) "\"domains\":[{\"domid\":7,\"is_new\":true,"
                    "\"name\":\"a\"," SEEN "}]}\n" LATER(
                        501000) "\"domains\":[{\"domid\":7}]}\n" BEGINNING
                        HOST(3000) "\"domains\":[{\"domid\":1,\"is_new\":true,"
                                   "\"name\":\"a\"," SEEN "}]}\n" LATER(
                                       4000) "\"domains\":[{\"domid\":"
                                             "1," AVAILABLE(1) "}]}\n" BEGINNING
                                                 HOST(
                                                     100) "\"domains\":[{"
                                                          "\"domid\":2,\"is_"
                                                          "new\":true,"
                                                          "\"name\":\"a\"," SEEN
                                                          "}]}\n");

    (void)state;
    assert_int_equal(course.count, 3);
    assert_int_equal(course.domains[0].end_ms, 1001);
    assert_int_equal(course.domains[1].start_ms, 1000 + RECORDING_PAUSE_MS);
    assert_int_equal(course.domains[1].points[1].at_ms,
                     2000 + RECORDING_PAUSE_MS);
    assert_int_equal(course.domains[2].start_ms, 2000 + 2 * RECORDING_PAUSE_MS);
    assert_int_equal(course.duration_ms, 2001 + 2 * RECORDING_PAUSE_MS);
    course_done(&course);
}

static void who_never_spoke_is_static(void **state)
{
    struct course course = good(BEGINNING HOST(
        0) "\"domains\":[{\"domid\":7,\"is_new\":true,"
           "\"seen\":{\"claimed_kib\":1}}]}\n" LATER(
               9) "\"domains\":[{\"domid\":7,\"seen\":{\"claimed_kib\":0,"
                  "\"has_target\":true,\"current_kib\":8000}}]}\n");

    (void)state;
    assert_int_equal(course.count, 1);
    assert_string_equal(course.domains[0].name, "domain-7");
    assert_true(course.domains[0].is_static);
    assert_int_equal(course.domains[0].start_ms, 9);
    assert_int_equal(course.domains[0].floor_kib, 8000);
    assert_int_equal(course.domains[0].ceiling_kib, 8000);
    assert_int_equal(course.domains[0].points[0].working_set_kib, 8000);
    course_done(&course);
}

static void bad_recordings_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {BEGINNING, "F: no guest in it, expected at least one that was seen "
                    "whole"},
        {BEGINNING "x\n", "F:2: '[' or '{' expected"},
        {"{}\n", "F:1: domains: expected a list"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct course course;
        char error[READ_ERROR_MAX] = "";

        assert_int_equal(read_text(cases[i].text, &course, error), -EINVAL);
        if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0) {
            fail_msg("%s", error);
        }
        course_done(&course);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(working_sets_are_what_was_used),
        cmocka_unit_test(domid_used_again_is_another_domain),
        cmocka_unit_test(domains_outlive_the_daemon),
        cmocka_unit_test(host_may_have_been_booted_again),
        cmocka_unit_test(who_never_spoke_is_static),
        cmocka_unit_test(bad_recordings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
