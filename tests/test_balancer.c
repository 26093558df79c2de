/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real backend and real frontends on the simulated host: who gives, who
 * gets, and what the host is like.  That the rules of rules.h hold at every
 * step is part of each scenario.
 */
#include <errno.h>

#include "common/log.h"
#include "tests/steps.h"

/* ---- Giving and taking -------------------------------------------------- */

static void donor_gives_and_taker_gets(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    assert_int_equal(writes_since(&scenario, 0, "/memory/target"), 0);

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
    /*
     * 800 MiB or a little more for the taker, and as much from the donor; and
     * then what both may take by themselves, once.
     */
    assert_true(scenario.world.moved_kib < 2 * 350 * MIB + 200 * MIB);
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
        cmocka_unit_test(lost_store_ends_the_daemon),
        cmocka_unit_test(crowd_is_served_to_the_last),
        cmocka_unit_test(unlimited_dom0_is_no_promise),
        cmocka_unit_test(given_bounds_outlive_the_backend),
        cmocka_unit_test(same_seed_gives_the_same_history),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
