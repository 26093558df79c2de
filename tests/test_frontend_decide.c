/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend's decision, as data: samples and times in, news, kicks and
 * wake-ups out.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/protocol.h"
#include "common/units.h"
#include "frontend/decide.h"
#include "frontend/floor.h"
#include "tests/world/dice.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define MIB UINT64_C(1024)
#define SEEDS 300

/* A guest of 1 GiB at rest, half of it in use. */
static struct decide_input calm_guest(void)
{
    return (struct decide_input){
        .sample =
            {
                .total_kib = 1000 * MIB,
                .available_kib = 500 * MIB,
                .free_kib = 300 * MIB,
                .anonymous_kib = 400 * MIB,
                .has_pressure = true,
                .has_balloon = true,
                .balloon_current_kib = 1024 * MIB,
                .balloon_target_kib = 1024 * MIB,
            },
        .target_kib = 1025 * MIB,
        .heartbeat_ms = DECIDE_HEARTBEAT_MS,
        .now_ms = 1000000,
    };
}

/* One round in which the store takes whatever is published. */
static struct decision tick(struct decide_state *state,
                            const struct decide_input *input)
{
    struct decision decision;

    decide_round(state, input, &decision);
    if (decision.news != DECIDE_NOTHING) {
        decide_published(state, &decision.report, input->now_ms);
    }
    return decision;
}

/* A guest that has just reported all there is. */
static struct decide_state settled(struct decide_input *input)
{
    struct decide_state state = {0};

    assert_int_equal(tick(&state, input).news, DECIDE_FIRST);
    input->now_ms += 2000;
    assert_int_equal(tick(&state, input).news, DECIDE_NOTHING);
    input->now_ms += 1000;
    return state;
}

static void calm_guest_says_nothing_but_heartbeats(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    const uint64_t start_ms = input.now_ms, hour_ms = 3600 * 1000;
    unsigned int heartbeats = 0, ticks = 0;
    struct dice dice;

    (void)unused;
    dice_init(&dice, 1, 1);
    while (input.now_ms < start_ms + hour_ms) {
        struct decision decision;

        /* What an idle guest does: a little of everything. */
        input.sample.available_kib =
            500 * MIB + dice_between(&dice, 0, 2 * MIB);
        input.sample.major_faults += dice_between(&dice, 0, 3);
        input.sample.refaults += dice_between(&dice, 0, 3);
        input.sample.pressure_some_us += dice_between(&dice, 0, 100);
        decision = tick(&state, &input);

        assert_false(decision.write_target);
        if (decision.news != DECIDE_NOTHING) {
            assert_int_equal(decision.news, DECIDE_HEARTBEAT);
            heartbeats++;
        }
        ticks++;
        input.now_ms = decision.next_ms;
    }
    assert_in_range(heartbeats, 359, 361);
    assert_true(ticks < 1000);
}

/* The kernel has not counted it yet. */
static void direct_reclaim_is_a_stall_where_something_grows(void **unused)
{
    static const struct {
        const char *why;
        enum alarm_kind woken_by;
        uint64_t grown_kib;
        enum decide_news news;
        bool in_vain;
    } cases[] = {
        {"only files are read", ALARM_RECLAIM, 0, DECIDE_NOTHING, true},
        {"a program grows", ALARM_RECLAIM, 10 * MIB, DECIDE_STALL, false},
        {"nobody waits yet", ALARM_KSWAPD, 10 * MIB, DECIDE_NOTHING, false},
        {"it was not that", ALARM_NONE, 10 * MIB, DECIDE_NOTHING, false},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decide_input input = calm_guest();
        struct decide_state state = settled(&input);
        struct decision decision;

        input.woken_by = cases[i].woken_by;
        input.sample.anonymous_kib += cases[i].grown_kib;
        decision = tick(&state, &input);

        if (decision.news != cases[i].news ||
            decision.woken_in_vain != cases[i].in_vain) {
            fail_msg("%s: news=%s", cases[i].why,
                     decide_news_name(decision.news));
        }
    }
}

