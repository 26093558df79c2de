/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real backend and real frontends on the simulated host: scenarios.  That
 * the rules of rules.h hold at every step is part of each of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/world/scenario.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

static void start(struct scenario *scenario)
{
    scenario->world.is_quiet = true;
    if (!scenario_start(scenario)) {
        fail_msg("%s", scenario->world.broken);
    }
}

static void run(struct scenario *scenario, uint64_t duration_ms)
{
    if (!world_run_for(&scenario->world, duration_ms)) {
        world_print(&scenario->world);
        fail_msg("%s", scenario->world.broken);
    }
}

static unsigned int writes_since(const struct scenario *scenario, uint64_t ms,
                                 const char *part)
{
    return writes_count(&scenario->world.store->log, ms, DAEMON_NAME, part);
}

static enum decide_state state_of(struct scenario *scenario, const char *name)
{
    const struct balancer_domain *domain = scenario_seen(scenario, name);

    return domain != NULL ? domain->step.state : DECIDE_STATES;
}

static enum reason_code reason_of(struct scenario *scenario, const char *name)
{
    const struct balancer_domain *domain = scenario_seen(scenario, name);

    return domain != NULL ? domain->step.reason.code : REASON_NONE;
}

/*
 * The scenario of most tests: two guests of 1000 and 600 MiB fill the host up
 * to its reserve, and at 20 s of its life the second wants 700 MiB.
 */
static void two_guests(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 600 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB);
    character_wants(taker, 20 * SECOND_MS, 700 * MIB);
}

/* ---- Giving and taking -------------------------------------------------- */

static void donor_gives_and_taker_gets(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    assert_int_equal(writes_since(&scenario, 0, NULL), 0);

    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(scenario_kills(&scenario), 0);
    assert_in_range(scenario_held(&scenario, "taker"), 750 * MIB, 950 * MIB);
    assert_true(scenario_held(&scenario, "donor") < 900 * MIB);
    assert_true(scenario.world.ledger.free_kib >=
                scenario.world.settings.reserve_kib);
    scenario_done(&scenario);
}

static void steady_state_is_quiet(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    since_ms = scenario.world.now_ms;
    scenario.world.daemon.ticks = 0;

    run(&scenario, 10 * MINUTE_MS);
    assert_int_equal(writes_since(&scenario, since_ms, NULL), 0);
    assert_true(scenario.world.daemon.ticks < 600);
    scenario_done(&scenario);
}

static void moves_no_more_than_needed(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);

    run(&scenario, 5 * MINUTE_MS);
    /* 800 MiB or a little more for the taker, and as much from the donor. */
    assert_true(scenario.world.moved_kib < 2 * 350 * MIB);
    scenario_done(&scenario);
}

