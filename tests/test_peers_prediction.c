/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the what-if predicts for three machines that build software: as others
 * measured it, memory is saved when their peaks come one after the other, and
 * none when they coincide.  Number 33 of a list of such scenarios.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "simulate/course.h"
#include "simulate/policy.h"
#include "simulate/run.h"

#define GIB (UINT64_C(1) << 20)
#define MINUTE_MS (UINT64_C(60) * 1000)

#define MACHINES 3
#define HOURS 4

/* 40.8 GiB in all at their largest, 9 at their least. */
#define LEAST_KIB (3 * GIB)
#define MOST_KIB (136 * GIB / 10)

/* One thousandth of what is needed may be lacking. */
#define ENOUGH_PERMYRIAD 10

/* How exact the smallest host is found. */
#define NEAR_KIB (GIB / 8)

static void add_machine(struct course *course, uint64_t since_ms)
{
    struct course_domain *machine = course_add(course);
    unsigned int hour;

    assert_non_null(machine);
    machine->floor_kib = GIB;
    machine->ceiling_kib = 16 * GIB;
    machine->start_kib = LEAST_KIB;
    machine->end_ms = course->duration_ms;
    assert_int_equal(course_domain_add(machine, 0, LEAST_KIB), 0);
    for (hour = 0; hour < HOURS; hour++) {
        uint64_t begins_ms = hour * 60 * MINUTE_MS + since_ms;

        assert_int_equal(
            course_domain_add(machine, begins_ms + MINUTE_MS, MOST_KIB), 0);
        assert_int_equal(
            course_domain_add(machine, begins_ms + 17 * MINUTE_MS, LEAST_KIB),
            0);
    }
}

/* Each builds for 16 minutes of an hour, so far after the one before it. */
static void init(struct course *course, uint64_t apart_ms)
{
    unsigned int i;

    course_init(course);
    course->duration_ms = HOURS * 60 * MINUTE_MS;
    course->ramp_ms = 4 * MINUTE_MS;
    for (i = 0; i < MACHINES; i++) {
        add_machine(course, i * apart_ms);
    }
}

static bool is_enough(const struct course *course, const char *policy,
                      uint64_t host_kib)
{
    struct run_options options = {.host_memory_kib = host_kib};
    struct outcome outcome;
    uint64_t unmet;

    assert_int_equal(policy_init(policy, course->count, &options.policy), 0);
    assert_int_equal(run_course(course, &options, &outcome), 0);
    unmet = outcome_unmet_millipermyriad(&outcome.all);
    outcome_done(&outcome);
    policy_done(&options.policy);
    return unmet <= ENOUGH_PERMYRIAD * 1000;
}

/* The smallest host that is enough. */
static uint64_t predict(const struct course *course, const char *policy)
{
    uint64_t low_kib = 0;
    uint64_t high_kib = 64 * GIB;

    assert_true(is_enough(course, policy, high_kib));
    while (high_kib - low_kib > NEAR_KIB) {
        uint64_t middle_kib = low_kib + (high_kib - low_kib) / 2;

        if (is_enough(course, policy, middle_kib)) {
            high_kib = middle_kib;
        } else {
            low_kib = middle_kib;
        }
    }
    print_message("# %s: %llu MiB, peak %llu\n", policy,
                  (unsigned long long)(high_kib / 1024),
                  (unsigned long long)(course_peak_kib(course) / 1024));
    return high_kib;
}

static void scenario_33_peaks_that_coincide_save_nothing(void **state)
{
    struct course course;
    uint64_t fixed_kib;
    uint64_t balanced_kib;

    (void)state;
    init(&course, 0);
    fixed_kib = predict(&course, "static");
    balanced_kib = predict(&course, "demand");
    course_done(&course);

    assert_true(balanced_kib >= fixed_kib * 97 / 100);
    assert_true(balanced_kib <= fixed_kib * 106 / 100);
}

/* Others came from 40.7 to 28.1 GiB, a third less. */
static void scenario_33_peaks_one_by_one_save_a_third(void **state)
{
    struct course course;
    uint64_t fixed_kib;
    uint64_t balanced_kib;

    (void)state;
    init(&course, 20 * MINUTE_MS);
    fixed_kib = predict(&course, "static");
    balanced_kib = predict(&course, "demand");
    course_done(&course);

    assert_true(balanced_kib <= fixed_kib * 2 / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_33_peaks_that_coincide_save_nothing),
        cmocka_unit_test(scenario_33_peaks_one_by_one_save_a_third),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
