/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's way from an announcement to its answer, as data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/units.h"
#include "frontend/floor.h"
#include "frontend/intent.h"

#define MIB UINT64_C(1024)
#define START_MS UINT64_C(1000000)
#define WAIT_MS 2000

/*
 * A guest that holds 1024 MiB as its kernel counts and 1025 as Xen does, half
 * of it available; asked to come down to 725.
 */
static struct intent_input asked(void)
{
    return (struct intent_input){
        .announcement = {7, 725 * MIB, WAIT_MS},
        .sample =
            {
                .total_kib = 1000 * MIB,
                .available_kib = 500 * MIB,
                .free_kib = 10 * MIB,
                .anonymous_kib = 400 * MIB,
                .has_balloon = true,
                .balloon_current_kib = 1024 * MIB,
                .balloon_target_kib = 1024 * MIB,
            },
        .target_kib = 1025 * MIB,
        .now_ms = START_MS,
    };
}

static struct intent_step round_of(struct intent *intent,
                                   const struct intent_input *input)
{
    struct intent_step step;

    intent_round(intent, input, &step);
    return step;
}

static uint64_t can_give_kib(const struct intent_input *input)
{
    return input->sample.balloon_current_kib - floor_of(&input->sample);
}

static void nothing_announced_is_nothing_to_do(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.announcement.number = 0;
    input.has_hooks = true;
    input.can_reclaim = true;

    step = round_of(&intent, &input);

    assert_false(step.stop_work || step.run_hooks);
    assert_int_equal(step.reclaim_kib, 0);
    assert_int_equal(step.answer.number, 0);
    assert_int_equal(step.next_ms, UINT64_MAX);
}

static void what_is_available_is_ready_at_once(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.can_reclaim = true;

    step = round_of(&intent, &input);

    assert_int_equal(step.answer.number, 7);
    assert_true(step.answer.is_ready);
    assert_int_equal(step.answer.can_give_kib, can_give_kib(&input));
    assert_true(step.answer.can_give_kib >= 300 * MIB);
    assert_int_equal(step.reclaim_kib, 0);
    assert_int_equal(step.next_ms, UINT64_MAX);
}

static void hooks_run_first_and_it_works_meanwhile(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.has_hooks = true;

    step = round_of(&intent, &input);
    assert_true(step.run_hooks);
    assert_int_equal(step.shrink_kib, 300 * MIB);
    assert_int_equal(step.left_ms, WAIT_MS - INTENT_MARGIN_MS);
    assert_int_equal(step.answer.number, 7);
    assert_false(step.answer.is_ready);
    assert_int_equal(step.next_ms, START_MS + INTENT_LOOK_MS);

    input.is_at_work = true;
    input.now_ms += 500;
    step = round_of(&intent, &input);
    assert_false(step.run_hooks || step.stop_work || step.answer.is_ready);

    input.is_at_work = false;
    step = round_of(&intent, &input);
    assert_false(step.run_hooks || step.stop_work);
    assert_true(step.answer.is_ready);
    assert_int_equal(step.next_ms, UINT64_MAX);
}

static void hooks_are_stopped_before_the_deadline(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.has_hooks = true;
    (void)round_of(&intent, &input);
    input.is_at_work = true;

    input.now_ms = START_MS + WAIT_MS - INTENT_MARGIN_MS - 1;
    step = round_of(&intent, &input);
    assert_false(step.stop_work || step.answer.is_ready);
    assert_int_equal(step.next_ms, input.now_ms + 1);
    input.now_ms++;
    step = round_of(&intent, &input);
    assert_true(step.stop_work && step.answer.is_ready);
}

static void the_same_number_with_more_time_is_no_new_beginning(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.has_hooks = true;
    (void)round_of(&intent, &input);
    input.is_at_work = true;
    input.now_ms += 100;
    input.announcement.wait_ms = 3 * WAIT_MS - 100;
    step = round_of(&intent, &input);
    assert_false(step.run_hooks || step.stop_work);

    input.now_ms = START_MS + WAIT_MS;
    assert_false(round_of(&intent, &input).answer.is_ready);
    input.now_ms = START_MS + 3 * WAIT_MS - INTENT_MARGIN_MS;
    assert_true(round_of(&intent, &input).answer.is_ready);
}

static void cold_memory_is_reclaimed_in_slices_until_it_does(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;
    unsigned int slices = 0;
    uint64_t sum_kib = 0;

    (void)state;
    input.sample.available_kib = 200 * MIB;
    input.sample.swap_total_kib = 400 * MIB;
    input.sample.swap_free_kib = 400 * MIB;
    input.can_reclaim = true;

    step = round_of(&intent, &input);
    assert_false(step.answer.is_ready);
    while (step.reclaim_kib > 0 && slices < 20) {
        assert_true(step.reclaim_kib <= INTENT_SLICE_KIB);
        slices++;
        sum_kib += step.reclaim_kib;
        input.is_at_work = true;
        assert_int_equal(round_of(&intent, &input).reclaim_kib, 0);
        input.is_at_work = false;
        input.now_ms += 20;
        input.sample.available_kib += step.reclaim_kib;
        input.sample.swap_free_kib -= step.reclaim_kib;
        step = round_of(&intent, &input);
    }

    assert_true(step.answer.is_ready);
    assert_true(step.answer.can_give_kib >= 300 * MIB);
    assert_in_range(sum_kib, 100 * MIB, 160 * MIB);
}

