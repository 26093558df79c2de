/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that the backend must leave as they are, or as the operator said,
 * on the simulated host.
 */
#include "common/log.h"
#include "tests/steps.h"

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
    assert_int_equal(writes_since(&scenario, 0, "/1/memory"), 0);
    assert_int_equal(writes_since(&scenario, 0, "/xenballoon/1/"), 0);
    assert_int_equal(writes_since(&scenario, 0, "limit/1"), 0);
    assert_int_equal(writes_since(&scenario, 0, "/3/memory"), 0);
    assert_int_equal(writes_since(&scenario, 0, "/xenballoon/3/"), 0);
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
    assert_int_equal(writes_since(&scenario, 0, "/1/memory"), 0);
    assert_int_equal(writes_since(&scenario, 0, "/xenballoon/1/"), 0);
    assert_int_equal(writes_since(&scenario, since_ms, "/3/memory"), 0);
    assert_int_equal(writes_since(&scenario, since_ms, "/xenballoon/3/"), 0);
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
    assert_int_equal(writes_since(&scenario, since_ms, "/1/memory"), 0);
    assert_int_equal(writes_since(&scenario, since_ms, "/xenballoon/1/"), 0);
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
        store_peek(scenario.world.store, "/local/domain/0/xenballoon/1"));

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
    /* As near as its dead-band, and never above. */
    assert_true(scenario_target(&scenario, "taker") <= 650 * MIB);
    assert_true(scenario_target(&scenario, "taker") >= 638 * MIB);
    assert_true(ledger_find(&scenario.world.ledger, taker->domid)->limit_kib <=
                652 * MIB);
    assert_int_equal(xl_mem_max(&scenario.world, taker, 2000 * MIB), 0);
    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floor_equal_to_ceiling_gets_no_write),
        cmocka_unit_test(silent_and_static_domains_are_left_alone),
        cmocka_unit_test(frontend_that_stops_takes_its_guest_out),
        cmocka_unit_test(frontend_that_loses_its_store_comes_back),
        cmocka_unit_test(mem_set_holds_until_it_is_released),
        cmocka_unit_test(mem_set_without_a_backend_is_seen_later),
        cmocka_unit_test(mem_set_before_any_backend_is_seen),
        cmocka_unit_test(mem_max_bounds_the_target),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
