/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shortage on hosts of real size, with the outcome that the best of other
 * systems promise, or should: who gives, who keeps, what it comes to.  The
 * numbers are those of a list of 33 such scenarios.
 */
#include "common/log.h"
#include "tests/figures.h"

static const struct figures_skip skips[] = {
    {NULL, NULL},
};

/* ---- 17: the idle-memory tax --------------------------------------------- */

/*
 * Both have needed their 9 GiB.  Now A uses 0.9, and has read 8 GiB of files
 * that nobody needs.
 */
static void idle_and_busy(struct scenario *scenario, uint64_t tax_permyriad)
{
    struct character *idle;
    struct character *busy;

    host(scenario, 20 * GIB, 2 * GIB);
    scenario->world.settings.idle_tax_permyriad = tax_permyriad;
    idle = guest(scenario, "A", GIB, 9 * GIB, 18 * GIB, 78 * GIB / 10);
    idle->nature.cold_kib = 20 * GIB;
    idle->nature.swap_kib = 18 * GIB;
    idle->nature.growth_kib_s = 4 * GIB; /* it wakes */
    busy = guest(scenario, "B", GIB, 9 * GIB, 18 * GIB, 78 * GIB / 10);
    busy->nature.swap_kib = 18 * GIB;
    busy->nature.growth_kib_s = 2 * GIB;
    start(scenario);
    run(scenario, MINUTE_MS);
    /* With what its kernel uses and keeps free, 0.9 GiB. */
    scenario_want(scenario, "A", 820 * MIB);
    run(scenario, 2 * MINUTE_MS); /* as long as the files take */
    show(scenario, "before B wants all");
}

/* within_ms: what has to come back from swap's way takes as long as the disk. */
static void expect_after_tax(uint64_t tax_permyriad, uint64_t idle_kib,
                             uint64_t within_ms)
{
    const uint64_t near = 3 * GIB / 10;
    struct scenario scenario;

    idle_and_busy(&scenario, tax_permyriad);
    scenario_want(&scenario, "B", 18 * GIB);
    run(&scenario, within_ms);
    show(&scenario, "after B wants all");
    assert_in_range(scenario_held(&scenario, "A"), idle_kib - near,
                    idle_kib + near);
    assert_in_range(scenario_held(&scenario, "B"), 18 * GIB - idle_kib - near,
                    18 * GIB - idle_kib + near);
    scenario_done(&scenario);
}

