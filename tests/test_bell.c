/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that ring by an event channel instead of the doorbell, on the
 * simulated host.  The ledger sees to it that no dead port is rung.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/log.h"
#include "common/protocol.h"
#include "tests/steps.h"

#define OURS(domid, node) "/local/domain/0/backend/balloon/" domid "/0/" node
#define THEIRS(domid, node)                                                    \
    "/local/domain/" domid "/" PROTOCOL_FRONTEND "/" node

/* The ringer, domain 1, with a bell; the writer, domain 2, with a doorbell. */
static void host_init(struct scenario *scenario)
{
    scenario_init(scenario, 4096 * MIB);
    (void)scenario_add(scenario, "ringer", 500 * MIB, 1000 * MIB, 100 * MIB);
    (void)scenario_add(scenario, "writer", 600 * MIB, 1000 * MIB, 100 * MIB);
    scenario->guests[0].config.has_bell = true;
}

static void begin(struct scenario *scenario)
{
    host_init(scenario);
    start(scenario);
    run(scenario, 10 * SECOND_MS);
}

static struct domu *ringer(const struct scenario *scenario)
{
    return world_find(&scenario->world, "ringer");
}

static const char *peek(const struct scenario *scenario, const char *path)
{
    return store_peek(scenario->world.store, path);
}

/* More than it has: that is news, again and again. */
static void make_news(struct scenario *scenario)
{
    scenario_want(scenario, "ringer", 900 * MIB);
    run(scenario, 20 * SECOND_MS);
}

static void expect_heard(struct scenario *scenario)
{
    struct ledger *ledger = &scenario->world.ledger;
    struct ledger_counts before = ledger->counts;

    make_news(scenario);
    assert_true(ledger->counts.rings > before.rings);
    assert_true(ledger->counts.heard > before.heard);
}

static void expect_doorbell(struct scenario *scenario, const char *path)
{
    uint64_t rings = scenario->world.ledger.counts.rings;

    make_news(scenario);
    assert_non_null(peek(scenario, path));
    assert_int_equal(scenario->world.ledger.counts.rings, rings);
}

/* ---- Ringing ------------------------------------------------------------ */

