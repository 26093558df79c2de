/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dom0's end of the device: domains that go, and faults at every step of the
 * handshake.
 */
#include <errno.h>

#include "common/log.h"
#include "tests/rig.h"
#include "tests/second.h"

/* ---- Death -------------------------------------------------------------- */

static void device_goes_with_its_domain(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    run(&rig.scenario, 5 * SECOND_MS);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(&rig, "/local/domain/1", NULL);
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    rig_done(&rig);
}

static void device_of_a_domain_that_died_unseen_is_swept(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    daemon_kill(&rig.scenario.world.daemon);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    run(&rig.scenario, 5 * SECOND_MS);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1/0/state", "2");

    restart_backend(&rig);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    rig_done(&rig);
}

/* Which has never seen it alive. */
static void device_of_a_domain_that_dies_at_the_start_goes(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    daemon_kill(&rig.scenario.world.daemon);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    restart_backend(&rig);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1/0/state", "2");
    run(&rig.scenario, 5 * SECOND_MS);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    rig_done(&rig);
}

static unsigned int removals; /* that were refused */
static int removal_error;

static int refuse_removal(void *state, bus_transaction t, const char *path)
{
    const struct fault *fault = state;

    if (strcmp(path, PROTOCOL_BACKEND_DIR "/1") != 0) {
        return bus_remove(&fault->bus, t, path);
    }
    removals++;
    return removal_error;
}

/* Removing fails for a minute; what is left goes as soon as it can. */
static void expect_swept_in_the_end(struct rig *rig, int error)
{
    struct daemon *daemon = &rig->scenario.world.daemon;
    const struct bus_ops *calm = daemon->bus.ops;
    const uint64_t starts = daemon->starts;
    struct bus_ops ops = *calm;

    ops.remove = refuse_removal;
    daemon->bus.ops = &ops;
    removal_error = error;
    removals = 0;
    run(&rig->scenario, MINUTE_MS);
    print_message("# refused %u times\n", removals);
    expect(rig, PROTOCOL_BACKEND_DIR "/1/0/state", "2");
    assert_in_range(removals, 10, 40);
    assert_int_equal(daemon->starts, starts);

    daemon->bus.ops = calm;
    run(&rig->scenario, RETRY_LAST_MS + 1);
    expect(rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
}

static void device_that_cannot_be_removed_goes_later(void **state)
{
    static const int errors[] = {-EAGAIN, -ENOSPC, -ENOMEM};
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct rig rig;

        rig_start(&rig);
        xl_destroy(&rig.scenario.world,
                   world_find(&rig.scenario.world, "guest"));
        expect_swept_in_the_end(&rig, errors[i]);
        rig_done(&rig);
    }
}

static void device_that_cannot_be_swept_goes_later(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    daemon_kill(&rig.scenario.world.daemon);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    run(&rig.scenario, 5 * SECOND_MS);
    daemon_start(&rig.scenario.world.daemon, rig.scenario.world.now_ms);
    expect_swept_in_the_end(&rig, -ENOSPC);
    rig_done(&rig);
}

/* ---- The log ------------------------------------------------------------ */

static char last_line[256];

static void keep_line(enum log_level level, const char *line)
{
    (void)level;
    (void)snprintf(last_line, sizeof(last_line), "%s", line);
}

/* However soon after the line before: what is so in the end is said. */
static void last_word_is_said(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    log_to_taker(keep_line, LOG_LEVEL_INFO);
    offer_record(&rig, REPORT("1000"));
    soon(&rig);
    assert_non_null(strstr(last_line, "frontend connected"));

    run(&rig.scenario, 4 * SECOND_MS); /* not a word */
    assert_non_null(strstr(last_line, "frontend connected"));
    run(&rig.scenario, SAYING_GAP_MS);
    assert_non_null(strstr(last_line, "frontend fell silent"));

    say(&rig, PROTOCOL_NODE_REPORT, REPORT("60000"));
    run(&rig.scenario, SAYING_GAP_MS);
    assert_non_null(strstr(last_line, "frontend is heard again"));
    say(&rig, PROTOCOL_NODE_STATE, "6");
    soon(&rig);
    say(&rig, PROTOCOL_NODE_VERSION, "7");
    say(&rig, PROTOCOL_NODE_STATE, "3");
    soon(&rig);
    run(&rig.scenario, SAYING_GAP_MS);
    assert_non_null(strstr(last_line, "its version is not"));
    log_to_nowhere();
    rig_done(&rig);
}