static void news_is_told_and_named(void **unused)
{
    static const struct {
        uint64_t available_kib, swapped_in_kib, stalls, oom, pressure_us;
        uint64_t target_kib, balloon_kib;
        bool lost;
        enum decide_news news;
        const char *why;
    } cases[] = {
        {.news = DECIDE_NOTHING, .why = "nothing has changed"},
        {.available_kib = 490 * MIB,
         .news = DECIDE_NOTHING,
         .why = "10 MiB of 1000 are noise"},
        {.available_kib = 480 * MIB,
         .news = DECIDE_AVAILABLE_FELL,
         .why = "20 MiB are not"},
        {.available_kib = 520 * MIB,
         .news = DECIDE_AVAILABLE_ROSE,
         .why = "nor upwards"},
        {.swapped_in_kib = 512,
         .news = DECIDE_NOTHING,
         .why = "a page now and then"},
        {.swapped_in_kib = MIB, .news = DECIDE_SWAP, .why = "swapping"},
        {.stalls = 1, .news = DECIDE_STALL, .why = "a task has waited"},
        {.oom = 1, .news = DECIDE_STALL, .why = "a task was killed"},
        {.pressure_us = 20000,
         .news = DECIDE_NOTHING,
         .why = "2 % of the time"},
        {.pressure_us = 40000, .news = DECIDE_STALL, .why = "4 % of the time"},
        {.target_kib = 1024 * MIB,
         .news = DECIDE_TARGET,
         .why = "asked for something else"},
        {.balloon_kib = 1000 * MIB,
         .news = DECIDE_BALLOON_STATE,
         .why = "off its target"},
        {.lost = true, .news = DECIDE_LOST, .why = "restored"},
        {.lost = true,
         .oom = 1,
         .news = DECIDE_LOST,
         .why = "a report that is not there comes first"},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decide_input input = calm_guest();
        struct decide_state state = settled(&input);
        enum decide_news news;

        if (cases[i].available_kib != 0) {
            input.sample.available_kib = cases[i].available_kib;
        }
        if (cases[i].target_kib != 0) {
            input.target_kib = cases[i].target_kib;
        }
        if (cases[i].balloon_kib != 0) {
            input.sample.balloon_current_kib = cases[i].balloon_kib;
        }
        input.sample.swapped_in_kib += cases[i].swapped_in_kib;
        input.sample.allocation_stalls += cases[i].stalls;
        input.sample.oom_kills += cases[i].oom;
        input.sample.pressure_some_us += cases[i].pressure_us;
        input.report_lost = cases[i].lost;
        news = tick(&state, &input).news;
        if (news != cases[i].news) {
            fail_msg("%s: %s", cases[i].why, decide_news_name(news));
        }
    }
}

static void large_guest_tells_when_half_of_the_little_is_gone(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state;

    (void)unused;
    input.sample.total_kib = 64 * 1024 * MIB; /* a 64th is 1 GiB */
    input.sample.available_kib = 1500 * MIB;
    state = settled(&input);

    input.sample.available_kib = 700 * MIB;

    assert_int_equal(tick(&state, &input).news, DECIDE_AVAILABLE_FELL);
}

static void news_keeps_its_distance(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    struct decision decision;

    (void)unused;
    input.sample.available_kib -= 100 * MIB;
    assert_int_equal(tick(&state, &input).news, DECIDE_AVAILABLE_FELL);

    input.now_ms += 30;
    input.sample.available_kib -= 100 * MIB;
    decision = tick(&state, &input);

    assert_int_equal(decision.news, DECIDE_NOTHING);
    assert_int_equal(decision.next_ms, input.now_ms + 70);
    input.now_ms = decision.next_ms;
    assert_int_equal(tick(&state, &input).news, DECIDE_AVAILABLE_FELL);
}

