/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that come and go while the backend looks on, on the simulated host.
 */
#include "common/log.h"
#include "tests/steps.h"

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
                                   ? "/local/domain/0/xenballoon/1"
                                   : "/local/domain/0/xenballoon/2"));
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
    assert_non_null(
        store_peek(scenario.world.store, "/local/domain/0/xenballoon/1/uuid"));

    daemon_kill(&scenario.world.daemon);
    xl_destroy(&scenario.world, world_find(&scenario.world, "donor"));
    run(&scenario, MINUTE_MS);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, SECOND_MS);
    assert_null(
        store_peek(scenario.world.store, "/local/domain/0/xenballoon/1"));
    assert_non_null(
        store_peek(scenario.world.store, "/local/domain/0/xenballoon/2/uuid"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_domain_is_taken_up_within_two_seconds),
        cmocka_unit_test(build_is_not_robbed),
        cmocka_unit_test(destroyed_domain_is_not_written_for),
        cmocka_unit_test(crashed_domain_is_not_written_for),
        cmocka_unit_test(record_of_a_domain_that_died_unseen_is_swept),
        cmocka_unit_test(dead_domains_leave_no_watches),
        cmocka_unit_test(restored_domain_is_taken_up_anew),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
