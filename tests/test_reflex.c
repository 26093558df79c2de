/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reflex: alone, look by look, and as a part of the decision, in a guest
 * of a few lines whose kernel, programs and Xen behave as real ones do.  Each
 * safety rule is switched off once, and must then be seen to be broken.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/units.h"
#include "frontend/decide.h"
#include "frontend/reflex.h"
#include "tests/world/dice.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define SEEDS 300

/* --- Look by look -------------------------------------------------------- */

/* At rest with 1 GiB, 8 MiB of which its kernel does not count. */
static struct reflex_input resting(void)
{
    return (struct reflex_input){
        .has_balloon = true,
        .allowance_stands = true,
        .current_kib = 1016 * MIB,
        .kernel_target_kib = 1016 * MIB,
        .target_kib = 1024 * MIB,
        .allowance_kib = 256 * MIB,
        .available_kib = 500 * MIB,
        .plenty_kib = 254 * MIB,
        .now_ms = 1000000,
    };
}

static struct reflex_step look(struct reflex *reflex,
                               struct reflex_input *input)
{
    struct reflex_step step;

    reflex_look(reflex, input, &step);
    if (step.write_target) {
        input->kernel_target_kib = step.target_kib;
    }
    return step;
}

/* It has been seen at rest for long enough. */
static struct reflex settled(struct reflex_input *input)
{
    struct reflex reflex = {0};

    (void)look(&reflex, input);
    input->now_ms += REFLEX_SETTLED_MS;
    assert_false(look(&reflex, input).write_target);
    assert_true(reflex.knows_offset);
    assert_int_equal(reflex.offset_kib, 8 * MIB);
    return reflex;
}

/* Pressed, it has taken its first step, and all of it has come. */
static struct reflex raised(struct reflex_input *input)
{
    struct reflex reflex = settled(input);

    input->is_pressed = true;
    input->available_kib = 0;
    assert_true(look(&reflex, input).write_target);
    input->current_kib = input->kernel_target_kib;
    input->is_pressed = false;
    input->now_ms += REFLEX_LOOK_MS;
    return reflex;
}

static void steps_double_while_pressure_lasts(void **unused)
{
    static const uint64_t targets_mib[] = {1079, 1206, 1272};
    struct reflex_input input = resting();
    struct reflex reflex = settled(&input);

    (void)unused;
    input.is_pressed = true;
    for (size_t i = 0; i < COUNT_OF(targets_mib); i++) {
        struct reflex_step step = look(&reflex, &input);

        assert_true(step.write_target);
        assert_int_equal(step.target_kib / MIB, targets_mib[i]);
        assert_int_equal(step.taken_kib, step.target_kib - 1016 * MIB);
        assert_int_equal(step.next_ms, input.now_ms + REFLEX_LOOK_MS);
        input.current_kib = input.kernel_target_kib;
        input.now_ms += REFLEX_LOOK_MS;
    }
    /* All that is allowed is taken. */
    assert_false(look(&reflex, &input).write_target);
}

static void small_guest_takes_16_mib_first(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = {0};

    (void)unused;
    input.current_kib = input.kernel_target_kib = input.target_kib = 128 * MIB;
    (void)look(&reflex, &input);
    input.now_ms += REFLEX_SETTLED_MS;
    input.is_pressed = true;

    assert_int_equal(look(&reflex, &input).taken_kib, 16 * MIB);
}

static void nothing_is_raised(void **unused)
{
    static const struct {
        const char *why;
        uint64_t allowance_kib;
        bool pressed, connected;
    } cases[] = {
        {"it is not pressed", 256 * MIB, false, true},
        {"nothing is allowed", 0, true, true},
        {"less than a page is allowed", 3, true, true},
        {"nobody is there", 256 * MIB, true, false},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reflex_input input = resting();
        struct reflex reflex = settled(&input);

        input.is_pressed = cases[i].pressed;
        input.allowance_stands = cases[i].connected;
        input.allowance_kib = cases[i].allowance_kib;
        if (look(&reflex, &input).write_target) {
            fail_msg("%s", cases[i].why);
        }
    }
}

