/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain needs, from what its guest reports: the four signals, one by
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backend/demand.h"
#include "common/units.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000

struct guest {
    struct snapshot_domain domain;
    struct decide_memory memory;
    struct decide_step step;
    uint64_t now_ms;
};

/* Of held_kib, used_kib is in use. */
static void uses(struct guest *guest, uint64_t held_kib, uint64_t used_kib)
{
    struct report *report = &guest->domain.report;

    guest->domain.target_kib = held_kib;
    report->current_kib = held_kib;
    report->balloon_target_kib = held_kib;
    report->target_kib = held_kib;
    report->total_kib = held_kib;
    report->available_kib = held_kib - used_kib;
}

static void reports(struct guest *guest)
{
    guest->domain.reported_ms = guest->now_ms;
    demand_follow(&guest->domain, &guest->memory, &guest->step, guest->now_ms);
    guest->memory.last_ms = guest->now_ms;
}

static void waits(struct guest *guest, uint64_t ms)
{
    guest->now_ms += ms;
}

/* Has told once that it uses used_kib of held_kib. */
static struct guest guest_with(uint64_t held_kib, uint64_t used_kib)
{
    struct guest guest = {.now_ms = SECOND_MS};

    guest.domain.voice = SNAPSHOT_VOICE_GOOD;
    guest.domain.static_max_kib = 4096 * MIB;
    guest.domain.report.swap_total_kib = 4;
    guest.domain.report.swap_free_kib = 4;
    guest.domain.floor_kib = 64 * MIB;
    guest.domain.ceiling_kib = 4096 * MIB;
    uses(&guest, held_kib, used_kib);
    reports(&guest);
    return guest;
}

static void what_is_used_is_needed(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    assert_int_equal(guest.step.need_kib, 400 * MIB);
    assert_int_equal(guest.step.coming_kib, 400 * MIB);
    assert_int_equal(guest.step.demand_kib, (400 + 40 + 48) * MIB);
}

static void amounts_are_in_order_and_within_bounds(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 1000 * MIB);

    (void)state;
    guest.domain.ceiling_kib = 900 * MIB;
    guest.domain.report.floor_kib = UNITS_KIB_MAX;
    waits(&guest, SECOND_MS);
    reports(&guest);

    assert_int_equal(guest.step.least_kib, 900 * MIB);
    assert_int_equal(guest.step.demand_kib, 900 * MIB);
    assert_true(guest.step.least_kib <= guest.step.need_kib &&
                guest.step.need_kib <= guest.step.coming_kib &&
                guest.step.coming_kib <= guest.step.demand_kib &&
                guest.step.demand_kib <= guest.step.keep_kib);
}

static void without_swap_there_is_more_headroom(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    guest.domain.report.swap_total_kib = 0;
    guest.domain.report.swap_free_kib = 0;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.demand_kib, (400 + 50 + 48) * MIB);
}

static void headroom_is_the_operators(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    guest.domain.headroom_permyriad = 5000;
    reports(&guest);
    assert_int_equal(guest.step.demand_kib, 600 * MIB);
}

static void who_grows_is_given_for_what_is_coming(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    waits(&guest, SECOND_MS);
    guest.memory.peak_kib = 900 * MIB;
    uses(&guest, 1000 * MIB, 600 * MIB);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 600 * MIB);
    assert_int_equal(guest.step.coming_kib, 800 * MIB);

    /* It stands still: no more is coming. */
    for (int i = 0; i < 20; i++) {
        waits(&guest, SECOND_MS);
        reports(&guest);
    }
    assert_int_equal(guest.step.coming_kib, guest.step.need_kib);
}

