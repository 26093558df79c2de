/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Courses: how they are filled, walked, and where their peak is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/units.h"
#include "simulate/course.h"
#include "simulate/queue.h"
#include "simulate/walk.h"

#define GIB (UINT64_C(1024) * 1024)
#define S UINT64_C(1000)

static struct course_domain *add(struct course *course, uint64_t start_ms,
                                 uint64_t end_ms)
{
    struct course_domain *domain = course_add(course);

    assert_non_null(domain);
    domain->ceiling_kib = 16 * GIB;
    domain->start_ms = start_ms;
    domain->end_ms = end_ms;
    course->duration_ms = units_max(course->duration_ms, end_ms);
    return domain;
}

static void point(struct course_domain *domain, uint64_t at_ms, uint64_t kib)
{
    assert_int_equal(course_domain_add(domain, at_ms, kib), 0);
}

static void a_course_begins_with_the_defaults(void **state)
{
    struct course course;
    struct course_domain *domain;

    (void)state;
    course_init(&course);
    domain = course_add(&course);

    assert_int_equal(course.ramp_ms, COURSE_RAMP_MS);
    assert_int_equal(course.reserve_kib, UINT64_MAX);
    assert_int_equal(course.host_memory_kib, 0);
    assert_int_equal(domain->weight, SETTINGS_WEIGHT_DEFAULT);
    assert_int_equal(domain->grow_kib_s, COURSE_GROW_KIB_S);
    assert_int_equal(domain->shrink_kib_s, COURSE_SHRINK_KIB_S);
    assert_int_equal(domain->swap_kib, UINT64_MAX);
    assert_int_equal(domain->count, 0);
    course_done(&course);
    course_done(&course);
    course_done(NULL);
}

static void points_ascend_and_the_last_of_one_time_counts(void **state)
{
    struct course course;
    struct course_domain *domain;

    (void)state;
    course_init(&course);
    domain = course_add(&course);
    for (uint64_t i = 0; i < 1000; i++) {
        point(domain, i, i);
    }
    point(domain, 999, 5);

    assert_int_equal(domain->count, 1000);
    assert_int_equal(domain->points[999].working_set_kib, 5);
    assert_int_equal(domain->points[500].working_set_kib, 500);
    assert_int_equal(course_domain_add(domain, 998, 1), -EINVAL);
    course_done(&course);
}

static void the_earliest_comes_first_of_equals_the_lower(void **state)
{
    static const uint64_t due_ms[] = {50, 20, UINT64_MAX, 20, 70, 0};
    static const unsigned int order[] = {5, 1, 3, 0, 4};
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue, 6), 0);
    assert_int_equal(queue_first_ms(&queue), UINT64_MAX);
    for (unsigned int i = 0; i < 6; i++) {
        queue_set(&queue, i, 100 - i);
        queue_set(&queue, i, due_ms[i]);
    }
    for (unsigned int i = 0; i < 5; i++) {
        assert_int_equal(queue_first(&queue), order[i]);
        assert_int_equal(queue_first_ms(&queue), due_ms[order[i]]);
        queue_set(&queue, order[i], UINT64_MAX);
    }
    assert_int_equal(queue_first_ms(&queue), UINT64_MAX);
    queue_done(&queue);
}

static void a_working_set_moves_on_a_ramp_and_holds(void **state)
{
    static const struct {
        uint64_t at_ms;
        uint64_t kib;
        const char *why;
    } cases[] = {
        {0, 1000, "stands at its first point at once"},
        {99 * S, 1000, "holds until the next"},
        {100 * S, 1000, "the ramp begins where it stood"},
        {105 * S, 1500, "half of the way in half of the time"},
        {110 * S, 2000, "arrived"},
        {200 * S, 2000, "holds"},
        {204 * S, 1200, "on its way to 0"},
        {210 * S, 2840, "turned at 205 s, at 1000, to 4680"},
        {215 * S, 4680, "arrived"},
    };
    struct course course;
    struct course_domain *domain;
    struct walk walk;

    (void)state;
    course_init(&course);
    domain = add(&course, 0, 300 * S);
    point(domain, 0, 1000);
    point(domain, 100 * S, 2000);
    point(domain, 200 * S, 0);
    point(domain, 205 * S, 4680);
    walk_begin(&walk, &course, domain);
    assert_false(walk_lives(&walk));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        while (walk.due_ms <= cases[i].at_ms) {
            walk_step(&walk);
        }
        assert_true(walk_lives(&walk));
        if (walk_kib(&walk, cases[i].at_ms) != cases[i].kib) {
            fail_msg("%s", cases[i].why);
        }
    }
    while (walk.due_ms != UINT64_MAX) {
        walk_step(&walk);
    }
    assert_false(walk_lives(&walk));
    course_done(&course);
}