static void nothing_is_raised_before_the_offset_is_known(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = {0};

    (void)unused;
    input.is_pressed = true;
    for (int i = 0; i < 100; i++) { /* never at rest */
        assert_false(look(&reflex, &input).write_target);
        input.now_ms += 100;
        input.kernel_target_kib = (1000 + (uint64_t)i % 2) * MIB;
    }
    /* Nor when the kernel is above, by a hand that is not ours. */
    input.kernel_target_kib = input.current_kib = 1025 * MIB;
    for (int i = 0; i < 100; i++) {
        assert_false(look(&reflex, &input).write_target);
        input.now_ms += 100;
    }
    assert_false(reflex.knows_offset);
}

static void all_is_forgotten_when_it_has_moved(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = raised(&input);
    struct reflex_step step;

    (void)unused;
    input.is_moved = true;
    input.is_pressed = true;
    input.kernel_target_kib = 1016 * MIB; /* its kernel has, too */

    step = look(&reflex, &input);
    assert_false(step.write_target);
    assert_int_equal(step.taken_kib, 0);
    assert_false(reflex.knows_offset);

    input.is_moved = false;
    input.current_kib = 1016 * MIB;
    assert_false(look(&reflex, &input).write_target);
    input.now_ms += REFLEX_SETTLED_MS;
    assert_true(look(&reflex, &input).write_target);
}

static void more_is_not_asked_of_a_driver_that_has_not_brought_half(
    void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = settled(&input);

    (void)unused;
    input.is_pressed = true;
    (void)look(&reflex, &input); /* 63 MiB */
    input.now_ms += REFLEX_LOOK_MS;
    input.current_kib += 30 * MIB;
    assert_false(look(&reflex, &input).write_target);

    input.now_ms += REFLEX_LOOK_MS;
    input.current_kib += 2 * MIB;
    assert_true(look(&reflex, &input).write_target);
}

static void what_xen_refuses_is_not_held(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = settled(&input);
    struct reflex_step step;
    unsigned int raises = 0;

    (void)unused;
    input.is_pressed = true;
    (void)look(&reflex, &input);
    input.current_kib += 10 * MIB; /* and no more */
    input.now_ms += 500;
    assert_false(look(&reflex, &input).write_target);
    input.now_ms += REFLEX_REFUSED_MS;

    step = look(&reflex, &input);
    assert_true(step.write_target);
    assert_int_equal(step.target_kib, 1026 * MIB);
    assert_int_equal(step.taken_kib, 10 * MIB);

    /* And it is tried again less and less. */
    for (int i = 0; i < 1200; i++) {
        input.now_ms += 100;
        step = look(&reflex, &input);
        raises += step.write_target && step.target_kib > 1026 * MIB;
    }
    assert_in_range(raises, 3, 8);
}

static void raised_target_takes_the_place_of_the_reflex(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = raised(&input); /* by 63 MiB */
    struct reflex_step step;

    (void)unused;
    /* The store says it a moment before the kernel has heard. */
    input.target_kib = 1124 * MIB;
    input.is_pressed = true;
    assert_false(look(&reflex, &input).write_target);

    input.kernel_target_kib = 1116 * MIB;
    input.is_pressed = false;
    step = look(&reflex, &input);
    assert_false(step.write_target);
    assert_int_equal(step.taken_kib, 0);
    assert_int_equal(reflex.held_kib, 0);

    input.current_kib = 1116 * MIB;
    input.is_pressed = true;
    assert_true(look(&reflex, &input).write_target);
}

