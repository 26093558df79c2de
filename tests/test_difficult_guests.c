/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that do not do what they are asked, or say what is not so, on the
 * simulated host: they harm nobody but themselves.
 */
#include <errno.h>

#include "common/log.h"
#include "common/protocol.h"
#include "tests/steps.h"

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

/* Firmware holes: 3 MiB of its target that it never gets. */
static void guest_that_rests_off_its_target_is_not_stuck(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    scenario.guests[0].config.is_hvm = true;
    scenario.guests[0].config.videoram_kib = 16 * MIB;
    scenario.guests[0].nature.extra_kib = 13 * MIB;
    start(&scenario);

    run(&scenario, 2 * MINUTE_MS);
    assert_true(scenario_target(&scenario, "donor") < 900 * MIB);
    assert_int_equal(scenario_held(&scenario, "donor"),
                     scenario_target(&scenario, "donor") + 13 * MIB);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    assert_int_not_equal(reason_of(&scenario, "donor"), REASON_ON_ITS_WAY);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
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
    scenario.guests[0].nature.has_no_grants = true;
    start(&scenario);
    donor = world_find(&scenario.world, "donor");

    assert_int_equal(bus_write(&donor->frontend_bus, BUS_NO_TRANSACTION,
                               PROTOCOL_FRONTEND "/" PROTOCOL_NODE_REPORT,
                               "\0\xff=1", 4),
                     0);
    run(&scenario, SECOND_MS);
    assert_int_equal(reason_of(&scenario, "donor"), REASON_GARBLED);
    run(&scenario, 15 * SECOND_MS); /* its frontend writes again */
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    scenario_done(&scenario);
}

/*
 * One is idle and weighs much, one swaps and takes all it can get; the third
 * cannot swap, and comes to need all of its own.
 */
static void idle_memory_yields_to_who_cannot_swap(void **state)
{
    struct scenario scenario;
    struct character *swaps;

    (void)state;
    scenario_init(&scenario, (512 + 2400 + 140) * MIB);
    (void)scenario_add(&scenario, "idle", 800 * MIB, 2000 * MIB, 100 * MIB);
    swaps = scenario_add(&scenario, "swaps", 800 * MIB, 2000 * MIB, 500 * MIB);
    swaps->nature.swap_kib = 2000 * MIB;
    character_wants(swaps, 20 * SECOND_MS, 1900 * MIB);
    character_wants(
        scenario_add(&scenario, "grows", 800 * MIB, 2000 * MIB, 400 * MIB),
        2 * MINUTE_MS, 860 * MIB);
    scenario_weigh(&scenario, "idle", 1024);
    start(&scenario);

    run(&scenario, 5 * MINUTE_MS);
    assert_int_equal(scenario_kills(&scenario), 0);
    assert_true(domu_is_content(world_find(&scenario.world, "grows")));
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stuck_domain_is_named_and_others_are_served),
        cmocka_unit_test(difficult_guest_costs_others_nothing),
        cmocka_unit_test(guest_that_rests_off_its_target_is_not_stuck),
        cmocka_unit_test(flapping_guest_is_met_with_calm),
        cmocka_unit_test(garbled_report_is_named_and_forgiven),
        cmocka_unit_test(idle_memory_yields_to_who_cannot_swap),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
