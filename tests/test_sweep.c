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

/*
 * The taker begins to grow at the first of these, needs more than it has soon
 * after the second, and has it by the third.
 */
#define GROWS_MS (25 * SECOND_MS)
#define BEFORE_MS (41 * SECOND_MS)
#define AFTER_MS (56 * SECOND_MS)

/*
 * A donor of this size gives 16 MiB, its dead-band, or more each time that it
 * is asked; how often it is, and so what is left free, depends on when.
 */
#define NEAR_KIB (48 * MIB)

/*
 * A backend that is restarted in the midst of a burst has seen less of it, and
 * keeps that much less free: at most this.
 */
#define UNLEARNED_KIB (2500 * MIB / DECIDE_BURST_SHARE)

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
    character_wants(taker, GROWS_MS, 220 * MIB);
    scenario->world.is_quiet = true;
    if (!scenario_start(scenario) || !world_run(&scenario->world, BEFORE_MS)) {
        fail_msg("%s", scenario->world.broken);
    }
}

/* From the end of transfer() to the end of everything. */
static void finish(struct scenario *scenario, struct end *ret_end)
{
    struct daemon *daemon = &scenario->world.daemon;
    const struct fault seen = daemon->fault;
    unsigned int i;

    if (!world_run(&scenario->world, AFTER_MS)) {
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
            NEAR_KIB + UNLEARNED_KIB) {
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

/* ---- xl, just there ------------------------------------------------------ */

/*
 * What xl does to whom, and with how much memory.  A mem-set to the very value
 * that is there, within the milliseconds between looking and writing, is not
 * among them: a compare-and-set cannot see it.
 */
static const struct meddling {
    const char *why;
    int (*act)(struct world *world, struct domu *domu, uint64_t memory_kib);
    const char *name;
    uint64_t memory_kib;
} meddlings[] = {
    {"mem-set raises the taker", xl_mem_set, "taker", 350 * MIB},
    {"mem-set lowers the taker", xl_mem_set, "taker", 280 * MIB},
    {"mem-set keeps the donor large", xl_mem_set, "donor", 995 * MIB},
    {"mem-set lowers the donor", xl_mem_set, "donor", 700 * MIB},
};

struct meddler {
    struct world *world;
    const struct meddling *meddling;
};

static void meddle(void *arg)
{
    const struct meddler *meddler = arg;
    struct domu *domu = world_find(meddler->world, meddler->meddling->name);

    meddler->world->meddled_ms = meddler->world->now_ms;
    meddler->world->ledger.is_raced = true;
    (void)meddler->meddling->act(meddler->world, domu,
                                 meddler->meddling->memory_kib);
}

/* Before the at-th call; true while there was one. */
static bool with_meddling(struct scenario *scenario, uint64_t at,
                          const struct meddling *meddling)
{
    struct meddler meddler = {&scenario->world, meddling};
    struct fault *armed = &scenario->world.daemon.fault;
    bool has_struck = false;

    armed->kind = FAULT_MEDDLE;
    armed->meddle = meddle;
    armed->arg = &meddler;
    armed->at = armed->calls + at;
    if (world_run(&scenario->world, AFTER_MS)) {
        has_struck = armed->has_struck;
        armed->kind = FAULT_NONE;
        (void)world_run_for(&scenario->world, 20 * SECOND_MS);
    }
    if (scenario->world.is_broken) {
        world_print(&scenario->world);
        fail_msg("%s before call %llu: %s", meddling->why,
                 (unsigned long long)at, scenario->world.broken);
    }
    return has_struck;
}

/*
 * The operator has what he said, and the limit that goes with it, or a little
 * more: one that was being lowered towards a smaller target.
 */
#define SURPLUS_KIB (8 * MIB)

static void expect_operators(const struct scenario *scenario, uint64_t at,
                             const struct meddling *meddling)
{
    const struct domu *domu = world_find(&scenario->world, meddling->name);
    const struct hypervisor_domain *domain =
        ledger_find(&scenario->world.ledger, domu->domid);

    if (domu->target_kib != meddling->memory_kib ||
        domain->current_kib != meddling->memory_kib ||
        domain->limit_kib < xl_limit_kib(domu, domu->target_kib) ||
        domain->limit_kib >
            xl_limit_kib(domu, domu->target_kib) + SURPLUS_KIB) {
        world_print(&scenario->world);
        fail_msg("%s before call %llu: it is not as it was set", meddling->why,
                 (unsigned long long)at);
    }
}

static void mem_set_wins_whenever_it_comes(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(meddlings) / sizeof(meddlings[0]); i++) {
        bool has_struck = true;
        uint64_t at;

        for (at = 1; has_struck; at++) {
            struct scenario scenario;

            transfer(&scenario);
            has_struck = with_meddling(&scenario, at, &meddlings[i]);
            if (has_struck) {
                expect_operators(&scenario, at, &meddlings[i]);
            }
            scenario_done(&scenario);
        }
    }
}

static int destroy(struct world *world, struct domu *domu, uint64_t unused_kib)
{
    (void)unused_kib;
    xl_destroy(world, domu);
    return 0;
}

static int crash(struct world *world, struct domu *domu, uint64_t unused_kib)
{
    (void)unused_kib;
    xl_crash(world, domu);
    return 0;
}

static int save(struct world *world, struct domu *domu, uint64_t unused_kib)
{
    (void)unused_kib;
    xl_save(world, domu);
    return 0;
}

static const struct meddling ends[] = {
    {"the taker is destroyed", destroy, "taker", 0},
    {"the donor is destroyed", destroy, "donor", 0},
    {"the taker crashes", crash, "taker", 0},
    {"the donor crashes", crash, "donor", 0},
    {"the taker is saved", save, "taker", 0},
    {"the donor is saved", save, "donor", 0},
};

/* A crashed domain keeps its record until it is destroyed. */
static void expect_no_trace(const struct scenario *scenario, uint64_t at,
                            const struct meddling *meddling)
{
    const struct domu *domu = world_find(&scenario->world, meddling->name);
    const struct domu *other =
        scenario->world.domus[domu == scenario->world.domus[0] ? 1 : 0];
    char path[BUS_PATH_MAX];
    unsigned int i;

    for (i = 0; i < 2 && meddling->act != crash; i++) {
        (void)snprintf(path, sizeof(path),
                       i == 0 ? "/local/domain/%u"
                              : "/local/domain/0/xenballoon/%u",
                       domu->domid);
        if (store_peek(scenario->world.store, path) != NULL) {
            fail_msg("%s before call %llu: %s is there", meddling->why,
                     (unsigned long long)at, path);
        }
    }
    if (!domu_is_content(other)) {
        world_print(&scenario->world);
        fail_msg("%s before call %llu: the other one suffers", meddling->why,
                 (unsigned long long)at);
    }
}

static void domain_may_end_at_any_call(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        bool has_struck = true;
        uint64_t at;

        for (at = 1; has_struck; at++) {
            struct scenario scenario;

            transfer(&scenario);
            has_struck = with_meddling(&scenario, at, &ends[i]);
            if (has_struck) {
                expect_no_trace(&scenario, at, &ends[i]);
            }
            scenario_done(&scenario);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere_the_next_backend_goes_on),
        cmocka_unit_test(each_call_may_fail_once),
        cmocka_unit_test(mem_set_wins_whenever_it_comes),
        cmocka_unit_test(domain_may_end_at_any_call),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