/* Equal prices: 0.9 + 4 (A - 0.9) = 18 - A. */
static void scenario_17_idle_memory_tax(void **state)
{
    struct scenario scenario;
    uint64_t least = UINT64_MAX;
    uint64_t ms;
    unsigned int i;

    (void)state;
    expect_after_tax(SETTINGS_IDLE_TAX_DEFAULT_PERMYRIAD, 41 * GIB / 10,
                     10 * SECOND_MS);

    idle_and_busy(&scenario, SETTINGS_IDLE_TAX_DEFAULT_PERMYRIAD);
    scenario_want(&scenario, "B", 18 * GIB);
    /* As long as what B needs still fits it has all that A has idle. */
    run(&scenario, 10 * SECOND_MS);
    for (i = 10; i < 90; i++) {
        run(&scenario, SECOND_MS);
        least = units_min(least, scenario_held(&scenario, "A"));
    }
    /* No more than three quarters of what was idle. */
    assert_true(least >= 9 * GIB - 81 * GIB / 10 * 3 / 4);
    scenario_want(&scenario, "A", 17 * GIB);
    ms = until_held(&scenario, "A", 87 * GIB / 10, 60 * SECOND_MS);
    show_ms("A has its half after", ms);
    run(&scenario, 5 * SECOND_MS);
    show(&scenario, "A awake");
    assert_in_range(scenario_held(&scenario, "A"), 87 * GIB / 10,
                    93 * GIB / 10);
    assert_in_range(ms, 0, 5 * SECOND_MS);
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

static void scenario_17_without_tax_weights_decide(void **state)
{
    (void)state;
    expect_after_tax(0, 9 * GIB, MINUTE_MS);
}

static void scenario_17_full_tax_leaves_the_floor(void **state)
{
    (void)state;
    expect_after_tax(10000, GIB, 10 * SECOND_MS);
}

/* ---- 18: the starvation guard -------------------------------------------- */

/* dom0 takes what is free, but for half a percent of the host. */
static void take_all(struct scenario *scenario)
{
    struct ledger *ledger = &scenario->world.ledger;
    uint64_t take = units_whole_pages(
        units_less(ledger->free_kib, ledger->total_kib / 200));

    (void)ledger_set_limit(ledger, 0,
                           ledger_find(ledger, 0)->current_kib + take);
    (void)ledger_populate(ledger, 0, take);
    scenario->world.daemon.next_ms = scenario->world.now_ms; /* VIRQ_ENOMEM */
}

static const char *const swappers[] = {"one", "two", "three"};

/* What may be asked of them all, by the rule that is tested. */
static uint64_t left_to_give(const struct scenario *scenario)
{
    uint64_t sum = units_less(scenario_held(scenario, "none"), 55 * GIB / 10);
    unsigned int i;

    for (i = 0; i < 3; i++) {
        sum += units_less(scenario_held(scenario, swappers[i]), 28 * GIB / 10);
    }
    return sum;
}

/*
 * Again and again something else takes all that is free.  A hung task is one
 * that waits for 120 s: here, a guest that does nothing but wait for as long.
 */
static void scenario_18_starvation_guard(void **state)
{
    struct scenario scenario;
    uint64_t waited_us[3] = {0};
    uint64_t worst_ms = 0;
    unsigned int round;
    unsigned int i;

    (void)state;
    host(&scenario, 36 * GIB, 2 * GIB);
    scenario.world.settings.reserve_kib = 2 * GIB;
    for (i = 0; i < 3; i++) {
        guest(&scenario, swappers[i], GIB, 8 * GIB, 8 * GIB, 5 * GIB)
            ->nature.swap_kib = 52 * GIB / 10;
    }
    (void)guest(&scenario, "none", GIB, 8 * GIB, 8 * GIB, 5 * GIB);
    start(&scenario);
    run(&scenario, 30 * SECOND_MS);

    for (round = 0; round < 14; round++) {
        bool can_give = left_to_give(&scenario) > 25 * GIB / 10;

        take_all(&scenario);
        if (can_give) {
            uint64_t ms = until_free(&scenario, 36 * GIB / 100, 60 * SECOND_MS);

            worst_ms = units_max(worst_ms, ms);
        }
        run(&scenario, 10 * SECOND_MS);
        for (i = 0; i < 3; i++) {
            if (scenario_held(&scenario, swappers[i]) < 28 * GIB / 10) {
                show(&scenario, "below 35 %");
                fail_msg("%s lost more than 65 %% in round %u", swappers[i],
                         round);
            }
        }
    }
    show(&scenario, "at the end");
    show_ms("longest emergency", worst_ms);
    for (i = 0; i < 3; i++) {
        waited_us[i] = model_of(&scenario, swappers[i])->waited_us;
    }
    assert_in_range(worst_ms, 0, 5 * SECOND_MS);
    assert_int_equal(scenario_kills(&scenario), 0);
    assert_true(scenario_held(&scenario, "none") >= 5 * GIB);
    run(&scenario, 2 * MINUTE_MS);
    for (i = 0; i < 3; i++) {
        assert_true(model_of(&scenario, swappers[i])->waited_us - waited_us[i] <
                    UINT64_C(120) * 1000 * 1000);
    }
    scenario_done(&scenario);
}

/* ---- 19: an amount in a time --------------------------------------------- */

static const char *const donors[] = {"one", "two", "three", "four"};

/* From now on its balloon is stuck and its frontend says nothing. */
static void freeze(struct scenario *scenario, unsigned int which)
{
    struct domu *domu = world_find(&scenario->world, donors[which]);
    struct model_nature *nature = &scenario->guests[which].nature;

    domu->config.hangs_ms = scenario->world.now_ms - domu->unpaused_ms;
    nature->stuck_from_ms = scenario->world.now_ms - domu->model.boot_ms;
    nature->stuck_until_ms = UINT64_MAX;
}

static void thaw(struct scenario *scenario, unsigned int which)
{
    struct domu *domu = world_find(&scenario->world, donors[which]);

    domu->config.hangs_ms = 0;
    domu->frontend_next_ms = scenario->world.now_ms;
    domu->due_ms = scenario->world.now_ms;
    scenario->guests[which].nature.stuck_until_ms = 0;
    scenario->guests[which].nature.stuck_from_ms = 0;
}

static void four_donors(struct scenario *scenario, unsigned int frozen)
{
    unsigned int i;

    host(scenario, 50 * GIB, 2 * GIB);
    for (i = 0; i < 4; i++) {
        (void)guest(scenario, donors[i], GIB, 12 * GIB, 12 * GIB, 4 * GIB);
    }
    start(scenario);
    run(scenario, 30 * SECOND_MS);
    for (i = 0; i < frozen; i++) {
        freeze(scenario, i);
    }
}

/* What the willing have been asked for, from i on. */
static uint64_t asked_kib(const struct scenario *scenario, unsigned int i)
{
    uint64_t sum = 0;

    for (; i < 4; i++) {
        sum += 12 * GIB - scenario_target(scenario, donors[i]);
    }
    return sum;
}

static void scenario_19_laggards_are_bypassed(void **state)
{
    struct scenario scenario;
    uint64_t asked_before_kib;
    uint64_t before_kib;
    unsigned int i;

    (void)state;
    four_donors(&scenario, 2);
    before_kib = free_kib(&scenario);
    asked_before_kib = asked_kib(&scenario, 2);
    ask_for(&scenario, 8 * GIB);

    run(&scenario, SECOND_MS);
    show(&scenario, "after 1 s");
    /* A tick more or less: what is asked for has had time to come. */
    run(&scenario, 200);
    assert_true(asked_kib(&scenario, 2) >=
                asked_before_kib + 8 * GIB - GIB / 8);
    run(&scenario, 4 * SECOND_MS - 200);
    show(&scenario, "after 5 s");
    assert_true(free_kib(&scenario) >= before_kib + 8 * GIB - 64 * MIB);

    /* Held back, and asked again when they answer. */
    run(&scenario, 60 * SECOND_MS);
    for (i = 0; i < 2; i++) {
        assert_int_not_equal(state_of(&scenario, donors[i]), DECIDE_MANAGED);
        thaw(&scenario, i);
    }
    ask_for(&scenario, 12 * GIB);
    run(&scenario, 2 * MINUTE_MS);
    show(&scenario, "thawed");
    for (i = 0; i < 4; i++) {
        assert_int_equal(state_of(&scenario, donors[i]), DECIDE_MANAGED);
        assert_true(scenario_held(&scenario, donors[i]) < 10 * GIB);
    }
    scenario_done(&scenario);
}

/* Three frozen: the fourth gives what it can, and it is said who does not. */
static void scenario_19_failure_is_precise(void **state)
{
    struct scenario scenario;
    uint64_t before_kib;
    uint64_t got_kib;
    unsigned int i;

    (void)state;
    four_donors(&scenario, 3);
    before_kib = free_kib(&scenario);
    ask_for(&scenario, 8 * GIB);

    run(&scenario, 5 * SECOND_MS);
    got_kib = free_kib(&scenario) - before_kib;
    show(&scenario, "after 5 s");
    /* Half a second of five to notice who moves. */
    assert_true(got_kib >= 45 * GIB / 10);
    run(&scenario, SECOND_MS); /* five in all without any progress */
    for (i = 0; i < 3; i++) {
        assert_int_equal(state_of(&scenario, donors[i]), DECIDE_STUCK);
    }
    assert_int_equal(state_of(&scenario, "four"), DECIDE_MANAGED);
    scenario_done(&scenario);
}

/* ---- 23: a reservation ---------------------------------------------------- */

/* 8 are A's; of the other 8, each has its floor, and the rest is 2 to 1. */
static void scenario_23_reservation_prevents_ballooning(void **state)
{
    struct scenario scenario;

    (void)state;
    host(&scenario, 18 * GIB, 2 * GIB);
    (void)guest(&scenario, "A", 8 * GIB, 8 * GIB, 8 * GIB, 2 * GIB);
    guest(&scenario, "B", GIB, 4 * GIB, 8 * GIB, 2 * GIB)->nature.swap_kib =
        8 * GIB;
    guest(&scenario, "C", GIB, 4 * GIB, 8 * GIB, 2 * GIB)->nature.swap_kib =
        8 * GIB;
    scenario_weigh(&scenario, "B", 200);
    scenario_weigh(&scenario, "C", 100);
    start(&scenario);
    run(&scenario, 30 * SECOND_MS);

    scenario_want(&scenario, "B", 8 * GIB);
    scenario_want(&scenario, "C", 8 * GIB);
    run(&scenario, MINUTE_MS);
    show(&scenario, "a minute later");
    assert_int_equal(moves_of(&scenario, "A", 0), 0);
    assert_int_equal(scenario_held(&scenario, "A"), 8 * GIB);
    assert_in_range(scenario_held(&scenario, "B"), 475 * GIB / 100,
                    525 * GIB / 100);
    assert_in_range(scenario_held(&scenario, "C"), 275 * GIB / 100,
                    325 * GIB / 100);
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

/* ---- 25: not everybody is pressed ----------------------------------------- */

static const char *const hard[] = {"b1", "b2", "b3", "b4", "b5"};

/* Five use all that they may hold, one uses next to nothing of its 10 GiB. */
static void five_busy_one_idle(struct scenario *scenario)
{
    unsigned int i;

    host(scenario, 40 * GIB, 2 * GIB);
    for (i = 0; i < 5; i++) {
        guest(scenario, hard[i], GIB, 55 * GIB / 10, 55 * GIB / 10,
              53 * GIB / 10)
            ->nature.swap_kib = 4 * GIB;
    }
    guest(scenario, "idle", GIB, 10 * GIB, 10 * GIB, GIB / 2)->nature.cold_kib =
        20 * GIB;
    start(scenario);
    run(scenario, 2 * MINUTE_MS);
}

static uint64_t swapped_out_kib(const struct scenario *scenario)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < 5; i++) {
        sum += model_of(scenario, hard[i])->swapped_out_kib;
    }
    return sum;
}