static void reflex_that_was_made_good_in_part_goes_on(void **unused)
{
    static const struct {
        const char *why;
        uint64_t available_kib;
        uint64_t taken_kib;
    } cases[] = {
        {"what it lacks it keeps", 10 * MIB, 1079 * MIB + 512 - 1036 * MIB},
        {"with plenty, it is over", 300 * MIB, 0},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reflex_input input = resting();
        struct reflex reflex = raised(&input); /* to 1079.5 MiB */
        struct reflex_step step;

        input.target_kib = 1044 * MIB;
        input.kernel_target_kib = 1036 * MIB; /* it obeys at once */
        input.available_kib = cases[i].available_kib;
        step = look(&reflex, &input);

        if (step.taken_kib != cases[i].taken_kib) {
            fail_msg("%s: %" PRIu64 " KiB", cases[i].why, step.taken_kib);
        }
    }
}

static void rewritten_target_ends_the_reflex(void **unused)
{
    static const uint64_t targets_mib[] = {1024, 1000};

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(targets_mib); i++) {
        struct reflex_input input = resting();
        struct reflex reflex = raised(&input);
        struct reflex_step step;

        input.target_kib = targets_mib[i] * MIB;
        input.kernel_target_kib = input.target_kib - 8 * MIB;
        step = look(&reflex, &input);

        assert_false(step.write_target);
        assert_int_equal(step.taken_kib, 0);
    }
}

static void what_is_asked_back_goes_in_steps(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = raised(&input);
    uint64_t taken = 63 * MIB + 512;
    unsigned int steps = 0;

    (void)unused;
    input.allowance_kib = 20 * MIB;
    input.available_kib = 64 * MIB;
    while (taken > input.allowance_kib && steps < 100) {
        uint64_t excess = taken - input.allowance_kib;
        struct reflex_step step = look(&reflex, &input);

        assert_true(step.write_target);
        assert_in_range(taken - step.taken_kib, 4,
                        units_max(excess / 4, 4 * MIB) + 4);
        assert_int_equal(step.next_ms, input.now_ms + REFLEX_BACK_MS);
        /* Whoever wakes it before: not sooner. */
        input.now_ms += REFLEX_BACK_MS / 2;
        assert_false(look(&reflex, &input).write_target);
        input.now_ms = step.next_ms;
        taken = step.taken_kib;
        steps++;
    }
    assert_int_equal(taken, 20 * MIB);
    assert_in_range(steps, 6, 12);
}

static void nothing_is_given_back(void **unused)
{
    static const struct {
        const char *why;
        bool pressed, connected;
        uint64_t available_kib;
    } cases[] = {
        {"while it is pressed", true, true, 64 * MIB},
        {"while nobody is there to ask", false, false, 64 * MIB},
        {"when nothing is available", false, true, 0},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reflex_input input = resting();
        struct reflex reflex = raised(&input);

        input.allowance_kib = 0;
        input.is_pressed = cases[i].pressed;
        input.allowance_stands = cases[i].connected;
        input.available_kib = cases[i].available_kib;
        if (look(&reflex, &input).write_target) {
            fail_msg("%s", cases[i].why);
        }
    }
}

static void unneeded_reflex_is_given_back_unasked(void **unused)
{
    struct reflex_input input = resting();
    struct reflex reflex = raised(&input);
    uint64_t start_ms;
    struct reflex_step step;

    (void)unused;
    start_ms = input.now_ms;
    input.available_kib = 500 * MIB;
    while (input.now_ms < start_ms + REFLEX_PLENTY_MS) {
        step = look(&reflex, &input);
        assert_false(step.write_target);
        assert_int_equal(step.next_ms, input.now_ms + REFLEX_PLENTY_LOOK_MS);
        input.now_ms = step.next_ms;
    }
    for (int i = 0; i < 20; i++) {
        step = look(&reflex, &input);
        input.now_ms += REFLEX_BACK_MS;
    }
    assert_int_equal(step.taken_kib, 0);
    assert_int_equal(input.kernel_target_kib, 1016 * MIB);
    assert_int_equal(step.next_ms, UINT64_MAX);
}