static void guest_that_breathes_costs_the_store_little(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    unsigned int reports = 0;

    (void)unused;
    for (int i = 0; i < 600; i++) { /* a minute, in and out each 200 ms */
        input.sample.available_kib = (i & 1) != 0 ? 500 * MIB : 400 * MIB;
        reports += tick(&state, &input).news != DECIDE_NOTHING;
        input.now_ms += 100;
    }
    assert_true(reports <= 2 * 60 + 2);
}

static void unwritten_report_stays_news(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = {0};
    struct decision decision;

    (void)unused;
    for (int i = 0; i < 100; i++) { /* the store takes none */
        decide_round(&state, &input, &decision);
        assert_int_equal(decision.news, DECIDE_FIRST);
        assert_true(decision.next_ms >= input.now_ms + ATTENTION_SLEEP_MIN_MS);
        input.now_ms = decision.next_ms;
    }
}

static void sleep_follows_what_is_left_and_how_fast_it_goes(void **unused)
{
    static const struct {
        uint64_t available_kib, growth_kib_per_s;
        uint64_t sleep_ms;
        const char *why;
    } cases[] = {
        {900 * MIB, 0, 10000, "plenty: until the heartbeat"},
        {320 * MIB, 0, 5000, "half of it at 32 MiB/s"},
        {64 * MIB, 0, 1000, "less"},
        {1 * MIB, 0, 100, "never shorter"},
        {0, 0, 100, "nothing left"},
        {320 * MIB, 320 * MIB, 500, "it is known to grow fast"},
        {320 * MIB, 1 * MIB, 5000, "slow growth changes nothing"},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decide_input input = calm_guest();
        struct decide_state state = {
            .attention.growth_kib_per_s = cases[i].growth_kib_per_s,
        };
        struct decision decision;

        input.sample.available_kib = cases[i].available_kib;
        decision = tick(&state, &input);
        if (decision.next_ms != input.now_ms + cases[i].sleep_ms) {
            fail_msg("%s: %" PRIu64 " ms", cases[i].why,
                     decision.next_ms - input.now_ms);
        }
    }
}

/* All of it may have been in the last moment. */
static void growth_while_nobody_looked_is_looked_at_again(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state;
    struct decision decision;

    (void)unused;
    input.has_alarm = true;
    input.sample.total_kib = 8192 * MIB;
    input.sample.available_kib = 4096 * MIB;
    state = settled(&input);
    input.now_ms += 10000;
    input.sample.available_kib -= 1024 * MIB;

    decision = tick(&state, &input);

    assert_int_equal(decision.next_ms, input.now_ms + ATTENTION_SLEEP_MIN_MS);
    input.now_ms = decision.next_ms;
    decision = tick(&state, &input);
    assert_true(decision.next_ms > input.now_ms + 1000); /* it was */
}

/* What a victim held is available until it is started again. */
static void who_was_killed_is_watched(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    struct attention_verdict verdict;
    struct attention_input look = {.total_kib = 1000 * MIB,
                                   .available_kib = 500 * MIB,
                                   .kills = true,
                                   .has_alarm = true,
                                   .heartbeat_ms = 10000,
                                   .now_ms = 1000};
    struct attention attention = {.started = true};

    (void)unused;
    input.has_alarm = true;
    input.sample.oom_kills++;
    assert_int_equal(tick(&state, &input).next_ms,
                     input.now_ms + ATTENTION_SLEEP_MIN_MS);

    attention_pay(&attention, &look, &verdict);
    assert_true(verdict.is_pressed);
}

static void fast_growth_is_noticed_and_fades(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);

    (void)unused;
    input.sample.available_kib -= 200 * MIB; /* within the last second */
    (void)tick(&state, &input);
    assert_in_range(state.attention.growth_kib_per_s, 199 * MIB, 200 * MIB);

    for (int i = 0; i < 120; i++) {
        input.now_ms += 1000;
        (void)tick(&state, &input);
    }
    assert_true(state.attention.growth_kib_per_s < 10 * MIB);
}

