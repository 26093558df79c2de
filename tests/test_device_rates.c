/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dom0's end of the device: what guests cost, the calm ones and the others. */
#include "backend/device.h"
#include "backend/watch.h"
#include "common/log.h"
#include "tests/rig.h"

/* ---- Rates -------------------------------------------------------------- */

/* However often a guest rings, it is read once in BALANCER_REPORT_MIN_MS. */
static void ringing_without_pause_is_read_at_its_rate(void **state)
{
    uint64_t copies;
    struct rig rig;
    unsigned int i;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("10000"));
    soon(&rig);
    copies = rig.scenario.world.ledger.counts.copies;
    for (i = 0; i < 5 * SECOND_MS; i++) {
        write_page(&rig, REPORT("10000"));
        ring(&rig);
        run(&rig.scenario, 1);
    }
    copies = rig.scenario.world.ledger.counts.copies - copies;
    assert_in_range(copies, 40, 5 * SECOND_MS / BALANCER_REPORT_MIN_MS + 1);
    rig_done(&rig);
}

static void flap(struct rig *rig, unsigned int i)
{
    static const char *const states[] = {"3", "4", "6", "1", "x"};

    say(rig, PROTOCOL_NODE_VERSION, i % 7 == 0 ? "2" : "1");
    say(rig, PROTOCOL_NODE_STATE, states[i % 5]);
}

static void take_apart(struct rig *rig, unsigned int i)
{
    (void)i;
    (void)bus_remove(&rig->guest, BUS_NO_TRANSACTION, PROTOCOL_FRONTEND);
}

static void litter(struct rig *rig, unsigned int i)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/litter%u", PROTOCOL_FRONTEND,
                   i % 100);
    (void)put(&rig->guest, path, "1");
}

static const struct {
    const char *why;
    void (*act)(struct rig *rig, unsigned int i);
    uint64_t requests; /* reads and writes of the backend in 5 s, at most */
} nuisances[] = {
    /* 50 looks of a transaction of at most 8 requests */
    {"a state that flaps", flap, 50 * 8},
    /* 5 makings of at most 17, and as many looks */
    {"a directory that goes again and again", take_apart, 6 * 25},
    {"nodes that nobody knows", litter, 2},
};

static void nuisance_costs_a_bounded_number_of_requests(void **state)
{
    unsigned int n;

    (void)state;
    for (n = 0; n < sizeof(nuisances) / sizeof(nuisances[0]); n++) {
        const struct store_counts *counts;
        uint64_t before;
        uint64_t cost;
        struct rig rig;
        unsigned int i;

        rig_start(&rig);
        offer_record(&rig, REPORT("10000"));
        soon(&rig);
        counts = store_counts(&rig.scenario.world.daemon.fault.bus);
        before = counts->reads + counts->writes;
        for (i = 0; i < 5 * SECOND_MS; i++) {
            nuisances[n].act(&rig, i);
            run(&rig.scenario, 1);
        }
        cost = counts->reads + counts->writes - before;
        print_message("# %s: %llu requests in 5 s\n", nuisances[n].why,
                      (unsigned long long)cost);
        assert_true(cost <= nuisances[n].requests);

        soon(&rig);
        run(&rig.scenario, 2 * DEVICE_MAKE_MS);
        offer_record(&rig, REPORT("10000"));
        soon(&rig);
        expect(&rig, OURS "state", "4");
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
        rig_done(&rig);
    }
}

/* The guest's, without end; a bus that came to one would end the test. */
#define FLOOD_END 1000000

static unsigned int events_taken;

static int next_of_flood(void *state, struct bus_event *ret_event)
{
    (void)state;
    if (events_taken >= FLOOD_END) {
        return 0;
    }
    events_taken++;
    (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s",
                   THEIRS PROTOCOL_NODE_DOORBELL);
    (void)snprintf(ret_event->token, sizeof(ret_event->token), "d1:%u",
                   (unsigned int)BALANCER_DEVICE);
    return 1;
}

static void guest_that_writes_without_end_does_not_keep_a_tick(void **state)
{
    struct bus_ops ops;
    struct bus *bus;
    struct rig rig;
    uint64_t ticks;

    (void)state;
    rig_start(&rig);
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    bus = &rig.scenario.world.daemon.bus;
    ops = *bus->ops;
    ops.next_event = next_of_flood;
    bus->ops = &ops;
    events_taken = 0;
    ring(&rig); /* which stays: the bus is readable all the time */
    ticks = rig.scenario.world.daemon.ticks;
    run(&rig.scenario, SECOND_MS);
    ticks = rig.scenario.world.daemon.ticks - ticks;
    print_message("# %u events in %llu ticks\n", events_taken,
                  (unsigned long long)ticks);
    assert_true(ticks > 0);
    /* Dom0 is a domain, too. */
    assert_int_equal(events_taken, ticks * WATCH_EVENTS_MAX * (1 + 3));
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    rig_done(&rig);
}

/*
 * Eight calm guests: nobody writes, and the backend wakes no more often than
 * for a heartbeat of all of them.
 */
static void calm_guests_cost_a_copy_a_heartbeat(void **state)
{
    static const char *const guests[] = {"a", "b", "c", "d",
                                         "e", "f", "g", "h"};
    const struct ledger_counts *counts;
    struct scenario scenario;
    uint64_t since_ms;
    uint64_t ticks;
    uint64_t copies;
    uint64_t pages;
    unsigned int i;

    (void)state;
    scenario_init(&scenario, (512 + 8 * 200 + 400) * MIB);
    for (i = 0; i < 8; i++) {
        struct character *one =
            scenario_add(&scenario, guests[i], 200 * MIB, 200 * MIB, 100 * MIB);

        one->config.frontend_ms += 700 * i; /* each in its own time */
    }
    start(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    counts = &scenario.world.ledger.counts;
    since_ms = scenario.world.now_ms;
    ticks = scenario.world.daemon.ticks;
    copies = counts->copies;
    pages = counts->pages;

    run(&scenario, 10 * MINUTE_MS);
    copies = counts->copies - copies;
    pages = counts->pages - pages;
    print_message("# in 10 min: %llu ticks, %llu copies of %llu pages\n",
                  (unsigned long long)(scenario.world.daemon.ticks - ticks),
                  (unsigned long long)copies, (unsigned long long)pages);
    assert_int_equal(
        writes_count(&scenario.world.store->log, since_ms, NULL, NULL), 0);
    assert_in_range(copies, 55, 65);
    assert_in_range(pages, 8 * 55, 8 * 65);
    assert_true(scenario.world.daemon.ticks - ticks <= 130);
    for (i = 0; i < 8; i++) {
        assert_int_equal(scenario_seen(&scenario, guests[i])->seen.voice,
                         SNAPSHOT_VOICE_GOOD);
    }
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ringing_without_pause_is_read_at_its_rate),
        cmocka_unit_test(nuisance_costs_a_bounded_number_of_requests),
        cmocka_unit_test(guest_that_writes_without_end_does_not_keep_a_tick),
        cmocka_unit_test(calm_guests_cost_a_copy_a_heartbeat),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
