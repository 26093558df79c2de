/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a domain moves: what is measured, what is counted on, and when it is no
 * longer.  Each figure by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backend/movement.h"
#include "common/units.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000

struct mover {
    struct snapshot_domain domain;
    struct decide_memory memory;
    uint64_t now_ms;
};

/* after_ms later it is seen to hold this. */
static void seen(struct mover *mover, uint64_t after_ms, uint64_t held_kib)
{
    mover->now_ms += after_ms;
    mover->domain.current_kib = held_kib;
    movement_follow(&mover->domain, &mover->memory, mover->now_ms);
    mover->memory.is_known = true;
    mover->memory.last_ms = mover->now_ms;
}

/* It was at its target of 1000 MiB, and is asked to go to target. */
static struct mover asked_to(uint64_t target_kib)
{
    struct mover mover = {
        .now_ms = SECOND_MS,
        .domain = {.target_kib = 1000 * MIB, .voice = SNAPSHOT_VOICE_GOOD}};

    seen(&mover, 0, 1000 * MIB);
    mover.domain.target_kib = target_kib;
    seen(&mover, SECOND_MS, 1000 * MIB);
    return mover;
}

static uint64_t soon_kib(const struct mover *mover)
{
    return movement_soon_kib(&mover->domain, &mover->memory, mover->now_ms);
}

static enum decide_trust trust(const struct mover *mover)
{
    return movement_trust(&mover->domain, &mover->memory, mover->now_ms);
}

/* ---- Speeds --------------------------------------------------------------- */

static void speed_is_what_it_was_last(void **state)
{
    struct mover mover = asked_to(500 * MIB);

    (void)state;
    assert_int_equal(mover.memory.down_kib_s, 0);
    seen(&mover, SECOND_MS, 900 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 100 * MIB);
    seen(&mover, 2 * SECOND_MS, 850 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 25 * MIB);
    assert_int_equal(mover.memory.up_kib_s, 0);
}

static void up_and_down_are_measured_apart(void **state)
{
    struct mover mover = asked_to(1500 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 1300 * MIB);
    mover.domain.target_kib = 500 * MIB;
    seen(&mover, 0, 1300 * MIB);
    seen(&mover, 2 * SECOND_MS, 1200 * MIB);
    assert_int_equal(mover.memory.up_kib_s, 300 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 50 * MIB);
}

/* What is too little to tell is added up until it is not. */
static void little_is_measured_when_it_is_enough(void **state)
{
    struct mover mover = asked_to(500 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 998 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 0);
    seen(&mover, SECOND_MS, 996 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 2 * MIB);
}

/* It may have arrived long before it was looked at. */
static void late_look_makes_nobody_slow(void **state)
{
    struct mover mover = asked_to(500 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 900 * MIB);
    seen(&mover, 100 * SECOND_MS, 500 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 100 * MIB);

    mover.domain.target_kib = 400 * MIB;
    seen(&mover, 0, 500 * MIB);
    seen(&mover, SECOND_MS / 2, 400 * MIB);
    assert_int_equal(mover.memory.down_kib_s, 200 * MIB);
}

/* The time before it was asked is not its own. */
static void time_at_rest_does_not_count(void **state)
{
    struct mover mover = asked_to(500 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 500 * MIB);
    seen(&mover, 100 * SECOND_MS, 500 * MIB);
    mover.domain.target_kib = 600 * MIB;
    seen(&mover, 0, 500 * MIB);
    seen(&mover, SECOND_MS, 580 * MIB);
    assert_int_equal(mover.memory.up_kib_s, 80 * MIB);
}

/* ---- What will come ------------------------------------------------------- */

static void all_is_counted_on_until_speed_is_known(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    assert_int_equal(soon_kib(&mover), 600 * MIB);
}

static void slow_one_is_counted_on_for_ten_seconds(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 980 * MIB);
    assert_int_equal(soon_kib(&mover), 200 * MIB);
    seen(&mover, SECOND_MS, 560 * MIB);
    assert_int_equal(soon_kib(&mover), 160 * MIB);
}

static void laggard_is_not_counted_on(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, DECIDE_LAGGARD_MS - 1, 1000 * MIB);
    assert_int_equal(soon_kib(&mover), 600 * MIB);
    seen(&mover, 1, 1000 * MIB);
    assert_int_equal(soon_kib(&mover), 0);

    /* Until it moves. */
    seen(&mover, SECOND_MS, 900 * MIB);
    assert_int_equal(soon_kib(&mover), 500 * MIB);
}

/* A page or two that it holds too much will never come, nor be waited for. */
static void what_is_left_at_rest_is_not_waited_for(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 400 * MIB + DECIDE_ARRIVED_KIB);
    mover.now_ms += 100 * SECOND_MS;
    assert_int_equal(soon_kib(&mover), DECIDE_ARRIVED_KIB);
}

static void who_grows_returns_nothing(void **state)
{
    struct mover mover = asked_to(1600 * MIB);

    (void)state;
    assert_int_equal(soon_kib(&mover), 0);
}

/* ---- Trust ---------------------------------------------------------------- */