static void shrinking_balloon_is_not_growth(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);

    (void)unused;
    input.sample.total_kib -= 200 * MIB;
    input.sample.available_kib -= 200 * MIB;
    input.sample.balloon_current_kib -= 200 * MIB;
    (void)tick(&state, &input);
    assert_int_equal(state.attention.growth_kib_per_s, 0);
}

/* --- Woken by the kernel ------------------------------------------------- */

/* Ticks on its own for so long; returns how many times that was. */
static unsigned int looks_within(struct decide_state *state,
                                 struct decide_input *input, uint64_t ms)
{
    const uint64_t end_ms = input->now_ms + ms;
    unsigned int looks = 0;

    while (input->now_ms < end_ms) {
        input->now_ms = tick(state, input).next_ms;
        looks++;
    }
    return looks;
}

/* A guest with an alarm, of whose 1000 MiB so much is available, at rest. */
static struct decide_state calm_with(struct decide_input *input,
                                     uint64_t available_kib)
{
    struct decide_state state = {0};

    *input = calm_guest();
    input->has_alarm = true;
    input->sample.available_kib = available_kib;
    (void)looks_within(&state, input, 30000);
    return state;
}

static void calm_guest_with_an_alarm_sleeps_till_its_heartbeat(void **unused)
{
    static const uint64_t available_mib[] = {900, 400, 200, 100, 20, 1, 0};

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(available_mib); i++) {
        struct decide_input input;
        struct decide_state state = calm_with(&input, available_mib[i] * MIB);
        unsigned int looks = looks_within(&state, &input, 600000);

        if (looks != 60) {
            fail_msg("%" PRIu64 " MiB: %u looks", available_mib[i], looks);
        }
    }
}

/* The same without an alarm is as often looked at as what is left asks for. */
static void without_an_alarm_what_is_left_is_watched(void **unused)
{
    struct decide_input input;
    struct decide_state state = calm_with(&input, 20 * MIB);

    (void)unused;
    input.has_alarm = false;
    (void)looks_within(&state, &input, 10000);

    assert_in_range(looks_within(&state, &input, 60000), 190, 210);
}

static void what_rouses_a_guest_is_looked_at_for_a_while(void **unused)
{
    static const struct {
        const char *why;
        uint64_t available_mib; /* 100 before */
        uint64_t target_mib;    /* 1025 before */
        uint64_t stalls;
        bool woken;
        unsigned int least, most; /* looks in 10 s */
    } cases[] = {
        {"nothing", 100, 1025, 0, false, 1, 1},
        {"noise", 90, 1025, 0, false, 1, 1},
        {"growth", 60, 1025, 0, false, 3, 5},
        {"much growth", 20, 1025, 0, false, 7, 30},
        {"a new target", 100, 1024, 0, false, 3, 5},
        {"a stall, and it is short", 100, 1025, 1, false, 20, 30},
        {"an alarm, and it is short", 100, 1025, 0, true, 20, 30},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decide_input input;
        struct decide_state state = calm_with(&input, 100 * MIB);
        unsigned int looks;

        input.sample.available_kib = cases[i].available_mib * MIB;
        input.sample.allocation_stalls += cases[i].stalls;
        input.target_kib = cases[i].target_mib * MIB;
        input.woken_by = cases[i].woken ? ALARM_PRESSURE : ALARM_NONE;
        /* One without growth rings in vain: test_alarm. */
        input.sample.anonymous_kib += cases[i].woken ? 2 * ALARM_GROWN_KIB : 0;
        input.now_ms = tick(&state, &input).next_ms;
        input.woken_by = ALARM_NONE;
        looks = 1 + looks_within(&state, &input, 10000);
        if (looks - 1 < cases[i].least || looks - 1 > cases[i].most) {
            fail_msg("%s: %u looks", cases[i].why, looks - 1);
        }
        /* And then it is calm again. */
        (void)looks_within(&state, &input, 10000);
        looks = looks_within(&state, &input, 60000);
        if (looks != 6) {
            fail_msg("after %s: %u looks", cases[i].why, looks);
        }
    }
}