/* --- In a guest ---------------------------------------------------------- */

#define OFFSET_KIB (8 * MIB)
/* As fast as drivers were seen to be in emulation. */
#define DRIVER_KIB_MS (MIB / 11)

struct guest {
    struct decide_state state;
    struct decide_input input;
    uint64_t used_kib; /* what its programs want */
    uint64_t allowance_kib;
    uint64_t limit_kib; /* Xen's */
    uint64_t woken_ms;  /* when the trigger fired last */
    struct alarm alarm;
    uint64_t stalled_us; /* since then */
    bool is_alone;       /* no backend is at work */

    /* What is counted */
    unsigned int looks, reports, turns;
    int direction;
    uint64_t first_taken_ms;
    enum decide_news first_news; /* that was told then */
    uint64_t short_ms;           /* without what it wants */

    void (*mutate)(struct guest *guest);
    const char *broken;
};

static uint64_t total_kib(const struct guest *guest)
{
    return guest->input.sample.balloon_current_kib - 16 * MIB;
}

static void fill_sample(struct guest *guest)
{
    struct guest_sample *sample = &guest->input.sample;

    sample->total_kib = total_kib(guest);
    sample->available_kib = units_less(total_kib(guest), guest->used_kib);
    sample->free_kib = sample->available_kib;
    sample->anonymous_kib = units_min(total_kib(guest), guest->used_kib);
}

static void set_target(struct guest *guest, uint64_t target_kib)
{
    guest->input.target_kib = target_kib;
    guest->input.sample.balloon_target_kib = target_kib - OFFSET_KIB;
}

static void allow(struct guest *guest, uint64_t allowance_kib)
{
    guest->input.allowance_kib = guest->allowance_kib = allowance_kib;
    guest->limit_kib =
        units_max(guest->input.target_kib + allowance_kib,
                  guest->input.sample.balloon_current_kib + OFFSET_KIB);
}

static void guest_init(struct guest *guest)
{
    *guest = (struct guest){
        .input = {.sample = {.has_pressure = true,
                             .has_balloon = true,
                             .balloon_current_kib = 512 * MIB - OFFSET_KIB},
                  .allowance_stands = true,
                  .has_alarm = true,
                  .heartbeat_ms = DECIDE_HEARTBEAT_MS,
                  .now_ms = 1000000},
        .used_kib = 200 * MIB,
    };
    set_target(guest, 512 * MIB);
    allow(guest, 128 * MIB);
    fill_sample(guest);
}

static void move_balloon(struct guest *guest)
{
    struct guest_sample *sample = &guest->input.sample;
    uint64_t current = sample->balloon_current_kib;
    uint64_t up = units_less(
        units_min(sample->balloon_target_kib, guest->limit_kib - OFFSET_KIB),
        current);
    uint64_t down = units_less(current, sample->balloon_target_kib);

    current += units_min(up, DRIVER_KIB_MS);
    current -= units_min(units_min(down, DRIVER_KIB_MS), sample->available_kib);
    sample->balloon_current_kib = current;
}

/* What must hold after each look. */
static void check(struct guest *guest, const struct decision *decision,
                  uint64_t old_target_kib)
{
    uint64_t told = decision->kernel_target_kib + OFFSET_KIB;
    bool raises =
        decision->write_target && decision->kernel_target_kib > old_target_kib;
    int direction = raises ? 1 : -1;

    if (raises && guest->is_alone) {
        guest->broken = "raises while nobody is there";
    }
    if (raises && told > guest->input.target_kib + guest->allowance_kib) {
        guest->broken = "raises above what is allowed";
    }
    if (decision->write_target && told < guest->input.target_kib) {
        guest->broken = "goes below what it was asked to hold";
    }
    if (decision->write_target) {
        guest->turns += guest->direction != 0 && guest->direction != direction;
        guest->direction = direction;
    }
}