static void the_peak_is_where_all_sums_are_highest(void **state)
{
    struct course course;
    struct course_domain *domain;

    (void)state;
    course_init(&course);
    /* Falls from 4 to 1 GiB while the other one rises from 1 to 3. */
    domain = add(&course, 0, 100 * S);
    domain->floor_kib = 2 * GIB;
    point(domain, 0, 4 * GIB);
    point(domain, 50 * S, 1 * GIB);
    domain = add(&course, 0, 100 * S);
    point(domain, 0, 1 * GIB);
    point(domain, 50 * S, 3 * GIB);

    assert_int_equal(course_peak_kib(&course), 5 * GIB);
    /* A third that lives for a moment, just before the others turn. */
    domain = add(&course, 49 * S, 50 * S);
    domain->floor_kib = GIB;
    point(domain, 49 * S, 0);
    assert_int_equal(course_peak_kib(&course), 6 * GIB);
    course_done(&course);
}

static void who_comes_when_another_has_gone_needs_no_more(void **state)
{
    struct course course;

    (void)state;
    course_init(&course);
    point(add(&course, 0, 10 * S), 0, 3 * GIB);
    point(add(&course, 11 * S, 20 * S), 11 * S, 2 * GIB);
    assert_int_equal(course_peak_kib(&course), 3 * GIB);
    course_done(&course);

    course_init(&course);
    assert_int_equal(course_peak_kib(&course), 0);
    course_done(&course);
}

/* Against a sum at each millisecond, of random courses. */
static void the_peak_is_that_of_each_moment(void **state)
{
    unsigned int seed = 4711;

    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 50; round++) {
        struct course course;
        struct walk walks[4];
        uint64_t peak = 0;

        course_init(&course);
        course.ramp_ms = (uint64_t)rand_r(&seed) % 30;
        for (int i = 0; i < 4; i++) {
            uint64_t start = (uint64_t)rand_r(&seed) % 100;
            struct course_domain *domain = add(&course, start, start + 150);

            domain->floor_kib = (uint64_t)rand_r(&seed) % 500;
            for (int j = 0; j < 5; j++) {
                point(domain, start, (uint64_t)rand_r(&seed) % 1000);
                start += 1 + (uint64_t)rand_r(&seed) % 40;
            }
        }
        for (int i = 0; i < 4; i++) {
            walk_begin(&walks[i], &course, &course.domains[i]);
        }
        for (uint64_t at = 0; at < 250; at++) {
            uint64_t sum = 0;

            for (int i = 0; i < 4; i++) {
                while (walks[i].due_ms <= at) {
                    walk_step(&walks[i]);
                }
                sum += walk_lives(&walks[i])
                           ? units_max(course.domains[i].floor_kib,
                                       walk_kib(&walks[i], at))
                           : 0;
            }
            peak = units_max(peak, sum);
        }
        /* A domain's last moment is the one before another begins. */
        assert_in_range(course_peak_kib(&course), peak, 4000);
        course_done(&course);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_course_begins_with_the_defaults),
        cmocka_unit_test(points_ascend_and_the_last_of_one_time_counts),
        cmocka_unit_test(the_earliest_comes_first_of_equals_the_lower),
        cmocka_unit_test(a_working_set_moves_on_a_ramp_and_holds),
        cmocka_unit_test(the_peak_is_where_all_sums_are_highest),
        cmocka_unit_test(who_comes_when_another_has_gone_needs_no_more),
        cmocka_unit_test(the_peak_is_that_of_each_moment),
    };

    return cmocka_run_group_tests_name("course", tests, NULL, NULL);
}