static void fast_growth_is_followed_closely_while_it_lasts(void **unused)
{
    struct decide_input input;
    struct decide_state state = calm_with(&input, 300 * MIB);
    uint64_t shortest_ms = UINT64_MAX;
    unsigned int looks = 0;

    (void)unused;
    while (input.sample.available_kib > 0) { /* 1 GiB/s */
        struct decision decision = tick(&state, &input);
        uint64_t ms = units_min(decision.next_ms - input.now_ms, 50);

        shortest_ms = units_min(shortest_ms, decision.next_ms - input.now_ms);
        input.now_ms += ms;
        input.sample.available_kib =
            units_less(input.sample.available_kib, ms * MIB);
        looks++;
    }
    assert_int_equal(shortest_ms, ATTENTION_SLEEP_GROWING_MS);
    assert_in_range(looks, 6, 14);
}

/* --- The balloon --------------------------------------------------------- */

static void balloon_on_its_way_is_watched_until_it_rests(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    enum decide_news last = DECIDE_NOTHING;
    struct decision decision;

    (void)unused;
    input.target_kib = 825 * MIB;
    input.sample.balloon_target_kib = 824 * MIB;
    for (int i = 0; i < 20; i++) {
        decision = tick(&state, &input);
        assert_int_equal(decision.report.balloon, REPORT_BALLOON_MOVING);
        assert_true(decision.next_ms <= input.now_ms + ATTENTION_SLEEP_BUSY_MS);
        assert_false(decision.write_target);
        input.now_ms = decision.next_ms;
        input.sample.balloon_current_kib -= 10 * MIB;
        input.sample.total_kib -= 10 * MIB;
        input.sample.available_kib -= 10 * MIB;
    }
    decision = tick(&state, &input);
    last = decision.news;
    for (int i = 0; i < 3 && last == DECIDE_NOTHING; i++) {
        input.now_ms = decision.next_ms;
        decision = tick(&state, &input);
        last = decision.news;
    }
    assert_int_not_equal(last, DECIDE_NOTHING);
    assert_int_equal(state.published.balloon, REPORT_BALLOON_IDLE);
    assert_int_equal(state.published.current_kib, 824 * MIB);
}

static void move_between_two_looks_is_told(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);

    (void)unused;
    input.sample.balloon_current_kib -= 2 * MIB;
    input.sample.balloon_target_kib = input.sample.balloon_current_kib;
    state.published.balloon_target_kib = input.sample.balloon_target_kib;

    assert_int_equal(tick(&state, &input).news, DECIDE_BALLOON_RESTS);
}

/* Ticks until the first kick; returns how long that took. */
static uint64_t wait_for_kick(struct decide_state *state,
                              struct decide_input *input,
                              struct decision *ret_decision)
{
    const uint64_t start_ms = input->now_ms;

    for (int i = 0; i < 1000; i++) {
        *ret_decision = tick(state, input);
        if (ret_decision->write_target) {
            return input->now_ms - start_ms;
        }
        input->now_ms = ret_decision->next_ms;
    }
    fail_msg("no kick");
    return 0;
}

