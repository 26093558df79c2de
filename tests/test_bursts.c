/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bursts, the allowance and the reflex: both real ends on the simulated host,
 * and guests whose programs take memory faster than dom0 could ever bring it.
 * XENBALLOON_SEED repeats a failed run.
 *
 * What the host does takes no time here but for the ticks of the two ends, the
 * step of the model and the speed of its balloon: it is the least that it may
 * be on a real one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/units.h"
#include "tests/steps.h"

/* How closely time is looked at: the shortest that anything waits here. */
#define STEP_MS 5

/* A balloon of single pages was measured at about this when it takes. */
#define BALLOON_KIB_S (1024 * MIB)

/* What a program touches that fills its heap. */
#define BURST_KIB_S (500 * MIB)

/* dom0, the reserve, and the slack of a few limits. */
#define HOST_KIB(guests_kib) (512 * MIB + (guests_kib) + 140 * MIB)

static struct character *guest(struct scenario *scenario, const char *name,
                               uint64_t memory_kib, uint64_t maxmem_kib,
                               uint64_t wants_kib)
{
    struct character *one =
        scenario_add(scenario, name, memory_kib, maxmem_kib, wants_kib);

    one->nature.step_ms = STEP_MS;
    one->nature.has_tracepoints = true;
    one->nature.up_kib_s = BALLOON_KIB_S;
    one->nature.growth_kib_s = BURST_KIB_S;
    return one;
}

static struct domu *domu_of(const struct scenario *scenario, const char *name)
{
    return world_find(&scenario->world, name);
}

static const struct model *model_of(const struct scenario *scenario,
                                    const char *name)
{
    return &domu_of(scenario, name)->model;
}

/*
 * dom0 has no time for its backend: what happens in that time, guests have to
 * bear by themselves.
 */
static void let_dom0_lag(struct scenario *scenario, uint64_t ms)
{
    scenario->world.daemon.last_ms =
        scenario->world.now_ms + ms - DAEMON_TICK_MIN_MS;
}