static void shortage_is_shared_by_weight(void **state)
{
    struct scenario scenario;
    uint64_t light;
    uint64_t heavy;

    (void)state;
    scenario_init(&scenario, (512 + 1800 + 140) * MIB);
    character_wants(
        scenario_add(&scenario, "light", 900 * MIB, 2000 * MIB, 100 * MIB),
        5 * SECOND_MS, 1500 * MIB);
    character_wants(
        scenario_add(&scenario, "heavy", 900 * MIB, 2000 * MIB, 100 * MIB),
        5 * SECOND_MS, 1500 * MIB);
    scenario.guests[0].nature.swap_kib = 2000 * MIB;
    scenario.guests[1].nature.swap_kib = 2000 * MIB;
    scenario_weigh(&scenario, "light", 100);
    scenario_weigh(&scenario, "heavy", 200);
    start(&scenario);

    run(&scenario, 3 * MINUTE_MS);
    light = scenario_target(&scenario, "light");
    heavy = scenario_target(&scenario, "heavy");
    assert_in_range(light, 540 * MIB, 660 * MIB);
    assert_in_range(heavy, 1140 * MIB, 1260 * MIB);
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

/* The same guests, created in another order, end with the same targets. */
static void order_of_domains_is_irrelevant(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const uint64_t wants_mib[] = {100, 900, 400, 1200};
    uint64_t targets[2][4];
    unsigned int turn;
    unsigned int i;

    (void)state;
    for (turn = 0; turn < 2; turn++) {
        struct scenario scenario;

        scenario_init(&scenario, (512 + 2400 + 140) * MIB);
        for (i = 0; i < 4; i++) {
            unsigned int which = turn == 0 ? i : 3 - i;
            struct character *guest = scenario_add(
                &scenario, names[which], 600 * MIB, 2000 * MIB, 100 * MIB);

            guest->nature.swap_kib = 2000 * MIB;
            character_wants(guest, 25 * SECOND_MS, wants_mib[which] * MIB);
        }
        start(&scenario);
        run(&scenario, 5 * MINUTE_MS);
        for (i = 0; i < 4; i++) {
            targets[turn][i] = scenario_target(&scenario, names[i]);
        }
        scenario_done(&scenario);
    }
    for (i = 0; i < 4; i++) {
        /* They are built one after the other, so not to the last KiB. */
        assert_in_range(targets[0][i], targets[1][i] - 64 * MIB,
                        targets[1][i] + 64 * MIB);
    }
}

static void reserve_is_filled_again(void **state)
{
    struct scenario scenario;
    struct character late;

    (void)state;
    scenario_init(&scenario, (512 + 1000 + 600 + 140) * MIB);
    (void)scenario_add(&scenario, "first", 1000 * MIB, 1000 * MIB, 100 * MIB);
    (void)scenario_add(&scenario, "second", 600 * MIB, 600 * MIB, 100 * MIB);
    start(&scenario);
    character_init(&late, "late", 130 * MIB, 130 * MIB, 10 * MIB);
    late.config.frontend_ms = DOMU_NEVER;
    assert_non_null(xl_create(&scenario.world, &late.config));
    assert_true(scenario.world.ledger.free_kib <= 140 * MIB);

    run(&scenario, MINUTE_MS);
    assert_true(scenario.world.ledger.free_kib >=
                scenario.world.settings.reserve_kib);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void floor_is_reached_before_it_is_needed(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    scenario_bound(&scenario, "taker", 700 * MIB, 1000 * MIB);
    start(&scenario);

    run(&scenario, 5 * SECOND_MS);
    assert_true(scenario_held(&scenario, "taker") >= 700 * MIB);
    scenario_done(&scenario);
}

/* backend.conf was changed and read again. */
static void lowered_ceiling_binds(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);

    scenario_bound(&scenario, "donor", 100 * MIB, 640 * MIB);
    run(&scenario, MINUTE_MS);
    assert_true(scenario_held(&scenario, "donor") <= 640 * MIB);
    assert_true(ledger_find(&scenario.world.ledger, 1)->limit_kib <= 642 * MIB);
    scenario_done(&scenario);
}

/*
 * A guest that says it needs everything gets what others leave, and keeps it:
 * what it calls in use is not taken from it.  What is others' by their floor
 * it never gets.
 */
static void floor_protects_from_greedy_guests(void **state)
{
    struct scenario scenario;

    (void)state;
    scenario_init(&scenario, (512 + 600 + 600 + 140) * MIB);
    character_turn(
        scenario_add(&scenario, "greedy", 600 * MIB, 1200 * MIB, 300 * MIB),
        CHARACTER_GREEDY);
    character_wants(
        scenario_add(&scenario, "honest", 600 * MIB, 1200 * MIB, 100 * MIB),
        20 * SECOND_MS, 400 * MIB);
    scenario_bound(&scenario, "honest", 500 * MIB, 1200 * MIB);
    start(&scenario);

    run(&scenario, 5 * MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(scenario_kills(&scenario), 0);
    assert_true(scenario_held(&scenario, "honest") >= 500 * MIB);
    scenario_done(&scenario);
}

/* Days whose hours are minutes: two guests that work in turn, for a week. */
static void week_of_ebb_and_flow(void **state)
{
    struct scenario scenario;
    unsigned int i;

    (void)state;
    scenario_init(&scenario, (512 + 1200 + 140) * MIB);
    for (i = 0; i < 2; i++) {
        struct character *guest =
            scenario_add(&scenario, i == 0 ? "day" : "night", 600 * MIB,
                         1000 * MIB, i == 0 ? 100 * MIB : 500 * MIB);

        character_wants(guest, 12 * MINUTE_MS, i == 0 ? 500 * MIB : 100 * MIB);
        guest->nature.repeat_ms = 24 * MINUTE_MS;
        guest->nature.growth_kib_s = 5 * MIB;
        guest->nature.swap_kib = 200 * MIB;
    }
    start(&scenario);

    run(&scenario, 7 * 24 * MINUTE_MS);
    assert_int_equal(scenario_kills(&scenario), 0);
    assert_true(writes_since(&scenario, 0, "memory/target") < 14 * 60);
    scenario_done(&scenario);
}

/* ---- Hands off ---------------------------------------------------------- */

static void floor_equal_to_ceiling_gets_no_write(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    (void)scenario_add(&scenario, "fixed", 100 * MIB, 1000 * MIB, 10 * MIB);
    scenario.world.settings.reserve_kib = 32 * MIB;
    scenario_bound(&scenario, "fixed", 100 * MIB, 100 * MIB);
    scenario_bound(&scenario, "donor", 400 * MIB, 400 * MIB); /* not its size */
    start(&scenario);

    run(&scenario, 2 * MINUTE_MS);
    assert_int_equal(writes_since(&scenario, 0, "/1/"), 0);
    assert_int_equal(writes_since(&scenario, 0, "limit/1"), 0);
    assert_int_equal(writes_since(&scenario, 0, "/3/"), 0);
    assert_int_equal(state_of(&scenario, "fixed"), DECIDE_FIXED);
    assert_int_equal(reason_of(&scenario, "fixed"), REASON_FIXED);
    scenario_done(&scenario);
}

static void silent_and_static_domains_are_left_alone(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    scenario_init(&scenario, (512 + 1000 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(&scenario, "static", 1000 * MIB, 1000 * MIB, 100 * MIB),
        CHARACTER_STATIC);
    character_wants(
        scenario_add(&scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB),
        60 * SECOND_MS, 700 * MIB);
    character_turn(
        scenario_add(&scenario, "hanging", 1000 * MIB, 1000 * MIB, 100 * MIB),
        CHARACTER_HANGING);
    start(&scenario);

    run(&scenario, 30 * SECOND_MS);
    assert_int_equal(state_of(&scenario, "static"), DECIDE_STATIC);
    assert_int_equal(state_of(&scenario, "hanging"), DECIDE_SILENT);
    since_ms = scenario.world.now_ms;
    run(&scenario, 2 * MINUTE_MS);
    assert_int_equal(writes_since(&scenario, 0, "/1/"), 0);
    assert_int_equal(writes_since(&scenario, since_ms, "/3/"), 0);
    assert_int_equal(writes_since(&scenario, since_ms, "limit/3"), 0);
    assert_true(scenario_kills(&scenario) > 0); /* nobody could give */
    scenario_done(&scenario);
}

static void frontend_that_stops_takes_its_guest_out(void **state)
{
    struct scenario scenario;
    struct domu *donor;
    uint64_t since_ms;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    donor = world_find(&scenario.world, "donor");

    domu_stop_frontend(donor);
    since_ms = scenario.world.now_ms;
    run(&scenario, MINUTE_MS);
    assert_int_equal(writes_since(&scenario, since_ms, "/1/"), 0);
    assert_int_equal(reason_of(&scenario, "donor"), REASON_STOPPED);

    domu_start_frontend(donor, scenario.world.store, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    assert_true(writes_since(&scenario, since_ms, "/1/memory/target") > 0);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void frontend_that_loses_its_store_comes_back(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);

    store_lose(&world_find(&scenario.world, "donor")->frontend_bus);
    store_lose(&world_find(&scenario.world, "taker")->frontend_bus);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void mem_set_holds_until_it_is_released(void **state)
{
    struct scenario scenario;
    struct domu *taker;
    uint64_t since_ms;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    taker = world_find(&scenario.world, "taker");
    run(&scenario, 2 * SECOND_MS);

    /* The same value as before: it is the word that counts. */
    assert_int_equal(xl_mem_set(&scenario.world, taker, 600 * MIB), 0);
    since_ms = scenario.world.now_ms;
    run(&scenario, 20 * SECOND_MS);
    assert_int_equal(state_of(&scenario, "taker"), DECIDE_OPERATOR);
    assert_int_equal(reason_of(&scenario, "taker"), REASON_OPERATOR);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "taker"), DECIDE_OPERATOR);
    assert_int_equal(writes_since(&scenario, since_ms, "/2/memory"), 0);
    assert_int_equal(scenario_target(&scenario, "taker"), 600 * MIB);

    assert_int_equal(scenario_release(&scenario, "taker"), 0);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "taker"), DECIDE_MANAGED);
    assert_true(scenario_is_content(&scenario));
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "taker"), DECIDE_MANAGED);
    scenario_done(&scenario);
}