static void stuck_driver_is_named_and_kicked_with_back_off(void **unused)
{
    static const uint64_t gaps_ms[] = {1000,  2000,  4000, 8000,
                                       16000, 30000, 30000};
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    const uint64_t target_kib = 1500 * MIB;
    struct decision decision;
    uint64_t waited_ms;

    (void)unused;
    input.sample.balloon_target_kib = target_kib; /* and nothing moves */
    waited_ms = wait_for_kick(&state, &input, &decision);

    assert_int_equal(waited_ms, BALLOON_STUCK_MS);
    assert_int_equal(decision.report.balloon, REPORT_BALLOON_STUCK);
    assert_int_equal(state.published.balloon, REPORT_BALLOON_STUCK);
    assert_int_equal(decision.kernel_target_kib, target_kib - BALLOON_KICK_KIB);
    for (size_t i = 0; i < COUNT_OF(gaps_ms); i++) {
        input.sample.balloon_target_kib = decision.kernel_target_kib;
        input.now_ms++;
        waited_ms = wait_for_kick(&state, &input, &decision);

        assert_int_equal(waited_ms + 1, gaps_ms[i]);
        assert_int_equal(decision.kernel_target_kib,
                         i % 2 == 0 ? target_kib
                                    : target_kib - BALLOON_KICK_KIB);
    }
}

static void kick_that_helped_is_taken_back(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    struct decision decision;

    (void)unused;
    input.sample.balloon_target_kib = 1500 * MIB;
    (void)wait_for_kick(&state, &input, &decision);
    input.sample.balloon_target_kib = decision.kernel_target_kib;

    input.now_ms += 500;
    input.sample.balloon_current_kib += 100 * MIB;
    decision = tick(&state, &input);
    assert_int_equal(decision.report.balloon, REPORT_BALLOON_MOVING);

    input.now_ms += 500;
    input.sample.balloon_current_kib = input.sample.balloon_target_kib;
    decision = tick(&state, &input);
    assert_int_equal(decision.report.balloon, REPORT_BALLOON_IDLE);
    assert_true(decision.write_target);
    assert_int_equal(decision.kernel_target_kib, 1500 * MIB);

    input.sample.balloon_target_kib = decision.kernel_target_kib;
    input.now_ms += 500;
    decision = tick(&state, &input);
    assert_false(decision.write_target);
    assert_int_equal(decision.report.balloon, REPORT_BALLOON_IDLE);
}

static void new_target_gives_a_stuck_driver_new_time(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);
    struct decision decision;

    (void)unused;
    input.sample.balloon_target_kib = 1500 * MIB;
    (void)wait_for_kick(&state, &input, &decision);

    input.sample.balloon_target_kib = 1600 * MIB;
    decision = tick(&state, &input);

    assert_int_equal(decision.report.balloon, REPORT_BALLOON_MOVING);
    assert_false(decision.write_target);
    assert_int_equal(wait_for_kick(&state, &input, &decision),
                     BALLOON_STUCK_MS);
    assert_int_equal(decision.kernel_target_kib, 1600 * MIB - BALLOON_KICK_KIB);
}

static void guest_that_has_nothing_to_give_is_not_kicked(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = settled(&input);

    (void)unused;
    input.sample.balloon_target_kib = 400 * MIB;
    input.sample.available_kib = 50 * MIB;
    for (int i = 0; i < 1000; i++) {
        struct decision decision = tick(&state, &input);

        assert_false(decision.write_target);
        input.now_ms = decision.next_ms;
    }
    assert_int_equal(state.published.balloon, REPORT_BALLOON_STUCK);
}

static void guest_without_a_driver_says_so(void **unused)
{
    struct decide_input input = calm_guest();
    struct decide_state state = {0};

    (void)unused;
    input.sample.has_balloon = false;
    assert_int_equal(tick(&state, &input).report.balloon,
                     REPORT_BALLOON_ABSENT);
}

/* --- The floor ----------------------------------------------------------- */