static void take_look(struct guest *guest, uint64_t *next_ms)
{
    struct guest_sample *sample = &guest->input.sample;
    uint64_t old_target_kib = sample->balloon_target_kib;
    struct decide_input input;
    struct decision decision;

    if (guest->mutate != NULL) {
        guest->mutate(guest);
    }
    input = guest->input;
    decide_round(&guest->state, &input, &decision);
    if (input.woken_by != ALARM_NONE) {
        alarm_rang(&guest->alarm, decision.woken_in_vain, input.now_ms);
    }
    if (decision.news != DECIDE_NOTHING) {
        decide_published(&guest->state, &decision.report, input.now_ms);
        guest->reports++;
    }
    if (decision.report.reflex_kib > 0 && guest->first_taken_ms == 0) {
        guest->first_taken_ms = input.now_ms;
        guest->first_news = decision.news;
    }
    check(guest, &decision, old_target_kib);
    if (decision.write_target) {
        sample->balloon_target_kib = decision.kernel_target_kib;
    }
    guest->input.woken_by = ALARM_NONE;
    guest->looks++;
    *next_ms = decision.next_ms;
}

static bool is_woken(struct guest *guest)
{
    /* The kernel looks at its triggers ten times a window. */
    if (guest->stalled_us < SAMPLE_HINT_US ||
        guest->input.now_ms % (SAMPLE_STALL_WINDOW_US / 10000) != 0 ||
        guest->input.now_ms < guest->woken_ms + SAMPLE_STALL_WINDOW_US / 1000 ||
        !alarm_is_ready(&guest->alarm, guest->input.now_ms)) {
        return false;
    }
    guest->stalled_us = 0;
    guest->woken_ms = guest->input.now_ms;
    guest->input.woken_by = ALARM_PRESSURE;
    return true;
}

/* Its programs grow at this speed until they use so much. */
static void live(struct guest *guest, uint64_t ms, uint64_t wants_kib,
                 uint64_t growth_kib_ms)
{
    uint64_t end_ms = guest->input.now_ms + ms;
    uint64_t next_ms = guest->input.now_ms;

    for (; guest->input.now_ms < end_ms; guest->input.now_ms++) {
        move_balloon(guest);
        guest->used_kib = units_min(wants_kib, guest->used_kib + growth_kib_ms);
        fill_sample(guest);
        if (guest->used_kib > total_kib(guest)) {
            guest->stalled_us += 500;
            guest->input.sample.pressure_some_us += 500;
            guest->short_ms++;
        }
        if (guest->input.now_ms >= next_ms || is_woken(guest)) {
            take_look(guest, &next_ms);
        }
    }
}

static void calm_guest_is_not_looked_at_between_its_heartbeats(void **unused)
{
    struct guest guest;

    (void)unused;
    guest_init(&guest);
    guest.used_kib = 485 * MIB; /* little is left */
    live(&guest, 20 * SECOND_MS, guest.used_kib, 0);
    guest.looks = guest.reports = 0;

    live(&guest, 600 * SECOND_MS, guest.used_kib, 0);

    assert_in_range(guest.looks, 59, 61);
    assert_in_range(guest.reports, 59, 61);
}

static void burst_is_met_within_the_allowance(void **unused)
{
    struct guest guest;
    uint64_t start_ms;

    (void)unused;
    guest_init(&guest);
    live(&guest, 20 * SECOND_MS, guest.used_kib, 0);
    guest.looks = guest.reports = 0;
    start_ms = guest.input.now_ms;

    /* It stalls from the 576th on: 288 MiB are used up. */
    live(&guest, 2 * SECOND_MS, 590 * MIB, 512);

    print_message("# looks=%u reports=%u turns=%u first_ms=%" PRIu64
                  " short_ms=%" PRIu64 "\n",
                  guest.looks, guest.reports, guest.turns,
                  guest.first_taken_ms - start_ms, guest.short_ms);
    assert_null(guest.broken);
    assert_in_range(guest.first_taken_ms - start_ms, 1, 600);
    assert_int_equal(guest.first_news, DECIDE_REFLEX);
    assert_true(guest.short_ms < 1200);
    assert_in_range(guest.looks, 5, 60);
    assert_true(guest.reports <= 2 * SECOND_MS / 50);
    assert_true(guest.input.sample.available_kib > 0);

    /* And then it is left alone again. */
    live(&guest, 5 * SECOND_MS, 590 * MIB, 0);
    guest.looks = 0;
    live(&guest, 60 * SECOND_MS, 590 * MIB, 0);
    assert_in_range(guest.looks, 5, 8);
}

