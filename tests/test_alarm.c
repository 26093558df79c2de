/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long an alarm rests, and whether it rang for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frontend/alarm.h"

#define MIB 1024

/* Rings whenever it may; how often in so long. */
static unsigned int rings_in(struct alarm *alarm, bool in_vain,
                             uint64_t start_ms, uint64_t for_ms)
{
    unsigned int rings = 0;

    for (uint64_t now_ms = start_ms; now_ms < start_ms + for_ms; now_ms++) {
        if (alarm_is_ready(alarm, now_ms)) {
            alarm_rang(alarm, in_vain, now_ms);
            rings++;
        }
    }
    return rings;
}

static void an_alarm_with_a_reason_rests_as_briefly_as_ever(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    assert_int_equal(rings_in(&alarm, false, 5000, 10000), 100);
}

static void an_alarm_for_nothing_rings_once_a_second_in_the_end(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    /* 100, 200, 400 and 800 ms, and seconds from then on */
    assert_int_equal(rings_in(&alarm, true, 5000, 1500), 4);
    assert_int_equal(rings_in(&alarm, true, 6500, 60000), 60);
}

static void a_reason_ends_the_long_rests(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    (void)rings_in(&alarm, true, 5000, 60000);
    assert_int_equal(alarm.rest_ms, ALARM_REST_LAST_MS);

    alarm_rang(&alarm, false, 70000);

    assert_false(alarm_is_ready(&alarm, 70000 + ALARM_REST_FIRST_MS - 1));
    assert_true(alarm_is_ready(&alarm, 70000 + ALARM_REST_FIRST_MS));
}

static void what_kept_quiet_for_long_is_forgiven(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    (void)rings_in(&alarm, true, 5000, 60000);

    alarm_rang(&alarm, true, alarm.ready_ms + ALARM_FORGIVEN_MS - 1);
    assert_int_equal(alarm.rest_ms, ALARM_REST_LAST_MS);
    alarm_rang(&alarm, true, alarm.ready_ms + ALARM_FORGIVEN_MS);
    assert_int_equal(alarm.rest_ms, ALARM_REST_FIRST_MS);
}

/* 256 MiB, of which some are left, that has been so for a while. */
static const struct guest_sample calm = {
    .total_kib = 256 * MIB,
    .free_kib = 8 * MIB,
    .file_active_kib = 20 * MIB,
    .file_inactive_kib = 60 * MIB,
    .anonymous_kib = 100 * MIB,
    .swap_total_kib = 64 * MIB,
    .swap_free_kib = 64 * MIB,
};

#define CALM_MS 100000

static struct alarm_judge judge_of_a_calm_guest(void)
{
    struct alarm_judge judge = {0};

    (void)alarm_is_in_vain(&judge, &calm, 0);
    return judge;
}

static void only_growth_kills_and_want_are_reasons(void **state)
{
    static const struct {
        const char *why;
        size_t field;
        uint64_t value;
        bool in_vain;
    } cases[] = {
        {"files were read", offsetof(struct guest_sample, file_inactive_kib),
         20 * MIB, true},
        {"the kernel has nothing free", offsetof(struct guest_sample, free_kib),
         0, true},
        {"noise", offsetof(struct guest_sample, anonymous_kib), 100 * MIB + 12,
         true},
        {"a program shrank", offsetof(struct guest_sample, anonymous_kib),
         50 * MIB, true},
        {"a program grew", offsetof(struct guest_sample, anonymous_kib),
         100 * MIB + ALARM_GROWN_KIB, false},
        {"a program was swapped out",
         offsetof(struct guest_sample, swap_free_kib),
         64 * MIB - ALARM_GROWN_KIB, false},
        {"one was killed", offsetof(struct guest_sample, oom_kills), 1, false},
        {"there is more memory, and nothing left of it",
         offsetof(struct guest_sample, total_kib), 4096 * (uint64_t)MIB, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alarm_judge judge = judge_of_a_calm_guest();
        struct guest_sample sample = calm;

        *(uint64_t *)(void *)((char *)&sample + cases[i].field) =
            cases[i].value;
        if (alarm_is_in_vain(&judge, &sample, CALM_MS) != cases[i].in_vain) {
            fail_msg("%s", cases[i].why);
        }
    }
}

/* The look before may have been a moment ago, and have seen it all. */
static void what_grew_a_moment_ago_still_grows(void **state)
{
    struct alarm_judge judge = judge_of_a_calm_guest();
    struct guest_sample sample = calm;

    (void)state;
    sample.anonymous_kib += 10 * MIB;
    assert_false(alarm_is_in_vain(&judge, &sample, CALM_MS));

    assert_false(alarm_is_in_vain(&judge, &sample, CALM_MS + 5));
    assert_true(
        alarm_is_in_vain(&judge, &sample, CALM_MS + ALARM_GROWTH_LASTS_MS));
}

static void what_shrank_and_grows_again_grows(void **state)
{
    struct alarm_judge judge = judge_of_a_calm_guest();
    struct guest_sample sample = calm;

    (void)state;
    sample.anonymous_kib = 50 * MIB;
    assert_true(alarm_is_in_vain(&judge, &sample, CALM_MS));

    sample.anonymous_kib = 60 * MIB;
    assert_false(alarm_is_in_vain(&judge, &sample, 2 * CALM_MS));
}

static void any_sample_whatever_is_judged(void **state)
{
    struct alarm_judge judge = {0};
    struct guest_sample worst = {
        .total_kib = UINT64_MAX,
        .free_kib = UINT64_MAX,
        .file_active_kib = UINT64_MAX,
        .anonymous_kib = UINT64_MAX,
        .swap_total_kib = UINT64_MAX,
        .swap_free_kib = 0,
        .oom_kills = UINT64_MAX,
    };
    struct alarm alarm = {UINT64_MAX, UINT64_MAX};

    (void)state;
    assert_false(alarm_is_in_vain(&judge, &worst, 1000));
    assert_true(alarm_is_in_vain(&judge, &worst, UINT64_MAX));
    alarm_rang(&alarm, true, UINT64_MAX);
    assert_true(alarm.rest_ms <= ALARM_REST_LAST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_with_a_reason_rests_as_briefly_as_ever),
        cmocka_unit_test(an_alarm_for_nothing_rings_once_a_second_in_the_end),
        cmocka_unit_test(a_reason_ends_the_long_rests),
        cmocka_unit_test(what_kept_quiet_for_long_is_forgiven),
        cmocka_unit_test(only_growth_kills_and_want_are_reasons),
        cmocka_unit_test(what_grew_a_moment_ago_still_grows),
        cmocka_unit_test(what_shrank_and_grows_again_grows),
        cmocka_unit_test(any_sample_whatever_is_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