static void floor_follows_use(void **unused)
{
    static const struct {
        uint64_t current_mib, total_mib, available_mib;
        uint64_t anonymous_mib, swap_free_mib, zram_free_mib, zram_used_mib;
        uint64_t floor_mib;
        const char *why;
    } cases[] = {
        {512, 512, 512, 0, 0, 0, 0, 24, "idle: room to live in"},
        {512, 448, 448, 0, 0, 0, 0, 87, "what the kernel itself holds"},
        {1024, 1024, 424, 500, 0, 0, 0, 632, "in use, no swap"},
        {1024, 1024, 424, 500, 200, 0, 0, 502, "some of it can be swapped"},
        {1024, 1024, 424, 500, 200, 200, 0, 632, "zram is memory, too"},
        {1024, 1024, 424, 500, 300, 100, 0, 502, "a disk beside zram"},
        {1024, 1024, 524, 400, 0, 0, 200, 732, "what zram holds is wanted"},
        {1024, 1024, 424, 500, 9000, 0, 0, 307,
         "most of it can, but never all"},
        {100, 90, 0, 50, 0, 0, 0, 100, "never more than it holds"},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct guest_sample sample = {
            .total_kib = cases[i].total_mib * MIB,
            .available_kib = cases[i].available_mib * MIB,
            .anonymous_kib = cases[i].anonymous_mib * MIB,
            .swap_free_kib = cases[i].swap_free_mib * MIB,
            .zram_free_kib = cases[i].zram_free_mib * MIB,
            .zram_used_kib = cases[i].zram_used_mib * MIB,
            .has_balloon = true,
            .balloon_current_kib = cases[i].current_mib * MIB,
        };
        uint64_t floor_kib = floor_of(&sample);

        if (floor_kib / MIB != cases[i].floor_mib) {
            fail_msg("%s: %" PRIu64 " MiB", cases[i].why, floor_kib / MIB);
        }
    }
}

/* --- Whatever comes ------------------------------------------------------ */

static uint64_t any_number(struct dice *dice)
{
    return dice_next(dice) >> dice_between(dice, 0, 63);
}

static void any_sample(struct dice *dice, struct guest_sample *sample)
{
    *sample = (struct guest_sample){
        .total_kib = any_number(dice),
        .available_kib = any_number(dice),
        .free_kib = any_number(dice),
        .anonymous_kib = any_number(dice),
        .file_active_kib = any_number(dice),
        .file_inactive_kib = any_number(dice),
        .committed_kib = any_number(dice),
        .swap_total_kib = any_number(dice),
        .swap_free_kib = any_number(dice),
        .zram_free_kib = any_number(dice),
        .zram_used_kib = any_number(dice),
        .swapped_in_kib = any_number(dice),
        .swapped_out_kib = any_number(dice),
        .refaults = any_number(dice),
        .major_faults = any_number(dice),
        .allocation_stalls = any_number(dice),
        .oom_kills = any_number(dice),
        .has_pressure = dice_chance(dice, 80),
        .pressure_some_us = any_number(dice),
        .pressure_full_us = any_number(dice),
        .has_balloon = dice_chance(dice, 80),
        .balloon_current_kib = any_number(dice),
        .balloon_target_kib = any_number(dice),
        .balloon_retries = any_number(dice),
    };
}

static bool is_sound(const struct decide_input *input,
                     const struct decision *decision)
{
    char text[PROTOCOL_REPORT_MAX];
    struct report report;
    int len;

    len = report_format(&decision->report, text, sizeof(text));
    return len > 0 && report_parse(text, (size_t)len, &report) == 0 &&
           decision->next_ms > input->now_ms &&
           decision->next_ms <= input->now_ms + REPORT_HEARTBEAT_MAX_MS;
}

static void any_sample_gives_a_sound_report_and_a_wake_up(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct decide_input input = calm_guest();
        struct decide_state state = {0};
        struct dice dice;

        dice_init(&dice, seed, 3);
        for (int i = 0; i < 200; i++) {
            struct decision decision;

            if (dice_chance(&dice, 70)) {
                any_sample(&dice, &input.sample);
            }
            input.target_kib = any_number(&dice);
            input.report_lost = dice_chance(&dice, 5);
            input.heartbeat_ms = dice_between(&dice, 0, 100000);
            input.has_alarm = dice_chance(&dice, 50);
            input.woken_by =
                dice_chance(&dice, 30) ? ALARM_PRESSURE : ALARM_NONE;
            input.allowance_stands = dice_chance(&dice, 50);
            input.allowance_kib = any_number(&dice);
            decide_round(&state, &input, &decision);
            if (!is_sound(&input, &decision)) {
                fail_msg("seed=%" PRIu64 " tick=%d", seed, i);
            }
            if (decision.news != DECIDE_NOTHING && dice_chance(&dice, 80)) {
                decide_published(&state, &decision.report, input.now_ms);
            }
            input.now_ms = dice_chance(&dice, 50)
                               ? decision.next_ms
                               : input.now_ms + dice_between(&dice, 0, 2000);
        }
    }
}