/* --- Rules, and each switched off ---------------------------------------- */

static void rule_allowance(struct guest *guest)
{
    allow(guest, 40 * MIB);
    live(guest, 20 * SECOND_MS, guest->used_kib, 0);
    live(guest, 5 * SECOND_MS, 700 * MIB, 512);
}

/* What Xen would refuse: its limit is not what we are told. */
static void allow_anything(struct guest *guest)
{
    guest->input.allowance_kib = 1024 * MIB;
}

/* Its life begins in a burst, and its kernel is slow to hear of a target. */
static void rule_offset(struct guest *guest)
{
    allow(guest, 16 * MIB);
    guest->used_kib = 485 * MIB;
    guest->input.target_kib -= 4 * MIB;
    live(guest, SECOND_MS / 2, 700 * MIB, 512);
    set_target(guest, guest->input.target_kib);
    live(guest, 5 * SECOND_MS, 700 * MIB, 512);
}

static void measure_at_once(struct guest *guest)
{
    struct reflex *reflex = &guest->state.reflex;

    if (!reflex->knows_offset) {
        reflex->knows_offset = true;
        reflex->offset_kib =
            guest->input.target_kib - guest->input.sample.balloon_target_kib;
    }
}

static void rule_connected(struct guest *guest)
{
    live(guest, 20 * SECOND_MS, guest->used_kib, 0);
    guest->is_alone = true;
    guest->input.allowance_stands = false;
    live(guest, 5 * SECOND_MS, 700 * MIB, 512);
}

static void dream_of_company(struct guest *guest)
{
    guest->input.allowance_stands = true;
}

static void rule_gives_back(struct guest *guest)
{
    live(guest, 20 * SECOND_MS, guest->used_kib, 0);
    live(guest, 5 * SECOND_MS, 590 * MIB, 512);
    guest->used_kib = 400 * MIB;
    allow(guest, 0);
    live(guest, 10 * SECOND_MS, 400 * MIB, 0);
    if (guest->input.sample.balloon_target_kib !=
        guest->input.target_kib - OFFSET_KIB) {
        guest->broken = "keeps what is asked back";
    }
}

static void give_back_later(struct guest *guest)
{
    guest->state.reflex.gave_ms = guest->input.now_ms;
}

/* Breathing in and out for five minutes. */
static void rule_calm(struct guest *guest)
{
    live(guest, 20 * SECOND_MS, guest->used_kib, 0);
    for (int i = 0; i < 100; i++) {
        live(guest, 2 * SECOND_MS, 560 * MIB, 512);
        guest->used_kib = 200 * MIB;
        live(guest, 1 * SECOND_MS, 200 * MIB, 0);
    }
    if (guest->turns > 30) {
        guest->broken = "raises and gives back by turns";
    }
}

static void call_it_plenty(struct guest *guest)
{
    guest->state.reflex.plenty_ms = 1;
}

static const struct {
    const char *why;
    void (*happen)(struct guest *guest);
    void (*mutate)(struct guest *guest); /* the switch */
    const char *broken;
} rules[] = {
    {"the allowance is not exceeded", rule_allowance, allow_anything,
     "raises above what is allowed"},
    {"nothing while nobody is there", rule_connected, dream_of_company,
     "raises while nobody is there"},
    {"nothing without the offset", rule_offset, measure_at_once,
     "raises above what is allowed"},
    {"what is asked back is given", rule_gives_back, give_back_later,
     "keeps what is asked back"},
    {"no raising and giving back by turns", rule_calm, call_it_plenty,
     "raises and gives back by turns"},
};