/* Everybody gives the same part of what it holds, as a blind balloon has it. */
static uint64_t press_all(void)
{
    struct scenario scenario;
    unsigned int i;
    uint64_t swapped;

    five_busy_one_idle(&scenario);
    for (i = 0; i < scenario.count; i++) {
        struct domu *domu =
            world_find(&scenario.world, scenario.guests[i].name);

        (void)xl_mem_set(
            &scenario.world, domu,
            units_whole_pages(domu->target_kib - domu->target_kib * 60 / 375));
    }
    run(&scenario, MINUTE_MS);
    show(&scenario, "all pressed alike");
    swapped = swapped_out_kib(&scenario);
    scenario_done(&scenario);
    return swapped;
}

static void scenario_25_only_the_idle_one_gives(void **state)
{
    struct scenario scenario;
    uint64_t uniform_kib = press_all();
    uint64_t since_ms;
    uint64_t ms;
    unsigned int i;

    (void)state;
    five_busy_one_idle(&scenario);
    since_ms = scenario.world.now_ms;
    scenario.world.settings.reserve_kib += 6 * GIB;
    scenario.world.daemon.next_ms = scenario.world.now_ms;
    ms = until_free(&scenario, scenario.world.settings.reserve_kib, MINUTE_MS);
    run(&scenario, MINUTE_MS);
    show(&scenario, "the idle one pressed");
    show_ms("6 GiB free after", ms);
    print_message("# swapped out: %llu MiB; pressed alike: %llu MiB\n",
                  (unsigned long long)(swapped_out_kib(&scenario) / MIB),
                  (unsigned long long)(uniform_kib / MIB));
    assert_in_range(ms, 0, 10 * SECOND_MS);
    for (i = 0; i < 5; i++) {
        assert_int_equal(moves_of(&scenario, hard[i], since_ms), 0);
    }
    assert_int_equal(swapped_out_kib(&scenario), 0);
    assert_true(uniform_kib > GIB);
    scenario_done(&scenario);
}