/* What it was told that it may take. */
static uint64_t allowance_of(const struct scenario *scenario, const char *name)
{
    char path[80];
    const char *text;

    (void)snprintf(path, sizeof(path),
                   "/local/domain/0/backend/balloon/%u/0/allowance",
                   domu_of(scenario, name)->domid);
    text = store_peek(scenario->world.store, path);
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static uint64_t taken_by(const struct scenario *scenario, const char *name)
{
    return domu_reflex_kib(domu_of(scenario, name));
}

static void expect_no_kills(const struct scenario *scenario)
{
    assert_int_equal(scenario_kills(scenario), 0);
}

/* Nothing is written for a minute. */
static void expect_rest(struct scenario *scenario)
{
    uint64_t since_ms = scenario->world.now_ms;

    run(scenario, MINUTE_MS);
    if (writes_since(scenario, since_ms, NULL) > 0) {
        writes_print(&scenario->world.store->log, since_ms, DAEMON_NAME, NULL);
        fail_msg("no rest");
    }
}

/* ---- From a stall to memory ------------------------------------------------ */

struct burst {
    uint64_t headroom_kib; /* when it began */
    uint64_t answer_ms;    /* from the first stall to the first new memory */
    uint64_t kills;
};

static uint64_t available_kib(const struct scenario *scenario, const char *name)
{
    struct guest_sample sample;

    assert_int_equal(guest_sample(&domu_of(scenario, name)->guest, &sample), 0);
    return sample.available_kib;
}

/* One that waits for nothing is answered before it has to. */
static void await_answer(struct scenario *scenario, struct burst *burst)
{
    uint64_t held_kib = scenario_held(scenario, "one");
    uint64_t waited_us = model_of(scenario, "one")->waited_us;
    uint64_t stalled_ms = 0;
    unsigned int i;

    for (i = 0; i < SECOND_MS / STEP_MS; i++) {
        run(scenario, STEP_MS);
        if (stalled_ms == 0 &&
            model_of(scenario, "one")->waited_us > waited_us) {
            stalled_ms = scenario->world.now_ms;
        }
        if (scenario_held(scenario, "one") > held_kib) {
            burst->answer_ms =
                stalled_ms != 0 ? scenario->world.now_ms - stalled_ms : 0;
            return;
        }
    }
}

/* phase_ms: when in the frontend's sleep it begins. */
static struct burst burst_once(bool has_reflex, uint64_t lag_ms,
                               uint64_t phase_ms)
{
    struct burst burst = {.answer_ms = UINT64_MAX};
    struct scenario scenario;

    scenario_init(&scenario, HOST_KIB(800 * MIB));
    guest(&scenario, "one", 300 * MIB, 1000 * MIB, 200 * MIB)
        ->nature.has_no_reflex = !has_reflex;
    start(&scenario);
    run(&scenario, MINUTE_MS + phase_ms);
    burst.headroom_kib = available_kib(&scenario, "one");

    scenario_want(&scenario, "one", 350 * MIB);
    let_dom0_lag(&scenario, lag_ms);
    await_answer(&scenario, &burst);
    run(&scenario, 10 * SECOND_MS);
    burst.kills = scenario_kills(&scenario);
    scenario_done(&scenario);
    return burst;
}

/* The worst of 20. */
static struct burst bursts(const char *way, bool has_reflex, uint64_t lag_ms)
{
    struct burst worst = {.headroom_kib = 0};
    uint64_t i;

    for (i = 0; i < 20; i++) {
        struct burst one = burst_once(has_reflex, lag_ms, i * 537);

        worst.headroom_kib = units_max(worst.headroom_kib, one.headroom_kib);
        worst.answer_ms = units_max(worst.answer_ms, one.answer_ms);
        worst.kills += one.kills;
    }
    print_message("# %s: head-room %" PRIu64 " MiB, first new memory within "
                  "%" PRIu64 " ms of the first stall, %" PRIu64
                  " killed in 20 bursts\n",
                  way, worst.headroom_kib / MIB, worst.answer_ms, worst.kills);
    return worst;
}

static void memory_comes_in_time(void **state)
{
    struct burst with = bursts("with reflex", true, DAEMON_TICK_MIN_MS);
    struct burst without = bursts("without", false, DAEMON_TICK_MIN_MS);

    (void)state;
    assert_in_range(with.answer_ms, 0, 60);
    assert_int_equal(with.kills, 0);
    assert_in_range(without.answer_ms, with.answer_ms, 250);
}

/* Then it is late for whoever has to ask. */
static void dom0_is_busy(void **state)
{
    struct burst with = bursts("dom0 busy, with reflex", true, 250);
    struct burst without = bursts("dom0 busy, without", false, 250);

    (void)state;
    assert_in_range(with.answer_ms, 0, 60);
    assert_int_equal(with.kills, 0);
    assert_in_range(without.answer_ms, 60, 250);
    assert_true(without.kills > 0);
}

/* ---- Two hundred ----------------------------------------------------------- */

#define GUESTS 6
#define BURSTS 200
#define SEEDS 20

/* Guests, and what their programs want now and then. */
struct trial {
    const char *name;
    uint64_t guests_kib; /* what all of them can hold, */
    uint64_t start_kib;  /* and one has when it starts */
    uint64_t maxmem_kib;
    uint64_t base_kib;  /* wanted all the time */
    uint64_t least_kib; /* a burst, above that */
    uint64_t most_kib;
    uint64_t bursts_kib; /* all that go on together, at most */
    uint64_t slowest_kib_s;
    uint64_t fastest_kib_s;
    uint64_t gap_ms;   /* between two bursts in any two guests, at most */
    uint64_t last_ms;  /* of a burst, at most */
    uint64_t up_kib_s; /* of a balloon */
    uint64_t down_kib_s;
    uint64_t swap_kib; /* of every second guest */
};

/*
 * Killed of 8,000 on 2.6, 2.5 and 2.4 GiB: 0; as long as all growth was foreseen
 * for what is scarce: 16, 36 and 84.
 */
static const struct trial on_a_host = {
    .name = "2 GiB of needs on 2.6",
    .guests_kib = 2600 * MIB,
    .start_kib = 300 * MIB,
    .maxmem_kib = 1000 * MIB,
    .base_kib = 150 * MIB,
    .least_kib = 20 * MIB,
    .most_kib = 200 * MIB,
    .bursts_kib = 600 * MIB,
    .slowest_kib_s = 50 * MIB,
    .fastest_kib_s = BURST_KIB_S,
    .gap_ms = 2000,
    .last_ms = 5000,
    .up_kib_s = BALLOON_KIB_S,
    .down_kib_s = 200 * MIB,
    .swap_kib = 300 * MIB,
};

/*
 * The guests of bench/40-bursts.sh on less memory, with the emulator's balloons:
 * hardly faster than programs.  Some are killed when the slow have no
 * allowance.
 */
static const struct trial slow_balloons = {
    .name = "slow balloons",
    .guests_kib = 800 * MIB,
    .start_kib = 112 * MIB,
    .maxmem_kib = 256 * MIB,
    .base_kib = 29 * MIB,
    .least_kib = 16 * MIB,
    .most_kib = 56 * MIB,
    .bursts_kib = GUESTS * 56 * MIB,
    .slowest_kib_s = 6 * MIB,
    .fastest_kib_s = 12 * MIB,
    .gap_ms = 1000,
    .last_ms = 8000,
    .up_kib_s = 14 * MIB,
    .down_kib_s = 14 * MIB,
    .swap_kib = 64 * MIB,
};

static const char *const names[GUESTS] = {"a", "b", "c", "d", "e", "f"};

/* Of the guests: how long they want it, how much above BASE_KIB; 0: nothing. */
struct wanting {
    uint64_t until_ms[GUESTS];
    uint64_t kib[GUESTS];
};

static uint64_t wanted_kib(const struct wanting *wanting)
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < GUESTS; i++) {
        sum += wanting->kib[i];
    }
    return sum;
}