static void reclaim_that_brings_nothing_is_given_up(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;
    unsigned int slices = 0;

    (void)state;
    input.sample.available_kib = 200 * MIB;
    input.can_reclaim = true;

    for (step = round_of(&intent, &input); step.reclaim_kib > 0;
         step = round_of(&intent, &input)) {
        assert_in_range(++slices, 1, INTENT_FUTILE_MAX);
        input.now_ms += 20;
    }

    assert_int_equal(slices, INTENT_FUTILE_MAX);
    assert_true(step.answer.is_ready);
    assert_int_equal(step.answer.can_give_kib, can_give_kib(&input));
    assert_true(step.answer.can_give_kib < 200 * MIB); /* a refusal */
}

static void swap_counts_for_what_it_can_give_and_zero_is_the_least(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};

    (void)state;
    input.sample.available_kib = 0;
    assert_int_equal(round_of(&intent, &input).answer.can_give_kib, 0);

    input.announcement.number++;
    input.sample.swap_total_kib = 400 * MIB;
    input.sample.swap_free_kib = 400 * MIB;
    assert_in_range(round_of(&intent, &input).answer.can_give_kib, 200 * MIB,
                    260 * MIB);
}

static void withdrawn_is_the_end_of_the_work(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.has_hooks = true;
    (void)round_of(&intent, &input);
    input.is_at_work = true;
    input.announcement.number = 0;

    step = round_of(&intent, &input);

    assert_true(step.stop_work);
    assert_int_equal(step.answer.number, 0);
}

static void the_next_announcement_begins_anew(void **state)
{
    struct intent_input input = asked();
    struct intent intent = {0};
    struct intent_step step;

    (void)state;
    input.has_hooks = true;
    (void)round_of(&intent, &input);
    input.is_at_work = true;
    input.announcement.number = 8;
    input.announcement.target_kib = 625 * MIB;
    input.now_ms += 1000;

    step = round_of(&intent, &input);

    assert_true(step.stop_work && step.run_hooks);
    assert_int_equal(step.shrink_kib, 400 * MIB);
    assert_int_equal(step.answer.number, 8);
    assert_false(step.answer.is_ready);
}

/* Any announcement whatever has an answer, and within its time. */
static void any_announcement_is_answered_in_time(void **state)
{
    static const uint64_t targets[] = {0, 1, 725 * MIB, UNITS_KIB_MAX};
    static const uint64_t waits[] = {0, 1, 100, 2000, ANNOUNCEMENT_WAIT_MAX_MS};

    (void)state;
    for (unsigned int i = 0; i < 4 * 5 * 4; i++) {
        struct intent_input input = asked();
        struct intent intent = {0};
        uint64_t end_ms = START_MS + waits[i / 4 % 5];
        struct intent_step step;

        input.announcement.target_kib = targets[i % 4];
        input.announcement.wait_ms = waits[i / 4 % 5];
        input.has_hooks = (i / 20 & 1) != 0;
        input.can_reclaim = (i / 20 & 2) != 0;
        step = round_of(&intent, &input);
        input.is_at_work = step.run_hooks || step.reclaim_kib > 0;
        while (!step.answer.is_ready) {
            assert_true(step.next_ms > input.now_ms);
            input.now_ms = step.next_ms;
            assert_true(input.now_ms <= end_ms);
            step = round_of(&intent, &input);
        }
        assert_int_equal(step.answer.number, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_announced_is_nothing_to_do),
        cmocka_unit_test(what_is_available_is_ready_at_once),
        cmocka_unit_test(hooks_run_first_and_it_works_meanwhile),
        cmocka_unit_test(hooks_are_stopped_before_the_deadline),
        cmocka_unit_test(the_same_number_with_more_time_is_no_new_beginning),
        cmocka_unit_test(cold_memory_is_reclaimed_in_slices_until_it_does),
        cmocka_unit_test(reclaim_that_brings_nothing_is_given_up),
        cmocka_unit_test(
            swap_counts_for_what_it_can_give_and_zero_is_the_least),
        cmocka_unit_test(withdrawn_is_the_end_of_the_work),
        cmocka_unit_test(the_next_announcement_begins_anew),
        cmocka_unit_test(any_announcement_is_answered_in_time),
    };

    return cmocka_run_group_tests_name("frontend intent", tests, NULL, NULL);
}