static void report_is_heard_without_a_write(void **state)
{
    struct scenario scenario;

    (void)state;
    begin(&scenario);
    assert_string_equal(peek(&scenario, OURS("1", "feature-event-channel")),
                        "1");
    assert_non_null(peek(&scenario, THEIRS("1", "event-channel")));
    assert_null(peek(&scenario, THEIRS("2", "event-channel")));
    assert_int_equal(ledger_bells(&scenario.world.ledger), 1);
    expect_heard(&scenario);
    assert_null(peek(&scenario, THEIRS("1", "doorbell")));
    run(&scenario, MINUTE_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/*
 * However often it rings, it wakes the backend once in that time, and once more
 * at either end of the five seconds.
 */
static void storm_is_heard_at_its_rate(void **state)
{
    struct scenario scenario;
    struct ledger *ledger = &scenario.world.ledger;
    struct ledger_counts before;
    uint64_t ticks;
    unsigned int i;

    (void)state;
    begin(&scenario);
    before = ledger->counts;
    ticks = scenario.world.daemon.ticks;
    for (i = 0; i < 5 * SECOND_MS; i++) {
        ledger_ring(ledger, 1, ringer(&scenario)->model.bell);
        run(&scenario, 1);
    }
    assert_in_range(ledger->counts.heard - before.heard, 40,
                    5 * SECOND_MS / BALANCER_REPORT_MIN_MS + 2);
    assert_in_range(ledger->counts.copies - before.copies, 40,
                    5 * SECOND_MS / BALANCER_REPORT_MIN_MS + 2);
    /* Each is heard in one tick and read in another, at the most. */
    assert_in_range(scenario.world.daemon.ticks - ticks, 40,
                    2 * 5 * SECOND_MS / BALANCER_REPORT_MIN_MS + 10);
    scenario_done(&scenario);
}

/* What was rung between the copy and the arming is not lost. */
static void ring_while_silent_is_heard_later(void **state)
{
    struct scenario scenario;
    struct ledger *ledger = &scenario.world.ledger;
    uint64_t heard;

    (void)state;
    begin(&scenario);
    run(&scenario, SECOND_MS);
    ledger_ring(ledger, 1, ringer(&scenario)->model.bell);
    run(&scenario, DAEMON_TICK_MIN_MS);
    ledger_ring(ledger, 1, ringer(&scenario)->model.bell);
    run(&scenario, DAEMON_TICK_MIN_MS);
    ledger_ring(ledger, 1, ringer(&scenario)->model.bell);
    heard = ledger->counts.heard;
    run(&scenario, 2 * BALANCER_REPORT_MIN_MS);
    assert_true(ledger->counts.heard > heard);
    assert_int_equal(ledger_next_bell(ledger), 0);
    scenario_done(&scenario);
}

/* ---- Ends that come and go ---------------------------------------------- */

static void bell_ends_with_its_guest(void **state)
{
    struct scenario scenario;

    (void)state;
    begin(&scenario);
    xl_destroy(&scenario.world, ringer(&scenario));
    run(&scenario, MINUTE_MS);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
    scenario_done(&scenario);
}

static void new_frontend_has_a_new_bell(void **state)
{
    void (*const ends[])(struct domu *) = {domu_stop_frontend,
                                           domu_kill_frontend};
    unsigned int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct scenario scenario;
        uint32_t port;

        begin(&scenario);
        port = ringer(&scenario)->model.bell;
        ends[i](ringer(&scenario));
        run(&scenario, 2 * SECOND_MS);
        domu_start_frontend(ringer(&scenario), scenario.world.store,
                            scenario.world.now_ms);
        run(&scenario, 10 * SECOND_MS);
        assert_int_not_equal(ringer(&scenario)->model.bell, port);
        assert_int_equal(ledger_bells(&scenario.world.ledger), 1);
        expect_heard(&scenario);
        assert_null(peek(&scenario, THEIRS("1", "doorbell")));
        scenario_done(&scenario);
    }
}

static void new_backend_is_given_the_same_bell(void **state)
{
    struct scenario scenario;
    uint32_t port;

    (void)state;
    begin(&scenario);
    port = ringer(&scenario)->model.bell;
    daemon_kill(&scenario.world.daemon);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
    run(&scenario, MINUTE_MS);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, 10 * SECOND_MS);
    assert_int_equal(ringer(&scenario)->model.bell, port);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 1);
    expect_heard(&scenario);
    scenario_done(&scenario);
}

/* ---- Guests that are moved ---------------------------------------------- */

static void migrate(struct scenario *scenario)
{
    xl_migrate(&scenario->world, ringer(scenario));
}

static void save_and_restore(struct scenario *scenario)
{
    xl_save(&scenario->world, ringer(scenario));
    run(scenario, MINUTE_MS);
    assert_int_equal(xl_restore(&scenario->world, ringer(scenario)), 0);
}

/* Its port is dead: it is neither rung nor offered again, nor another one. */
static void moved_guest_goes_back_to_the_doorbell(void **state)
{
    void (*const moves[])(struct scenario *) = {migrate, save_and_restore};
    unsigned int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct scenario scenario;
        uint32_t port;

        begin(&scenario);
        port = ringer(&scenario)->model.bell;
        moves[i](&scenario);
        run(&scenario, MINUTE_MS);
        assert_int_not_equal(ringer(&scenario)->domid, 1);
        assert_int_equal(ringer(&scenario)->phase, DOMU_RUNNING);
        assert_null(peek(&scenario, THEIRS("3", "event-channel")));
        assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
        expect_doorbell(&scenario, THEIRS("3", "doorbell"));

        daemon_start(&scenario.world.daemon, scenario.world.now_ms);
        run(&scenario, MINUTE_MS);
        assert_null(peek(&scenario, THEIRS("3", "event-channel")));
        assert_int_equal(ringer(&scenario)->model.bell, port);
        scenario_done(&scenario);
    }
}

/* The other host binds no bells when it comes there, and does later. */
static void dead_port_is_not_offered_to_a_later_backend(void **state)
{
    struct scenario scenario;

    (void)state;
    begin(&scenario);
    daemon_kill(&scenario.world.daemon);
    scenario.world.ledger.has_no_bells = true;
    migrate(&scenario);
    run(&scenario, MINUTE_MS);
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_null(peek(&scenario, OURS("3", "feature-event-channel")));

    scenario.world.ledger.has_no_bells = false;
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    run(&scenario, MINUTE_MS);
    assert_non_null(peek(&scenario, OURS("3", "feature-event-channel")));
    assert_null(peek(&scenario, THEIRS("3", "event-channel")));
    expect_doorbell(&scenario, THEIRS("3", "doorbell"));
    scenario_done(&scenario);
}