static void end_those_over(struct scenario *scenario, const struct trial *trial,
                           struct wanting *wanting)
{
    for (unsigned int i = 0; i < GUESTS; i++) {
        if (wanting->kib[i] > 0 &&
            scenario->world.now_ms >= wanting->until_ms[i]) {
            wanting->kib[i] = 0;
            scenario_want(scenario, names[i], trial->base_kib);
        }
    }
}

/* Whether there was room for one. */
static bool begin_one(struct scenario *scenario, const struct trial *trial,
                      struct wanting *wanting, struct dice *dice)
{
    unsigned int i = (unsigned int)dice_between(dice, 0, GUESTS - 1);
    uint64_t kib = units_whole_pages(
        dice_between(dice, trial->least_kib, trial->most_kib));

    if (wanting->kib[i] > 0 || wanted_kib(wanting) + kib > trial->bursts_kib) {
        return false;
    }
    wanting->kib[i] = kib;
    wanting->until_ms[i] =
        scenario->world.now_ms + dice_between(dice, 200, trial->last_ms);
    scenario->guests[i].nature.growth_kib_s =
        dice_between(dice, trial->slowest_kib_s, trial->fastest_kib_s);
    scenario_want(scenario, names[i], trial->base_kib + kib);
    return true;
}

static void two_hundred(const struct trial *trial, uint64_t seed)
{
    struct wanting wanting = {.kib = {0}};
    struct scenario scenario;
    unsigned int begun = 0;
    struct dice dice;
    uint64_t kills;

    dice_init(&dice, seed, 77);
    scenario_init(&scenario, HOST_KIB(trial->guests_kib));
    scenario.world.seed = seed;
    for (unsigned int i = 0; i < GUESTS; i++) {
        struct character *one = guest(&scenario, names[i], trial->start_kib,
                                      trial->maxmem_kib, trial->base_kib);

        one->nature.swap_kib = i % 2 == 0 ? trial->swap_kib : 0;
        one->nature.up_kib_s = trial->up_kib_s;
        one->nature.down_kib_s = trial->down_kib_s;
    }
    start(&scenario);
    run(&scenario, MINUTE_MS);
    while (begun < BURSTS) {
        run(&scenario, dice_between(&dice, 10, trial->gap_ms));
        end_those_over(&scenario, trial, &wanting);
        begun += begin_one(&scenario, trial, &wanting, &dice);
    }
    run(&scenario, 10 * SECOND_MS);
    kills = scenario_kills(&scenario);
    print_message("# %s, seed %" PRIu64 ": %" PRIu64 " killed in %u bursts\n",
                  trial->name, seed, kills, begun);
    assert_int_equal(kills, 0);
    scenario_done(&scenario);
}

