/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One fault at a time, at every call that the backend makes while memory goes
 * from one guest to another: it is killed there, the call fails there, or xl
 * acts just there.  Whatever it is, the rules hold, nobody is harmed, and the
 * host ends where it would have ended without.
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
#include "common/units.h"
#include "tests/world/scenario.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000

/* When the taker begins to grow. */
#define TRANSFER_MS (25 * SECOND_MS)

/*
 * A donor of this size gives 16 MiB, its dead-band, or more each time that it
 * is asked; how often it is, and so what is left free, depends on when.
 */
#define NEAR_KIB (48 * MIB)

/* What a run ended with. */
struct end {
    uint64_t calls; /* of the backend, while it was watched */
    uint64_t changes;
    bool has_struck;
    uint64_t targets_kib[2];
};

static const char *const names[] = {"donor", "taker"};

/*
 * The taker grows slowly enough for a backend that has to start again and to
 * wait for the next heartbeats.
 */
static void transfer(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 300 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 300 * MIB, 1000 * MIB, 100 * MIB);
    taker->config.is_hvm = true;
    taker->nature.growth_kib_s = 5 * MIB;
    taker->nature.swap_kib = 200 * MIB;
    character_wants(taker, TRANSFER_MS, 220 * MIB);
    scenario->world.is_quiet = true;
    if (!scenario_start(scenario) ||
        !world_run(&scenario->world, TRANSFER_MS)) {
        fail_msg("%s", scenario->world.broken);
    }
}

/* From the end of transfer() to the end of everything. */
static void finish(struct scenario *scenario, struct end *ret_end)
{
    struct daemon *daemon = &scenario->world.daemon;
    const struct fault seen = daemon->fault;
    unsigned int i;

    if (!world_run_for(&scenario->world, 40 * SECOND_MS)) {
        fail_msg("call %llu, error %d: %s", (unsigned long long)seen.at,
                 seen.error, scenario->world.broken);
    }
    ret_end->has_struck = daemon->starts > 1 || daemon->fault.has_struck;
    ret_end->calls = daemon->fault.calls - seen.calls;
    ret_end->changes = daemon->fault.changes - seen.changes;
    if (!world_settle(&scenario->world, 25 * SECOND_MS, 300 * SECOND_MS)) {
        fail_msg("call %llu, error %d: does not come to rest %s",
                 (unsigned long long)seen.at, seen.error,
                 scenario->world.broken);
    }
    for (i = 0; i < 2; i++) {
        ret_end->targets_kib[i] = scenario_target(scenario, names[i]);
    }
    if (!scenario_is_content(scenario) || scenario_kills(scenario) > 0) {
        world_print(&scenario->world);
        fail_msg("call %llu: somebody was harmed", (unsigned long long)seen.at);
    }
}

static void expect_same(const struct end *end, const struct end *normal,
                        uint64_t at)
{
    unsigned int i;

    for (i = 0; i < 2; i++) {
        if (units_distance(end->targets_kib[i], normal->targets_kib[i]) >
            NEAR_KIB) {
            fail_msg("call %llu: %s ends with %llu KiB, not %llu",
                     (unsigned long long)at, names[i],
                     (unsigned long long)end->targets_kib[i],
                     (unsigned long long)normal->targets_kib[i]);
        }
    }
}

static void without_faults(struct end *ret_end)
{
    struct scenario scenario;

    transfer(&scenario);
    finish(&scenario, ret_end);
    scenario_done(&scenario);
    assert_true(ret_end->changes > 20);
}

/* The at-th call from now on; true while there was one. */
static bool with_fault(struct fault fault, uint64_t at,
                       const struct end *normal)
{
    struct scenario scenario;
    struct fault *armed;
    struct end end;

    transfer(&scenario);
    armed = &scenario.world.daemon.fault;
    armed->kind = fault.kind;
    armed->error = fault.error;
    armed->changes_alone = fault.changes_alone;
    armed->at = at + (fault.changes_alone ? armed->changes : armed->calls);
    finish(&scenario, &end);
    expect_same(&end, normal, at);
    scenario_done(&scenario);
    return end.has_struck;
}

static void killed_anywhere_the_next_backend_goes_on(void **state)
{
    const struct fault fault = {.kind = FAULT_DIE, .changes_alone = true};
    struct end normal;
    uint64_t at = 1;

    (void)state;
    without_faults(&normal);
    while (with_fault(fault, at, &normal)) {
        at++;
    }
    print_message("# killed before each of %llu changes\n",
                  (unsigned long long)at - 1);
    assert_true(at > normal.changes);
}

/*
 * What the store and Xen may answer.  -ENOTCONN says that the store is gone,
 * and makes the backend end and be started again.
 */
static const int errors[] = {-EAGAIN, -ENOMEM,   -ENOENT,
                             -ESRCH,  -ENOTCONN, -EEXIST};

static void each_call_may_fail_once(void **state)
{
    struct fault fault = {.kind = FAULT_FAIL};
    struct end normal;
    uint64_t at = 1;
    unsigned int i;

    (void)state;
    without_faults(&normal);
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fault.error = errors[i];
        for (at = 1; with_fault(fault, at, &normal); at++) {
        }
        assert_true(at > normal.calls);
    }
    print_message("# each error at each of %llu calls\n",
                  (unsigned long long)at - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere_the_next_backend_goes_on),
        cmocka_unit_test(each_call_may_fail_once),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