/* ---- 27: ordered degradation ---------------------------------------------- */

static void expect_share(struct scenario *scenario, const char *name,
                         uint64_t share_kib)
{
    const struct model *model = model_of(scenario, name);

    assert_in_range(scenario_held(scenario, name), share_kib * 98 / 100,
                    share_kib * 102 / 100);
    /* Told with what it lacks. */
    assert_int_equal(reason_of(scenario, name), REASON_SHORT);
    assert_true(scenario_seen(scenario, name)->step.demand_kib >
                scenario_target(scenario, name));
    /* What does not fit, its kernel, and what that keeps free. */
    assert_true(model->swapped_kib <= 20 * GIB - share_kib + share_kib / 20);
}

/* 30 to share, floors of 2: the other 24 at 4 to 1 to 1. */
static void scenario_27_ordered_degradation(void **state)
{
    static const char *const names[] = {"A", "B", "C"};
    struct scenario scenario;
    unsigned int i;

    (void)state;
    host(&scenario, 32 * GIB, 2 * GIB);
    for (i = 0; i < 3; i++) {
        guest(&scenario, names[i], 2 * GIB, 10 * GIB, 24 * GIB, 4 * GIB)
            ->nature.swap_kib = 24 * GIB;
        scenario_weigh(&scenario, names[i], i == 0 ? 400 : 100);
    }
    start(&scenario);
    run(&scenario, 30 * SECOND_MS);

    for (i = 0; i < 3; i++) {
        scenario_want(&scenario, names[i], 20 * GIB);
    }
    run(&scenario, 2 * MINUTE_MS);
    show(&scenario, "two minutes later");
    expect_share(&scenario, "A", 18 * GIB);
    expect_share(&scenario, "B", 6 * GIB);
    expect_share(&scenario, "C", 6 * GIB);
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_17_idle_memory_tax),
        cmocka_unit_test(scenario_17_without_tax_weights_decide),
        cmocka_unit_test(scenario_17_full_tax_leaves_the_floor),
        cmocka_unit_test(scenario_18_starvation_guard),
        cmocka_unit_test(scenario_19_laggards_are_bypassed),
        cmocka_unit_test(scenario_19_failure_is_precise),
        cmocka_unit_test(scenario_23_reservation_prevents_ballooning),
        cmocka_unit_test(scenario_25_only_the_idle_one_gives),
        cmocka_unit_test(scenario_27_ordered_degradation),
    };

    log_to_nowhere();
    return run_but(skips, tests, sizeof(tests) / sizeof(tests[0]));
}