static void nobody_is_killed_in_two_hundred(void **state)
{
    const char *given = getenv("XENBALLOON_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;

    (void)state;
    for (uint64_t i = 0; i < (given != NULL ? 1 : SEEDS); i++) {
        two_hundred(&on_a_host, seed + i);
        two_hundred(&slow_balloons, seed + i);
    }
}

/* ---- Made good ------------------------------------------------------------- */

/* What the backend gives at least above what programs want. */
#define HEADROOM_KIB (48 * MIB)

/* One guest with the burst behind it that it had while dom0 was busy. */
static void helped_itself(struct scenario *scenario, uint64_t lag_ms)
{
    let_dom0_lag(scenario, lag_ms);
    scenario_want(scenario, "one", 300 * MIB);
    run(scenario, 400);
    assert_in_range(taken_by(scenario, "one"), 16 * MIB,
                    allowance_of(scenario, "one"));
    expect_no_kills(scenario);
}

static void alone(struct scenario *scenario)
{
    scenario_init(scenario, HOST_KIB(800 * MIB));
    (void)guest(scenario, "one", 300 * MIB, 1000 * MIB, 200 * MIB);
    start(scenario);
    run(scenario, MINUTE_MS);
    assert_in_range(allowance_of(scenario, "one"), 32 * MIB, 128 * MIB);
}

/* It has what it wants as its target. */
static void expect_covered(const struct scenario *scenario)
{
    assert_int_equal(taken_by(scenario, "one"), 0);
    assert_true(scenario_is_content(scenario));
    assert_true(scenario_target(scenario, "one") >=
                model_wants_kib(model_of(scenario, "one")) + HEADROOM_KIB);
    assert_in_range(units_distance(scenario_held(scenario, "one"),
                                   scenario_target(scenario, "one")),
                    0, SNAPSHOT_SLACK_KIB);
    expect_no_kills(scenario);
}

/* And an allowance again. */
static void expect_made_good(const struct scenario *scenario)
{
    expect_covered(scenario);
    assert_in_range(allowance_of(scenario, "one"), 32 * MIB, 128 * MIB);
}

static void what_it_took_is_made_good(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, SECOND_MS);
    run(&scenario, 3 * SECOND_MS);

    expect_made_good(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_made_good(&scenario);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

/* ---- Whatever ends meanwhile ------------------------------------------------ */

static void the_backend_is_killed(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, MINUTE_MS);
    daemon_kill(&scenario.world.daemon);
    run(&scenario, 5 * SECOND_MS);
    assert_true(taken_by(&scenario, "one") > 0); /* it is not taken away */
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, 30 * SECOND_MS);

    expect_made_good(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

static const char *backend_state(const struct scenario *scenario,
                                 const char *name)
{
    char path[80];
    const char *text;

    (void)snprintf(path, sizeof(path),
                   "/local/domain/0/backend/balloon/%u/0/state",
                   domu_of(scenario, name)->domid);
    text = store_peek(scenario->world.store, path);
    return text != NULL ? text : "";
}

/* The new one has asked for a first report, and then has no time to read it. */
static void the_backend_has_just_started(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    daemon_kill(&scenario.world.daemon);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, STEP_MS);
    assert_string_equal(backend_state(&scenario, "one"), "2");
    helped_itself(&scenario, 2 * SECOND_MS);
    assert_string_equal(backend_state(&scenario, "one"), "2");
    run(&scenario, 30 * SECOND_MS);

    expect_covered(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

static void the_frontend_is_killed(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, SECOND_MS);
    domu_kill_frontend(domu_of(&scenario, "one"));
    run(&scenario, MINUTE_MS);
    expect_no_kills(&scenario);
    domu_start_frontend(domu_of(&scenario, "one"), scenario.world.store,
                        scenario.world.now_ms);
    run(&scenario, 30 * SECOND_MS);

    expect_made_good(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

/*
 * xl builds it again with memory/target and no more, whatever it held: what it
 * used of that would be lost, and that is libxl's doing, not what is asked here.
 */
static void needs_it_no_more(struct scenario *scenario)
{
    scenario_want(scenario, "one", 200 * MIB);
    run(scenario, 100);
    assert_true(taken_by(scenario, "one") > 0);
}

static void the_guest_is_saved_and_restored(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, SECOND_MS);
    needs_it_no_more(&scenario);
    xl_save(&scenario.world, domu_of(&scenario, "one"));
    run(&scenario, 20 * SECOND_MS);
    assert_int_equal(xl_restore(&scenario.world, domu_of(&scenario, "one")), 0);
    run(&scenario, MINUTE_MS);

    expect_made_good(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

static void the_guest_migrates(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, SECOND_MS);
    needs_it_no_more(&scenario);
    xl_migrate(&scenario.world, domu_of(&scenario, "one"));
    run(&scenario, 2 * MINUTE_MS);

    expect_made_good(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

static void the_operator_wins(void **state)
{
    struct scenario scenario;

    (void)state;
    alone(&scenario);
    helped_itself(&scenario, SECOND_MS);
    assert_int_equal(
        xl_mem_set(&scenario.world, domu_of(&scenario, "one"), 400 * MIB), 0);
    run(&scenario, 5 * SECOND_MS);

    assert_int_equal(allowance_of(&scenario, "one"), 0);
    assert_int_equal(scenario_target(&scenario, "one"), 400 * MIB);
    assert_int_equal(state_of(&scenario, "one"), DECIDE_OPERATOR);
    assert_int_equal(taken_by(&scenario, "one"), 0);
    run(&scenario, MINUTE_MS);
    assert_int_equal(scenario_target(&scenario, "one"), 400 * MIB);
    assert_in_range(scenario_held(&scenario, "one"), 399 * MIB, 401 * MIB);
    expect_no_kills(&scenario);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

/* ---- Asked back ------------------------------------------------------------- */

/*
 * One has taken what is free, and needs it no more; the other lacks all of it.
 * One is at its floor, so that only what it took can be had of it.
 */
static void taken_from_another(struct scenario *scenario, uint64_t donor_kib)
{
    scenario_init(scenario, HOST_KIB((300 + 300 + 70) * MIB + donor_kib));
    (void)guest(scenario, "one", 300 * MIB, 1000 * MIB, 150 * MIB);
    scenario_bound(scenario, "one", 300 * MIB, 1000 * MIB);
    guest(scenario, "other", 300 * MIB, 1000 * MIB, 150 * MIB)
        ->nature.has_no_reflex = true;
    scenario->guests[1].nature.swap_kib = 500 * MIB;
    if (donor_kib > 0) {
        (void)guest(scenario, "donor", donor_kib, 1000 * MIB, 100 * MIB);
    }
    start(scenario);
    run(scenario, MINUTE_MS);
    let_dom0_lag(scenario, 2 * SECOND_MS);
    scenario_want(scenario, "one", 280 * MIB);
    run(scenario, SECOND_MS);
    assert_true(taken_by(scenario, "one") >= 16 * MIB);
    scenario_want(scenario, "one", 150 * MIB);
    scenario_want(scenario, "other", 320 * MIB);
    run(scenario, 900);
    expect_no_kills(scenario);
}

static void what_others_lack_is_asked_back(void **state)
{
    struct scenario scenario;
    uint64_t before_kib, least_kib, largest_kib = 0;
    unsigned int i;

    (void)state;
    taken_from_another(&scenario, 0);
    before_kib = least_kib = taken_by(&scenario, "one");
    for (i = 0; i < 20 * SECOND_MS / STEP_MS; i++) {
        uint64_t now_kib;

        run(&scenario, STEP_MS);
        now_kib = taken_by(&scenario, "one");
        largest_kib = units_max(largest_kib, units_less(before_kib, now_kib));
        before_kib = now_kib;
        least_kib = units_min(least_kib, now_kib);
    }

    print_message("# asked back: largest step %" PRIu64 " MiB\n",
                  largest_kib / MIB);
    assert_in_range(largest_kib, 1, 64 * MIB / 4);
    assert_int_equal(least_kib, 0);
    assert_int_equal(scenario_target(&scenario, "one"), 300 * MIB);
    assert_true(scenario_is_content(&scenario));
    expect_no_kills(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    expect_rest(&scenario);
    scenario_done(&scenario);
}

static void who_keeps_it_has_no_more(void **state)
{
    struct scenario scenario;
    struct domu *one;

    (void)state;
    taken_from_another(&scenario, 500 * MIB);
    one = domu_of(&scenario, "one");
    scenario.guests[0].nature.stuck_from_ms =
        one->model.now_ms - one->model.boot_ms;
    scenario.guests[0].nature.stuck_until_ms = UINT64_MAX;
    /* The donor alone cannot serve the other: all are asked. */
    scenario_want(&scenario, "donor", 260 * MIB);
    run(&scenario, 30 * SECOND_MS);

    assert_int_equal(allowance_of(&scenario, "one"), 0);
    assert_int_equal(scenario_seen(&scenario, "one")->seen.limit_kib,
                     scenario_held(&scenario, "one"));
    print_message("# %" PRIu64
                  " MiB held by who keeps it, the other has %" PRIu64 "\n",
                  scenario_held(&scenario, "one") / MIB,
                  scenario_held(&scenario, "other") / MIB);
    assert_true(domu_is_content(domu_of(&scenario, "other")));
    expect_no_kills(&scenario);
    scenario_done(&scenario);
}

/* ---- Calm ------------------------------------------------------------------- */

#define CALM_MINUTES 10

/* Half of them have no gntalloc. */
static void a_calm_host_is_calm(void **state)
{
    static const char *const calm[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    struct scenario scenario;
    uint64_t since_ms, ticks[8];
    unsigned int i;

    (void)state;
    scenario_init(&scenario, HOST_KIB(8 * 400 * MIB + 600 * MIB));
    for (i = 0; i < 8; i++) {
        guest(&scenario, calm[i], 400 * MIB, 800 * MIB, (100 + 20 * i) * MIB)
            ->nature.has_no_grants = i % 2 == 1;
    }
    start(&scenario);
    run(&scenario, 3 * MINUTE_MS);
    since_ms = scenario.world.now_ms;
    for (i = 0; i < 8; i++) {
        ticks[i] = domu_of(&scenario, calm[i])->frontend_ticks;
    }
    run(&scenario, CALM_MINUTES * MINUTE_MS);

    assert_int_equal(writes_since(&scenario, since_ms, NULL), 0);
    for (i = 0; i < 8; i++) {
        struct domu *domu = domu_of(&scenario, calm[i]);

        assert_in_range(writes_count(&scenario.world.store->log, since_ms,
                                     domu->name, NULL),
                        0, i % 2 == 1 ? 6 * CALM_MINUTES : 0);
        assert_in_range(domu->frontend_ticks - ticks[i], 1, 6 * CALM_MINUTES);
        assert_true(allowance_of(&scenario, calm[i]) > 0);
    }
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_in_time),
        cmocka_unit_test(dom0_is_busy),
        cmocka_unit_test(nobody_is_killed_in_two_hundred),
        cmocka_unit_test(what_it_took_is_made_good),
        cmocka_unit_test(the_backend_is_killed),
        cmocka_unit_test(the_backend_has_just_started),
        cmocka_unit_test(the_frontend_is_killed),
        cmocka_unit_test(the_guest_is_saved_and_restored),
        cmocka_unit_test(the_guest_migrates),
        cmocka_unit_test(the_operator_wins),
        cmocka_unit_test(what_others_lack_is_asked_back),
        cmocka_unit_test(who_keeps_it_has_no_more),
        cmocka_unit_test(a_calm_host_is_calm),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