/* Others do not make room for what it has never needed, but for a little. */
static void what_was_never_needed_is_hardly_foreseen(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    waits(&guest, SECOND_MS);
    uses(&guest, 1000 * MIB, 600 * MIB);
    reports(&guest);
    assert_int_equal(guest.step.coming_kib, (600 + (48 + 60) / 2) * MIB);
    assert_int_equal(guest.step.demand_kib, 800 * MIB);

    /* As far as it went before, all of it is. */
    waits(&guest, 20 * SECOND_MS);
    uses(&guest, 1000 * MIB, 300 * MIB);
    reports(&guest);
    waits(&guest, SECOND_MS);
    uses(&guest, 1000 * MIB, 450 * MIB);
    reports(&guest);
    assert_in_range(guest.step.coming_kib, 599 * MIB, 600 * MIB);
}

static void slow_balloon_is_given_earlier(void **state)
{
    struct guest quick = guest_with(1000 * MIB, 400 * MIB);
    struct guest slow = quick;

    (void)state;
    quick.memory.peak_kib = slow.memory.peak_kib = 900 * MIB;
    quick.memory.up_kib_s = 1024 * MIB;
    slow.memory.up_kib_s = 64 * MIB;
    waits(&quick, SECOND_MS);
    uses(&quick, 1000 * MIB, 464 * MIB);
    reports(&quick);
    waits(&slow, SECOND_MS);
    uses(&slow, 1000 * MIB, 464 * MIB);
    reports(&slow);

    assert_in_range(quick.step.coming_kib, 528 * MIB, 534 * MIB);
    assert_in_range(slow.step.coming_kib, 590 * MIB, 594 * MIB);
}

/* Tasks wait while memory comes back from swap: all of it is wanted. */
static void what_is_in_swap_is_needed_by_who_waits_for_it(void **state)
{
    struct guest guest = guest_with(500 * MIB, 490 * MIB);

    (void)state;
    guest.domain.report.swap_total_kib = 1000 * MIB;
    guest.domain.report.swap_free_kib = 700 * MIB;
    guest.domain.report.swapped_in_kib = 10 * MIB;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 790 * MIB);

    /* Nobody waits any more: what is still there is cold. */
    waits(&guest, DECIDE_COLD_MS);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 490 * MIB);
}

static void old_swap_is_not_needed(void **state)
{
    struct guest guest = {.now_ms = SECOND_MS};

    (void)state;
    guest.domain.ceiling_kib = 4096 * MIB;
    uses(&guest, 500 * MIB, 490 * MIB);
    guest.domain.report.swap_total_kib = 1000 * MIB;
    guest.domain.report.swap_free_kib = 700 * MIB;
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 490 * MIB);

    /* A task waits: for what was swapped since, not for what lay there. */
    guest.domain.report.swap_free_kib = 650 * MIB;
    guest.domain.report.pressure_some_us = 500000;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 540 * MIB);
}

/* What a full guest pushes out, it would rather keep. */
static void what_goes_to_swap_is_needed(void **state)
{
    struct guest guest = guest_with(500 * MIB, 490 * MIB);

    (void)state;
    guest.domain.report.swap_total_kib = 1000 * MIB;
    guest.domain.report.swap_free_kib = 1000 * MIB;
    waits(&guest, SECOND_MS);
    reports(&guest);
    guest.domain.report.swap_free_kib = 980 * MIB;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 510 * MIB);
}

/* It hurts and cannot say how much it lacks: more, and twice as much again. */
static void who_hurts_without_swap_is_pushed(void **state)
{
    struct guest guest = guest_with(500 * MIB, 490 * MIB);
    uint64_t first;

    (void)state;
    guest.domain.report.pressure_some_us = 100000;
    waits(&guest, SECOND_MS);
    reports(&guest);
    first = guest.step.coming_kib;
    assert_true(first >= (490 + 16 + 490 / 16) * MIB);
    assert_int_equal(guest.step.need_kib, 490 * MIB);

    guest.domain.report.pressure_some_us = 200000;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_true(guest.step.coming_kib - 490 * MIB >
                (first - 490 * MIB) * 3 / 2);
}