/*
 * A guest whose samples wander: silence never outlasts the heartbeat, and
 * reports never come closer than 100 ms.
 */
static void reports_are_neither_late_nor_too_close(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct decide_input input = calm_guest();
        struct decide_state state = {0};
        uint64_t last_ms;
        struct dice dice;

        dice_init(&dice, seed, 4);
        (void)tick(&state, &input);
        last_ms = input.now_ms;
        for (int i = 0; i < 500; i++) {
            struct decision decision;

            input.sample.available_kib =
                dice_between(&dice, 0, input.sample.total_kib);
            input.sample.allocation_stalls += dice_between(&dice, 0, 1);
            input.has_alarm = true;
            input.woken_by =
                dice_chance(&dice, 30) ? ALARM_PRESSURE : ALARM_NONE;
            decision = tick(&state, &input);
            if (decision.news != DECIDE_NOTHING && input.now_ms != last_ms) {
                if (input.now_ms - last_ms < 100) {
                    fail_msg("seed=%" PRIu64 " too close", seed);
                }
                last_ms = input.now_ms;
            }
            if (input.now_ms - last_ms > input.heartbeat_ms) {
                fail_msg("seed=%" PRIu64 " too late", seed);
            }
            /* Events may wake us at any time before. */
            input.now_ms +=
                dice_between(&dice, 1, decision.next_ms - input.now_ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calm_guest_says_nothing_but_heartbeats),
        cmocka_unit_test(direct_reclaim_is_a_stall_where_something_grows),
        cmocka_unit_test(news_is_told_and_named),
        cmocka_unit_test(large_guest_tells_when_half_of_the_little_is_gone),
        cmocka_unit_test(news_keeps_its_distance),
        cmocka_unit_test(guest_that_breathes_costs_the_store_little),
        cmocka_unit_test(unwritten_report_stays_news),
        cmocka_unit_test(sleep_follows_what_is_left_and_how_fast_it_goes),
        cmocka_unit_test(growth_while_nobody_looked_is_looked_at_again),
        cmocka_unit_test(who_was_killed_is_watched),
        cmocka_unit_test(fast_growth_is_noticed_and_fades),
        cmocka_unit_test(shrinking_balloon_is_not_growth),
        cmocka_unit_test(calm_guest_with_an_alarm_sleeps_till_its_heartbeat),
        cmocka_unit_test(without_an_alarm_what_is_left_is_watched),
        cmocka_unit_test(what_rouses_a_guest_is_looked_at_for_a_while),
        cmocka_unit_test(fast_growth_is_followed_closely_while_it_lasts),
        cmocka_unit_test(balloon_on_its_way_is_watched_until_it_rests),
        cmocka_unit_test(move_between_two_looks_is_told),
        cmocka_unit_test(stuck_driver_is_named_and_kicked_with_back_off),
        cmocka_unit_test(kick_that_helped_is_taken_back),
        cmocka_unit_test(new_target_gives_a_stuck_driver_new_time),
        cmocka_unit_test(guest_that_has_nothing_to_give_is_not_kicked),
        cmocka_unit_test(guest_without_a_driver_says_so),
        cmocka_unit_test(floor_follows_use),
        cmocka_unit_test(any_sample_gives_a_sound_report_and_a_wake_up),
        cmocka_unit_test(reports_are_neither_late_nor_too_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