/* No backend ran, or none had ever seen the domain. */
static void mem_set_without_a_backend_is_seen_later(void **state)
{
    struct scenario scenario;
    struct domu *donor;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    donor = world_find(&scenario.world, "donor");
    run(&scenario, MINUTE_MS);
    assert_true(scenario_target(&scenario, "donor") < 1000 * MIB);

    daemon_kill(&scenario.world.daemon);
    assert_int_equal(xl_mem_set(&scenario.world, donor, 500 * MIB), 0);
    run(&scenario, 5 * SECOND_MS);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_OPERATOR);
    assert_int_equal(scenario_target(&scenario, "donor"), 500 * MIB);
    scenario_done(&scenario);
}

/* Nothing has been recorded of the domain either. */
static void mem_set_before_any_backend_is_seen(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    daemon_kill(&scenario.world.daemon);
    assert_int_equal(xl_mem_set(&scenario.world,
                                world_find(&scenario.world, "donor"),
                                1000 * MIB),
                     0);
    assert_null(
        store_peek(scenario.world.store, "/local/domain/0/backend/balloon/1"));

    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_OPERATOR);
    assert_int_equal(scenario_target(&scenario, "donor"), 1000 * MIB);
    scenario_done(&scenario);
}

static void mem_max_bounds_the_target(void **state)
{
    struct scenario scenario;
    struct domu *taker;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    taker = world_find(&scenario.world, "taker");

    assert_int_equal(xl_mem_max(&scenario.world, taker, 650 * MIB), 0);
    run(&scenario, MINUTE_MS);
    assert_int_equal(scenario_target(&scenario, "taker"), 650 * MIB);
    assert_true(ledger_find(&scenario.world.ledger, taker->domid)->limit_kib <=
                652 * MIB);
    assert_int_equal(xl_mem_max(&scenario.world, taker, 2000 * MIB), 0);
    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* ---- Domains that come and go ------------------------------------------- */

static void new_domain_is_taken_up_within_two_seconds(void **state)
{
    struct scenario scenario;
    struct character late;
    struct domu *domu;

    (void)state;
    scenario_init(&scenario, 4096 * MIB);
    (void)scenario_add(&scenario, "first", 1000 * MIB, 1000 * MIB, 100 * MIB);
    start(&scenario);

    character_init(&late, "late", 500 * MIB, 1000 * MIB, 430 * MIB);
    late.nature.growth_kib_s = 1000 * MIB;
    domu = xl_create(&scenario.world, &late.config);
    run(&scenario, SECOND_MS);
    assert_int_equal(domu->phase, DOMU_RUNNING);
    assert_int_equal(state_of(&scenario, "late"), DECIDE_STATIC);
    run(&scenario, late.config.frontend_ms); /* it boots and starts */
    run(&scenario, 2 * SECOND_MS);
    assert_int_equal(state_of(&scenario, "late"), DECIDE_MANAGED);
    assert_true(scenario_held(&scenario, "late") > 500 * MIB);
    scenario_done(&scenario);
}

/* What a build has claimed is not given to anybody else. */
static void build_is_not_robbed(void **state)
{
    struct scenario scenario;
    struct character late;
    struct domu *domu;

    (void)state;
    two_guests(&scenario);
    scenario.world.settings.reserve_kib = 16 * MIB;
    start(&scenario);
    run(&scenario, 5 * SECOND_MS);

    scenario.world.build_kib_s = 10 * MIB; /* while the taker grows */
    character_init(&late, "late", 120 * MIB, 120 * MIB, 10 * MIB);
    domu = xl_create(&scenario.world, &late.config);
    run(&scenario, 8 * SECOND_MS);
    assert_int_equal(state_of(&scenario, "late"), DECIDE_BUILDING);
    run(&scenario, MINUTE_MS);
    assert_int_equal(domu->phase, DOMU_RUNNING);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void destroyed_domain_is_not_written_for(void **state)
{
    uint64_t at_ms;

    (void)state;
    for (at_ms = 0; at_ms < 14 * SECOND_MS; at_ms += 350) {
        struct scenario scenario;

        two_guests(&scenario);
        start(&scenario);
        run(&scenario, 5 * SECOND_MS + at_ms);
        xl_destroy(
            &scenario.world,
            world_find(&scenario.world, at_ms % 700 == 0 ? "donor" : "taker"));
        run(&scenario, MINUTE_MS);
        assert_true(scenario_is_content(&scenario));
        assert_int_equal(scenario_kills(&scenario), 0);
        assert_null(store_peek(scenario.world.store,
                               at_ms % 700 == 0
                                   ? "/local/domain/0/backend/balloon/1"
                                   : "/local/domain/0/backend/balloon/2"));
        scenario_done(&scenario);
    }
}

static void crashed_domain_is_not_written_for(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    run(&scenario, 7 * SECOND_MS);

    xl_crash(&scenario.world, world_find(&scenario.world, "donor"));
    run(&scenario, MINUTE_MS);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_DYING);
    xl_destroy(&scenario.world, world_find(&scenario.world, "donor"));
    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void record_of_a_domain_that_died_unseen_is_swept(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    run(&scenario, MINUTE_MS);
    assert_non_null(store_peek(scenario.world.store,
                               "/local/domain/0/backend/balloon/1/0/uuid"));

    daemon_kill(&scenario.world.daemon);
    xl_destroy(&scenario.world, world_find(&scenario.world, "donor"));
    run(&scenario, MINUTE_MS);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, SECOND_MS);
    assert_null(
        store_peek(scenario.world.store, "/local/domain/0/backend/balloon/1"));
    assert_non_null(store_peek(scenario.world.store,
                               "/local/domain/0/backend/balloon/2/0/uuid"));
    scenario_done(&scenario);
}

static void dead_domains_leave_no_watches(void **state)
{
    struct scenario scenario;
    struct character late[5];
    unsigned int before;
    unsigned int i;

    (void)state;
    scenario_init(&scenario, 4096 * MIB);
    (void)scenario_add(&scenario, "first", 1000 * MIB, 1000 * MIB, 100 * MIB);
    start(&scenario);
    before = store_watches(&scenario.world.daemon.fault.bus);

    for (i = 0; i < 5; i++) {
        struct domu *domu;

        character_init(&late[i], "late", 200 * MIB, 200 * MIB, 10 * MIB);
        domu = xl_create(&scenario.world, &late[i].config);
        run(&scenario, 5 * SECOND_MS);
        assert_true(store_watches(&scenario.world.daemon.fault.bus) > before);
        xl_destroy(&scenario.world, domu);
        run(&scenario, 5 * SECOND_MS);
    }
    assert_int_equal(store_watches(&scenario.world.daemon.fault.bus), before);
    scenario_done(&scenario);
}

static void restored_domain_is_taken_up_anew(void **state)
{
    struct scenario scenario;
    struct domu *taker;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    taker = world_find(&scenario.world, "taker");

    xl_save(&scenario.world, taker);
    run(&scenario, 10 * SECOND_MS);
    assert_int_equal(xl_restore(&scenario.world, taker), 0);
    run(&scenario, 2 * MINUTE_MS);
    assert_int_equal(state_of(&scenario, "taker"), DECIDE_MANAGED);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

/* ---- Difficult guests --------------------------------------------------- */

static void stuck_domain_is_named_and_others_are_served(void **state)
{
    struct scenario scenario;

    (void)state;
    scenario_init(&scenario, (512 + 1000 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(&scenario, "stuck", 1000 * MIB, 1000 * MIB, 100 * MIB),
        CHARACTER_STUCK);
    character_wants(
        scenario_add(&scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB),
        20 * SECOND_MS, 700 * MIB);
    (void)scenario_add(&scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    start(&scenario);

    while (scenario_target(&scenario, "stuck") == 1000 * MIB) {
        run(&scenario, 100); /* until it is asked to give */
    }
    run(&scenario, DECIDE_STUCK_MS + 1000);
    assert_int_equal(state_of(&scenario, "stuck"), DECIDE_STUCK);
    assert_int_equal(reason_of(&scenario, "stuck"), REASON_STUCK);
    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(scenario_kills(&scenario), 0);
    scenario_done(&scenario);
}

/* Each is asked for memory that the taker needs, and the willing one has it. */
static void difficult_guest_costs_others_nothing(void **state)
{
    unsigned int kind;

    (void)state;
    for (kind = 0; kind < CHARACTER_KINDS; kind++) {
        struct scenario scenario;
        struct domu *taker;

        print_message("# %s\n", character_word((enum character_kind)kind));
        scenario_init(&scenario, (512 + 800 + 600 + 1000 + 140) * MIB);
        character_turn(scenario_add(&scenario, "difficult", 800 * MIB,
                                    1000 * MIB, 150 * MIB),
                       (enum character_kind)kind);
        character_wants(
            scenario_add(&scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB),
            20 * SECOND_MS, 700 * MIB);
        (void)scenario_add(&scenario, "donor", 1000 * MIB, 1000 * MIB,
                           100 * MIB);
        start(&scenario);

        run(&scenario, MINUTE_MS);
        taker = world_find(&scenario.world, "taker");
        assert_true(domu_is_content(taker));
        assert_int_equal(taker->model.oom_kills, 0);
        assert_true(domu_is_content(world_find(&scenario.world, "donor")));
        scenario_done(&scenario);
    }
}

/* One that breathes in and out is not followed with every breath. */
static void flapping_guest_is_met_with_calm(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    scenario_init(&scenario, (512 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(&scenario, "flapping", 600 * MIB, 1000 * MIB, 300 * MIB),
        CHARACTER_FLAPPING);
    (void)scenario_add(&scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    start(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    since_ms = scenario.world.now_ms;

    run(&scenario, 10 * MINUTE_MS);
    assert_true(writes_since(&scenario, since_ms, "memory/target") < 60);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void garbled_report_is_named_and_forgiven(void **state)
{
    struct scenario scenario;
    struct domu *donor;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    donor = world_find(&scenario.world, "donor");

    assert_int_equal(bus_write(&donor->frontend_bus, BUS_NO_TRANSACTION,
                               "data/balloon/report", "\0\xff=1", 4),
                     0);
    run(&scenario, SECOND_MS);
    assert_int_equal(reason_of(&scenario, "donor"), REASON_GARBLED);
    run(&scenario, 15 * SECOND_MS); /* its frontend writes again */
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    scenario_done(&scenario);
}

/* ---- The host ----------------------------------------------------------- */

static void lost_store_ends_the_daemon(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);

    store_lose(&scenario.world.daemon.fault.bus);
    run(&scenario, 100);
    assert_false(scenario.world.daemon.is_running);
    assert_int_equal(scenario.world.daemon.error, -ENOTCONN);
    run(&scenario, MINUTE_MS);
    assert_int_equal(scenario.world.daemon.starts, 2);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/*
 * Xen lists 1024 domains in a call; the two that matter come after them.  Each
 * of the crowd may take the MiB that libxl lets it have above its target.
 */
static void crowd_is_served_to_the_last(void **state)
{
    struct scenario scenario;
    struct character one;
    unsigned int i;

    (void)state;
    two_guests(&scenario);
    scenario.world.ledger.total_kib += 1024 * 33 * MIB;
    scenario.world.ledger.free_kib += 1024 * 33 * MIB;
    scenario.world.build_kib_s = 10000 * MIB;
    character_init(&one, "one", 32 * MIB, 32 * MIB, 0);
    one.config.frontend_ms = DOMU_NEVER;
    for (i = 0; i < 1024; i++) {
        assert_non_null(xl_create(&scenario.world, &one.config));
    }
    start(&scenario);

    run(&scenario, MINUTE_MS);
    assert_int_equal(scenario.world.daemon.balancer.count, 1027);
    assert_true(scenario_is_content(&scenario));
    assert_true(scenario_held(&scenario, "taker") >= 750 * MIB);
    scenario_done(&scenario);
}

/* "dom0_mem=512M" alone leaves dom0 without any limit (PLATFORM.md). */
static void unlimited_dom0_is_no_promise(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    (void)ledger_set_limit(&scenario.world.ledger, 0, UINT32_MAX * UINT64_C(4));
    start(&scenario);

    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(writes_since(&scenario, 0, "limit/0"), 0);
    scenario_done(&scenario);
}

/* What "xenballoon set" gave lasts as long as the domain. */
static void given_bounds_outlive_the_backend(void **state)
{
    const struct settings_domain entry = {.has = SETTINGS_HAS_FLOOR |
                                                 SETTINGS_HAS_WEIGHT,
                                          .floor_kib = 900 * MIB,
                                          .weight = 77};
    struct scenario scenario;
    struct balancer *balancer;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    balancer = &scenario.world.daemon.balancer;
    assert_int_equal(
        balancer_set(balancer, balancer_find(balancer, "donor"), &entry), 0);

    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_true(scenario_target(&scenario, "donor") >= 900 * MIB);
    assert_int_equal(scenario_seen(&scenario, "donor")->seen.weight, 77);
    scenario_done(&scenario);
}

/* What a run leaves behind, as one number. */
static uint64_t history(uint64_t seed)
{
    struct scenario scenario;
    uint64_t hash = 0;
    unsigned int i;
    size_t j;

    two_guests(&scenario);
    scenario.world.seed = seed;
    start(&scenario);
    run(&scenario, MINUTE_MS);
    for (i = 0; i < scenario.world.store->log.count; i++) {
        const struct write *write = &scenario.world.store->log.writes[i];

        hash = hash * 31 + write->ms;
        for (j = 0; write->value != NULL && j < write->len; j++) {
            hash = hash * 31 + (unsigned char)write->value[j];
        }
    }
    scenario_done(&scenario);
    return hash;
}

static void same_seed_gives_the_same_history(void **state)
{
    (void)state;
    assert_int_equal(history(3), history(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(donor_gives_and_taker_gets),
        cmocka_unit_test(steady_state_is_quiet),
        cmocka_unit_test(moves_no_more_than_needed),
        cmocka_unit_test(shortage_is_shared_by_weight),
        cmocka_unit_test(order_of_domains_is_irrelevant),
        cmocka_unit_test(reserve_is_filled_again),
        cmocka_unit_test(floor_is_reached_before_it_is_needed),
        cmocka_unit_test(lowered_ceiling_binds),
        cmocka_unit_test(floor_protects_from_greedy_guests),
        cmocka_unit_test(week_of_ebb_and_flow),
        cmocka_unit_test(floor_equal_to_ceiling_gets_no_write),
        cmocka_unit_test(silent_and_static_domains_are_left_alone),
        cmocka_unit_test(frontend_that_stops_takes_its_guest_out),
        cmocka_unit_test(frontend_that_loses_its_store_comes_back),
        cmocka_unit_test(mem_set_holds_until_it_is_released),
        cmocka_unit_test(mem_set_without_a_backend_is_seen_later),
        cmocka_unit_test(mem_set_before_any_backend_is_seen),
        cmocka_unit_test(mem_max_bounds_the_target),
        cmocka_unit_test(new_domain_is_taken_up_within_two_seconds),
        cmocka_unit_test(build_is_not_robbed),
        cmocka_unit_test(destroyed_domain_is_not_written_for),
        cmocka_unit_test(crashed_domain_is_not_written_for),
        cmocka_unit_test(record_of_a_domain_that_died_unseen_is_swept),
        cmocka_unit_test(dead_domains_leave_no_watches),
        cmocka_unit_test(restored_domain_is_taken_up_anew),
        cmocka_unit_test(stuck_domain_is_named_and_others_are_served),
        cmocka_unit_test(difficult_guest_costs_others_nothing),
        cmocka_unit_test(flapping_guest_is_met_with_calm),
        cmocka_unit_test(garbled_report_is_named_and_forgiven),
        cmocka_unit_test(lost_store_ends_the_daemon),
        cmocka_unit_test(crowd_is_served_to_the_last),
        cmocka_unit_test(unlimited_dom0_is_no_promise),
        cmocka_unit_test(given_bounds_outlive_the_backend),
        cmocka_unit_test(same_seed_gives_the_same_history),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