/* It fell silent and is heard again, before there was time to say so. */
static void what_is_over_is_not_said(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    log_to_taker(keep_line, LOG_LEVEL_INFO);
    offer_record(&rig, REPORT("1000"));
    run(&rig.scenario, 5 * SECOND_MS);
    expect_voice(&rig, SNAPSHOT_VOICE_SILENT);
    say(&rig, PROTOCOL_NODE_REPORT, REPORT("60000"));
    run(&rig.scenario, 2 * SAYING_GAP_MS);
    log_to_nowhere();
    assert_non_null(strstr(last_line, "frontend connected"));
    rig_done(&rig);
}

/* ---- Every step --------------------------------------------------------- */

static bool is_connected(struct scenario *scenario, const char *name)
{
    const struct domu *domu = world_find(&scenario->world, name);
    const struct balancer_domain *domain;
    char path[BUS_PATH_MAX];
    const char *theirs;
    const char *ours;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s/state", domu->domid,
                   PROTOCOL_FRONTEND);
    theirs = store_peek(scenario->world.store, path);
    (void)snprintf(path, sizeof(path), "%s/%u/0/state", PROTOCOL_BACKEND_DIR,
                   domu->domid);
    ours = store_peek(scenario->world.store, path);
    /* Its name may be what could not be read. */
    (void)snprintf(path, sizeof(path), "%u", domu->domid);
    domain = scenario_seen(scenario, path);
    return domain != NULL && theirs != NULL && ours != NULL &&
           strcmp(theirs, "4") == 0 && strcmp(ours, "4") == 0 &&
           domain->seen.voice == SNAPSHOT_VOICE_GOOD;
}

/* Another domid, a dead page, nothing remembered. */
static void saved_guest_connects_anew(void **state)
{
    struct scenario scenario;
    struct domu *donor;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    assert_true(is_connected(&scenario, "donor"));
    donor = world_find(&scenario.world, "donor");
    xl_save(&scenario.world, donor);
    run(&scenario, 10 * SECOND_MS);
    assert_null(store_peek(scenario.world.store, PROTOCOL_BACKEND_DIR "/1"));
    assert_int_equal(xl_restore(&scenario.world, donor), 0);
    run(&scenario, 15 * SECOND_MS);
    assert_int_equal(donor->domid, 3);
    assert_true(is_connected(&scenario, "donor"));

    xl_migrate(&scenario.world, donor);
    run(&scenario, 30 * SECOND_MS);
    assert_int_equal(donor->domid, 4);
    assert_true(is_connected(&scenario, "donor"));
    scenario_done(&scenario);
}

/*
 * The handshake of two real frontends, with a fault at the at-th call from the
 * start on; true while there was one.
 */
static bool shake_hands(struct fault fault, uint64_t at)
{
    struct scenario scenario;
    struct fault *armed;
    bool has_struck;

    two_guests(&scenario);
    scenario.guests[1].nature.has_no_grants = true; /* one of each kind */
    scenario.world.is_quiet = true;
    assert_non_null(xl_create(&scenario.world, &scenario.guests[0].config));
    assert_non_null(xl_create(&scenario.world, &scenario.guests[1].config));
    daemon_start(&scenario.world.daemon, 0);
    armed = &scenario.world.daemon.fault;
    armed->kind = fault.kind;
    armed->error = fault.error;
    armed->changes_alone = fault.changes_alone;
    armed->at = at;
    run(&scenario, 5 * SECOND_MS);
    has_struck = scenario.world.daemon.starts > 1 || armed->has_struck;
    run(&scenario, 20 * SECOND_MS);
    if (!is_connected(&scenario, "donor") ||
        !is_connected(&scenario, "taker")) {
        world_print(&scenario.world);
        writes_print(&scenario.world.store->log, 0, NULL, "balloon");
        fail_msg("call %llu, error %d: not connected", (unsigned long long)at,
                 fault.error);
    }
    scenario_done(&scenario);
    return has_struck;
}

static void handshake_survives_a_backend_killed_anywhere(void **state)
{
    const struct fault fault = {.kind = FAULT_DIE};
    uint64_t at = 1;

    (void)state;
    while (shake_hands(fault, at)) {
        at++;
    }
    print_message("# killed before each of %llu calls\n",
                  (unsigned long long)at - 1);
    assert_true(at > 100);
}

static void handshake_survives_each_error_once(void **state)
{
    /* Not -ENOENT, which is an answer. */
    static const int errors[] = {-EAGAIN, -ENOMEM, -ENOSPC, -ESRCH};
    struct fault fault = {.kind = FAULT_FAIL};
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        uint64_t at = 1;

        fault.error = errors[i];
        while (shake_hands(fault, at)) {
            at++;
        }
        assert_true(at > 100);
    }
}