static void trust_is_earned_by_moving(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    assert_int_equal(trust(&mover), DECIDE_UNKNOWN);
    seen(&mover, SECOND_MS, 984 * MIB);
    assert_int_equal(trust(&mover), DECIDE_WILLING);
    seen(&mover, SECOND_MS, 969 * MIB);
    assert_int_equal(trust(&mover), DECIDE_SLOW);
    seen(&mover, SECOND_MS, 400 * MIB);
    assert_int_equal(trust(&mover), DECIDE_WILLING);
}

/* Whichever way it is slower. */
static void slow_one_way_is_slow(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 400 * MIB);
    mover.domain.target_kib = 1000 * MIB;
    seen(&mover, 0, 400 * MIB);
    seen(&mover, 2 * SECOND_MS, 410 * MIB);
    assert_int_equal(trust(&mover), DECIDE_SLOW);

    mover = asked_to(1600 * MIB);
    seen(&mover, SECOND_MS, 1600 * MIB);
    mover.domain.target_kib = 1000 * MIB;
    seen(&mover, 0, 1600 * MIB);
    seen(&mover, 2 * SECOND_MS, 1590 * MIB);
    assert_int_equal(trust(&mover), DECIDE_SLOW);
}

static void who_pauses_is_slow_and_then_stuck(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, SECOND_MS, 800 * MIB);
    assert_int_equal(trust(&mover), DECIDE_WILLING);
    seen(&mover, DECIDE_LAGGARD_MS, 800 * MIB);
    assert_int_equal(trust(&mover), DECIDE_SLOW);
    seen(&mover, DECIDE_STUCK_MS - DECIDE_LAGGARD_MS - 1, 800 * MIB);
    assert_int_equal(trust(&mover), DECIDE_SLOW);
    seen(&mover, 1, 800 * MIB);
    assert_int_equal(trust(&mover), DECIDE_IMMOBILE);
    seen(&mover, SECOND_MS, 700 * MIB);
    assert_int_equal(trust(&mover), DECIDE_WILLING);
}

/* After 10, 20, 40, ... s, up to an hour. */
static void stuck_one_is_asked_again_later_each_time(void **state)
{
    struct mover mover = asked_to(400 * MIB);
    uint64_t wait_ms = DECIDE_RETRY_MS;
    unsigned int i;

    (void)state;
    for (i = 0; i < 12; i++) {
        seen(&mover, DECIDE_STUCK_MS, 1000 * MIB);
        assert_true(mover.memory.is_stuck);
        seen(&mover, wait_ms - 1, 1000 * MIB);
        assert_true(mover.memory.is_stuck);
        seen(&mover, 1, 1000 * MIB);
        assert_false(mover.memory.is_stuck);
        assert_int_equal(trust(&mover), DECIDE_SLOW); /* until it moves */
        wait_ms = units_min(2 * wait_ms, DECIDE_RETRY_MAX_MS);
    }
    assert_int_equal(wait_ms, DECIDE_RETRY_MAX_MS);
    seen(&mover, SECOND_MS, 900 * MIB);
    assert_int_equal(mover.memory.retry_after_ms, 0);
}

static void silent_one_is_not_called_stuck(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    mover.domain.voice = SNAPSHOT_VOICE_SILENT;
    seen(&mover, DECIDE_STUCK_MS, 1000 * MIB);
    assert_false(mover.memory.is_stuck);
    mover.domain.voice = SNAPSHOT_VOICE_GOOD;
    seen(&mover, 1, 1000 * MIB);
    assert_true(mover.memory.is_stuck);
}

/* A target that runs away is no excuse; one that turns it round is. */
static void new_target_gives_time_only_to_who_has_to_turn(void **state)
{
    struct mover mover = asked_to(400 * MIB);

    (void)state;
    seen(&mover, DECIDE_STUCK_MS - 1, 1000 * MIB);
    mover.domain.target_kib = 300 * MIB;
    seen(&mover, 1, 1000 * MIB);
    assert_int_equal(trust(&mover), DECIDE_IMMOBILE);

    mover = asked_to(400 * MIB);
    seen(&mover, DECIDE_STUCK_MS - 1, 1000 * MIB);
    mover.domain.target_kib = 1200 * MIB;
    seen(&mover, 1, 1000 * MIB);
    assert_int_equal(trust(&mover), DECIDE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speed_is_what_it_was_last),
        cmocka_unit_test(up_and_down_are_measured_apart),
        cmocka_unit_test(little_is_measured_when_it_is_enough),
        cmocka_unit_test(late_look_makes_nobody_slow),
        cmocka_unit_test(time_at_rest_does_not_count),
        cmocka_unit_test(all_is_counted_on_until_speed_is_known),
        cmocka_unit_test(slow_one_is_counted_on_for_ten_seconds),
        cmocka_unit_test(laggard_is_not_counted_on),
        cmocka_unit_test(what_is_left_at_rest_is_not_waited_for),
        cmocka_unit_test(who_grows_returns_nothing),
        cmocka_unit_test(trust_is_earned_by_moving),
        cmocka_unit_test(slow_one_way_is_slow),
        cmocka_unit_test(who_pauses_is_slow_and_then_stuck),
        cmocka_unit_test(stuck_one_is_asked_again_later_each_time),
        cmocka_unit_test(silent_one_is_not_called_stuck),
        cmocka_unit_test(new_target_gives_time_only_to_who_has_to_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