/* A container has run into its own limit: more memory would not help. */
static void stalls_in_plenty_are_not_ours(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);
    struct guest calm = guest;

    (void)state;
    guest.domain.report.pressure_some_us = 900000;
    guest.domain.report.allocation_stalls = 50;
    waits(&guest, SECOND_MS);
    reports(&guest);
    waits(&calm, SECOND_MS);
    reports(&calm);
    assert_int_equal(guest.step.demand_kib, calm.step.demand_kib);
    assert_false(demand_hurts(&guest.memory, guest.now_ms, SECOND_MS));
}

static void files_that_are_read_again_count(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);
    uint64_t before = guest.step.demand_kib;

    (void)state;
    guest.domain.report.file_active_kib = 300 * MIB;
    guest.domain.report.refaults = 100 * MIB / UNITS_KIB_PER_PAGE;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.demand_kib, before + 100 * MIB);

    /* No more than there are files in memory. */
    guest.domain.report.refaults *= 10;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.demand_kib, before + 300 * MIB);
}

static void half_of_what_is_promised_counts(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 400 * MIB);

    (void)state;
    guest.domain.report.committed_kib = 800 * MIB;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_int_equal(guest.step.need_kib, 400 * MIB);
    assert_int_equal(guest.step.demand_kib, 800 * MIB);
}

static void demand_rises_at_once_and_falls_slowly(void **state)
{
    struct guest guest = guest_with(1000 * MIB, 800 * MIB);
    uint64_t high = guest.step.demand_kib;
    uint64_t low;

    (void)state;
    uses(&guest, 1000 * MIB, 200 * MIB);
    waits(&guest, SECOND_MS);
    reports(&guest);
    low = (200 + 20 + 48) * MIB;
    assert_true(guest.step.demand_kib < high);
    assert_true(guest.step.demand_kib > high - (high - low) / 8);
    assert_true(guest.step.is_falling);
    assert_in_range(guest.memory.peak_kib, 799 * MIB, 800 * MIB);

    for (int i = 0; i < 150; i++) {
        waits(&guest, SECOND_MS);
        reports(&guest);
    }
    assert_in_range(guest.step.demand_kib, low, low + 2 * MIB);
    assert_false(guest.step.is_falling);
}

/* The guest was rebooted: no counter says anything. */
static void counters_that_begin_anew_say_nothing(void **state)
{
    struct guest guest = guest_with(500 * MIB, 490 * MIB);

    (void)state;
    guest.memory.pressure_us = 1000000;
    guest.memory.swapped_in_kib = 1000 * MIB;
    guest.memory.refaults = 1000000;
    guest.memory.stalls = 10;
    guest.memory.committed_kib = 4000 * MIB;
    waits(&guest, SECOND_MS);
    reports(&guest);
    assert_false(demand_hurts(&guest.memory, guest.now_ms, SECOND_MS));
    assert_int_equal(guest.step.need_kib, 490 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_is_needed),
        cmocka_unit_test(amounts_are_in_order_and_within_bounds),
        cmocka_unit_test(without_swap_there_is_more_headroom),
        cmocka_unit_test(headroom_is_the_operators),
        cmocka_unit_test(who_grows_is_given_for_what_is_coming),
        cmocka_unit_test(what_was_never_needed_is_hardly_foreseen),
        cmocka_unit_test(slow_balloon_is_given_earlier),
        cmocka_unit_test(what_is_in_swap_is_needed_by_who_waits_for_it),
        cmocka_unit_test(old_swap_is_not_needed),
        cmocka_unit_test(what_goes_to_swap_is_needed),
        cmocka_unit_test(who_hurts_without_swap_is_pushed),
        cmocka_unit_test(stalls_in_plenty_are_not_ours),
        cmocka_unit_test(files_that_are_read_again_count),
        cmocka_unit_test(half_of_what_is_promised_counts),
        cmocka_unit_test(demand_rises_at_once_and_falls_slowly),
        cmocka_unit_test(counters_that_begin_anew_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