static int conflict(void *state, bus_transaction t, bool commit)
{
    const struct fault *fault = state;

    (void)bus_end(&fault->bus, t, false);
    return commit ? -EAGAIN : 0;
}

/*
 * Every transaction meets another: it is begun anew BUS_TRIES times, and then
 * put off, so that what that costs is bounded; and in the end all is well.
 */
static void conflicts_without_end_cost_a_bounded_number_of_requests(
    void **state)
{
    const struct bus_ops *calm;
    struct bus_ops ops;
    struct daemon *daemon;
    uint64_t calls;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_record(&rig, REPORT("10000"));
    daemon = &rig.scenario.world.daemon;
    calm = daemon->bus.ops;
    ops = *calm;
    ops.end = conflict;
    daemon->bus.ops = &ops;
    calls = daemon->fault.calls;
    run(&rig.scenario, 10 * SECOND_MS);
    calls = daemon->fault.calls - calls;
    print_message("# %llu calls in 10 s\n", (unsigned long long)calls);
    expect(&rig, OURS "state", "2");
    /* A transaction of a dozen calls, as often as tried, each second. */
    assert_true(calls <= 10 * (uint64_t)BUS_TRIES * 12 + 100);

    daemon->bus.ops = calm;
    run(&rig.scenario, 2 * SECOND_MS);
    expect(&rig, OURS "state", "4");
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    rig_done(&rig);
}

/* Killed without a word at any time, and started again. */
static void frontend_may_be_killed_at_any_moment(void **state)
{
    uint64_t at_ms;

    (void)state;
    for (at_ms = 0; at_ms < 40; at_ms++) {
        struct scenario scenario;
        struct world *world = &scenario.world;
        struct domu *donor;

        two_guests(&scenario);
        start(&scenario);
        donor = world_find(world, "donor");
        domu_kill_frontend(donor);
        domu_start_frontend(donor, world->store, world->now_ms);
        run(&scenario, at_ms);
        domu_kill_frontend(donor);
        run(&scenario, at_ms % 3 * SECOND_MS);
        domu_start_frontend(donor, world->store, world->now_ms);
        run(&scenario, 5 * SECOND_MS);
        if (!is_connected(&scenario, "donor")) {
            writes_print(&world->store->log, 0, NULL, "balloon");
            fail_msg("killed after %llu ms", (unsigned long long)at_ms);
        }
        scenario_done(&scenario);
    }
}

/*
 * A second frontend in the same guest, as when its owner starts one by hand:
 * each finds the other's words in its place, and neither may cost dom0 more
 * than a guest that flaps.
 */
static void two_frontends_are_a_bounded_nuisance(void **state)
{
    struct scenario scenario;
    struct world *world = &scenario.world;
    struct frontend *second;
    const struct store_counts *counts;
    struct domu *donor;
    struct bus bus;
    uint64_t asked;
    uint64_t next_ms = 0;
    unsigned int i;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    donor = world_find(world, "donor");
    store_connect(world->store, donor->domid, "second", &bus);
    second = second_new(&bus, &donor->guest);
    counts = store_counts(&world->daemon.fault.bus);
    asked = counts->reads + counts->writes;
    for (i = 0; i < 10 * SECOND_MS; i++) {
        if (world->now_ms >= next_ms || store_waiting(&bus) > 0) {
            assert_true(second_tick(second, world->now_ms, &next_ms) >= 0);
        }
        run(&scenario, 1);
    }
    asked = counts->reads + counts->writes - asked;
    print_message("# %llu requests of the backend in 10 s\n",
                  (unsigned long long)asked);
    assert_true(asked <= 100 * 12);

    second_free(second);
    store_disconnect(&bus);
    run(&scenario, 30 * SECOND_MS);
    assert_true(is_connected(&scenario, "donor"));
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_goes_with_its_domain),
        cmocka_unit_test(device_of_a_domain_that_died_unseen_is_swept),
        cmocka_unit_test(device_of_a_domain_that_dies_at_the_start_goes),
        cmocka_unit_test(device_that_cannot_be_removed_goes_later),
        cmocka_unit_test(device_that_cannot_be_swept_goes_later),
        cmocka_unit_test(last_word_is_said),
        cmocka_unit_test(what_is_over_is_not_said),
        cmocka_unit_test(saved_guest_connects_anew),
        cmocka_unit_test(handshake_survives_a_backend_killed_anywhere),
        cmocka_unit_test(handshake_survives_each_error_once),
        cmocka_unit_test(
            conflicts_without_end_cost_a_bounded_number_of_requests),
        cmocka_unit_test(frontend_may_be_killed_at_any_moment),
        cmocka_unit_test(two_frontends_are_a_bounded_nuisance),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