/* ---- What is not as it should be ---------------------------------------- */

static void bad_port_is_refused_and_the_doorbell_goes_on(void **state)
{
    static const char *const ports[] = {
        "0", "x", "-1", "99", "131072", "4294967297", "1 ",
    };
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        struct scenario scenario;

        print_message("# port \"%s\"\n", ports[i]);
        begin(&scenario);
        assert_int_equal(
            bus_write(&ringer(&scenario)->frontend_bus, BUS_NO_TRANSACTION,
                      PROTOCOL_FRONTEND "/" PROTOCOL_NODE_EVENT_CHANNEL,
                      ports[i], strlen(ports[i])),
            0);
        run(&scenario, 2 * SECOND_MS);
        assert_true(scenario_seen(&scenario, "ringer")->bell.is_refused);
        assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
        assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
        expect_doorbell(&scenario, THEIRS("1", "doorbell"));
        assert_int_equal(state_of(&scenario, "ringer"), DECIDE_MANAGED);
        scenario_done(&scenario);
    }
}

/* Another guest's port cannot be had, nor is its bell disturbed. */
static void port_of_another_is_none(void **state)
{
    struct scenario scenario;

    (void)state;
    begin(&scenario);
    assert_int_equal(
        bus_write(&world_find(&scenario.world, "writer")->frontend_bus,
                  BUS_NO_TRANSACTION,
                  PROTOCOL_FRONTEND "/" PROTOCOL_NODE_EVENT_CHANNEL, "1", 1),
        0);
    run(&scenario, 2 * SECOND_MS);
    assert_true(scenario_seen(&scenario, "writer")->bell.is_refused);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 1);
    expect_heard(&scenario);
    scenario_done(&scenario);
}

/* Well before the next heartbeat, by which it would be found anyhow. */
#define AT_ONCE_MS 500

static void ring(struct scenario *scenario)
{
    ledger_ring(&scenario->world.ledger, 1, ringer(scenario)->model.bell);
}

static void bell_that_cannot_be_armed_is_bound_anew(void **state)
{
    struct scenario scenario;
    struct ledger *ledger = &scenario.world.ledger;
    uint64_t heard;

    (void)state;
    begin(&scenario);
    ledger->arm_failures = 1;
    ring(&scenario);
    run(&scenario, AT_ONCE_MS);
    assert_int_equal(ledger->arm_failures, 0);
    heard = ledger->counts.heard;
    ring(&scenario);
    run(&scenario, AT_ONCE_MS);
    assert_true(ledger->counts.heard > heard);
    assert_int_equal(ledger_bells(ledger), 1);
    assert_false(scenario_seen(&scenario, "ringer")->bell.is_refused);
    scenario_done(&scenario);
}

/* It rings whenever it is bound, which must not go on for ever. */
static void bell_that_can_never_be_armed_is_given_up(void **state)
{
    struct scenario scenario;
    struct ledger *ledger = &scenario.world.ledger;

    (void)state;
    begin(&scenario);
    ledger->arm_failures = UINT_MAX;
    ring(&scenario);
    run(&scenario, AT_ONCE_MS);
    assert_int_equal(UINT_MAX - ledger->arm_failures, 2);
    assert_int_equal(ledger_bells(ledger), 0);
    assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
    expect_doorbell(&scenario, THEIRS("1", "doorbell"));
    assert_int_equal(state_of(&scenario, "ringer"), DECIDE_MANAGED);
    scenario_done(&scenario);
}

/* The store of the backend that runs, which removes nothing so many times. */
static const struct bus *bus_was;
static unsigned int remove_failures;

static int remove_at_last(void *state, bus_transaction t, const char *path)
{
    if (remove_failures > 0) {
        remove_failures--;
        return -EAGAIN;
    }
    return bus_was->ops->remove(state, t, path);
}