static void each_rule_holds_and_is_needed(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct guest guest;

        guest_init(&guest);
        rules[i].happen(&guest);
        if (guest.broken != NULL) {
            fail_msg("%s: %s", rules[i].why, guest.broken);
        }
        guest_init(&guest);
        guest.mutate = rules[i].mutate;
        rules[i].happen(&guest);
        if (guest.broken == NULL || strcmp(guest.broken, rules[i].broken)) {
            fail_msg("%s: without it, %s", rules[i].why,
                     guest.broken == NULL ? "nothing" : guest.broken);
        }
    }
}

/* --- Whatever comes ------------------------------------------------------ */

/*
 * Targets, allowances, bursts and connections that come and go: the rules hold
 * at each look, and in the end, asked for it and left in peace, nothing is
 * taken any more.
 */
static void rules_hold_whatever_happens(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct guest guest;
        struct dice dice;

        dice_init(&dice, seed, 7);
        guest_init(&guest);
        for (int i = 0; i < 20 && guest.broken == NULL; i++) {
            if (dice_chance(&dice, 30)) {
                set_target(&guest, dice_between(&dice, 300, 700) * MIB);
            }
            if (dice_chance(&dice, 30)) {
                allow(&guest, dice_between(&dice, 0, 200 * MIB));
            }
            allow(&guest, guest.input.allowance_kib);
            guest.is_alone = !dice_chance(&dice, 80);
            guest.input.allowance_stands = !guest.is_alone;
            guest.input.is_moved = dice_chance(&dice, 5);
            if (guest.input.is_moved) { /* its kernel forgets, too */
                set_target(&guest, guest.input.target_kib);
            }
            guest.used_kib = dice_between(&dice, 100, 400) * MIB;
            live(&guest, dice_between(&dice, 1, 3000),
                 dice_between(&dice, 100, 800) * MIB,
                 dice_between(&dice, 0, 1000));
            guest.input.is_moved = false;
        }
        guest.input.allowance_stands = true;
        guest.is_alone = false;
        guest.used_kib = 100 * MIB;
        allow(&guest, 0);
        live(&guest, 15 * SECOND_MS, 100 * MIB, 0);
        if (guest.broken == NULL && guest.state.reflex.held_kib != 0) {
            guest.broken = "keeps what is asked back";
        }
        if (guest.broken != NULL) {
            fail_msg("seed=%" PRIu64 " %s", seed, guest.broken);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_double_while_pressure_lasts),
        cmocka_unit_test(small_guest_takes_16_mib_first),
        cmocka_unit_test(nothing_is_raised),
        cmocka_unit_test(nothing_is_raised_before_the_offset_is_known),
        cmocka_unit_test(all_is_forgotten_when_it_has_moved),
        cmocka_unit_test(
            more_is_not_asked_of_a_driver_that_has_not_brought_half),
        cmocka_unit_test(what_xen_refuses_is_not_held),
        cmocka_unit_test(raised_target_takes_the_place_of_the_reflex),
        cmocka_unit_test(reflex_that_was_made_good_in_part_goes_on),
        cmocka_unit_test(rewritten_target_ends_the_reflex),
        cmocka_unit_test(what_is_asked_back_goes_in_steps),
        cmocka_unit_test(nothing_is_given_back),
        cmocka_unit_test(unneeded_reflex_is_given_back_unasked),
        cmocka_unit_test(calm_guest_is_not_looked_at_between_its_heartbeats),
        cmocka_unit_test(burst_is_met_within_the_allowance),
        cmocka_unit_test(each_rule_holds_and_is_needed),
        cmocka_unit_test(rules_hold_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