static void refusal_is_told_until_it_is_taken(void **state)
{
    struct scenario scenario;
    struct balancer *balancer = &scenario.world.daemon.balancer;
    struct bus_ops ops;
    struct bus bus;

    (void)state;
    begin(&scenario);
    bus_was = balancer->bus;
    ops = *bus_was->ops;
    ops.remove = remove_at_last;
    bus = (struct bus){&ops, bus_was->state};
    balancer->bus = &bus;
    remove_failures = 3;
    scenario.world.ledger.arm_failures = UINT_MAX;
    ring(&scenario);
    run(&scenario, AT_ONCE_MS);
    assert_non_null(peek(&scenario, OURS("1", "feature-event-channel")));
    run(&scenario, 4 * SECOND_MS);
    assert_int_equal(remove_failures, 0);
    assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
    expect_doorbell(&scenario, THEIRS("1", "doorbell"));
    assert_int_equal(scenario.world.daemon.starts, 1);
    scenario_done(&scenario);
}

/* As when the device fails from which they are heard. */
static void lost_bells_are_doorbells(void **state)
{
    struct scenario scenario;

    (void)state;
    begin(&scenario);
    bell_lose(&scenario.world.daemon.balancer);
    run(&scenario, DAEMON_TICK_MAX_MS);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
    assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
    assert_null(peek(&scenario, OURS("2", "feature-event-channel")));
    expect_doorbell(&scenario, THEIRS("1", "doorbell"));
    scenario_done(&scenario);
}

/* As when that device is gone while the rest of the start goes on. */
static void bells_lost_before_the_first_tick_stay_lost(void **state)
{
    struct scenario scenario;
    struct daemon *daemon = &scenario.world.daemon;

    (void)state;
    begin(&scenario);
    daemon_start(daemon, scenario.world.now_ms);
    bell_lose(&daemon->balancer);
    run(&scenario, 10 * SECOND_MS);
    assert_false(daemon->balancer.can_bind_bells);
    assert_int_equal(ledger_bells(&scenario.world.ledger), 0);
    assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
    expect_doorbell(&scenario, THEIRS("1", "doorbell"));
    scenario_done(&scenario);
}

static void host_without_event_channels_is_rung_by_the_doorbell(void **state)
{
    struct scenario scenario;

    (void)state;
    host_init(&scenario);
    scenario.world.ledger.has_no_bells = true;
    start(&scenario);
    run(&scenario, 10 * SECOND_MS);
    assert_null(peek(&scenario, OURS("1", "feature-event-channel")));
    assert_null(peek(&scenario, THEIRS("1", "event-channel")));
    expect_doorbell(&scenario, THEIRS("1", "doorbell"));
    scenario_done(&scenario);
}

/* A record is watched anyhow. */
static void record_needs_no_bell(void **state)
{
    struct scenario scenario;

    (void)state;
    host_init(&scenario);
    scenario.guests[0].nature.has_no_grants = true;
    start(&scenario);
    run(&scenario, 10 * SECOND_MS);
    assert_string_equal(peek(&scenario, THEIRS("1", "transport")), "record");
    assert_null(peek(&scenario, THEIRS("1", "event-channel")));
    assert_int_equal(ringer(&scenario)->model.bell, 0);
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_is_heard_without_a_write),
        cmocka_unit_test(storm_is_heard_at_its_rate),
        cmocka_unit_test(ring_while_silent_is_heard_later),
        cmocka_unit_test(bell_ends_with_its_guest),
        cmocka_unit_test(new_frontend_has_a_new_bell),
        cmocka_unit_test(new_backend_is_given_the_same_bell),
        cmocka_unit_test(moved_guest_goes_back_to_the_doorbell),
        cmocka_unit_test(dead_port_is_not_offered_to_a_later_backend),
        cmocka_unit_test(bad_port_is_refused_and_the_doorbell_goes_on),
        cmocka_unit_test(port_of_another_is_none),
        cmocka_unit_test(bell_that_cannot_be_armed_is_bound_anew),
        cmocka_unit_test(bell_that_can_never_be_armed_is_given_up),
        cmocka_unit_test(refusal_is_told_until_it_is_taken),
        cmocka_unit_test(lost_bells_are_doorbells),
        cmocka_unit_test(bells_lost_before_the_first_tick_stay_lost),
        cmocka_unit_test(host_without_event_channels_is_rung_by_the_doorbell),
        cmocka_unit_test(record_needs_no_bell),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
