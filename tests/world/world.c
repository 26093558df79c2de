/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host; see world.h.  Whoever has something to do at the same
 * time does it in a fixed order: xl and guests in the order of their
 * creation, the backend last.
 */
#include "tests/world/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "tests/world/memory.h"
#include "tests/world/rules.h"
#include "tests/world/xl.h"

/* An ordinary disk and an ordinary kernel image: 1 GiB a second. */
#define BUILD_KIB_S (UINT64_C(1024) * 1024)

/*
 * xenstored's quotas of a guest: nodes, and bytes of a node, less what its
 * permissions and a few children take.
 */
#define GUEST_NODES 1000
#define GUEST_VALUE 1900

static void ledger_impossible(void *arg, const char *what)
{
    world_break(arg, "impossible: %s", what);
}

/* Xen starts domain 0, xen-init-dom0 makes its nodes. */
static void boot(struct world *world, const struct world_config *config)
{
    uint64_t limit =
        config->dom0_limit_kib != 0 ? config->dom0_limit_kib : config->dom0_kib;

    ledger_create(&world->ledger, 0, "00000000-0000-0000-0000-000000000000",
                  false);
    (void)ledger_set_limit(&world->ledger, 0, limit);
    (void)ledger_populate(&world->ledger, 0, config->dom0_kib);
    ledger_find(&world->ledger, 0)->is_paused = false;
    (void)bus_write(&world->xl, BUS_NO_TRANSACTION, "/local/domain/0/name",
                    "Domain-0", 8);
    (void)bus_write(&world->xl, BUS_NO_TRANSACTION, "/local/domain/0/domid",
                    "0", 1);
}

void world_init(struct world *world, const struct world_config *config)
{
    memset(world, 0, sizeof(*world));
    world->seed = config->seed;
    dice_init(&world->dice, config->seed, 1);
    world->build_kib_s = BUILD_KIB_S;
    world->meddled_ms = UINT64_MAX;
    world->store = store_new();
    world->store->limit_nodes = GUEST_NODES;
    world->store->limit_len = GUEST_VALUE;
    ledger_init(&world->ledger, config->total_kib);
    world->ledger.impossible = ledger_impossible;
    world->ledger.arg = world;
    settings_init(&world->settings);
    if (config->reserve_kib != 0) {
        world->settings.reserve_kib = config->reserve_kib;
    }
    world->daemon.store = world->store;
    world->daemon.ledger = &world->ledger;
    world->daemon.settings = &world->settings;
    world->daemon.is_halted = true;
    store_connect(world->store, 0, "xl", &world->xl);
    boot(world, config);
    rules_watch(world);
}

void world_done(struct world *world)
{
    unsigned int i;

    daemon_kill(&world->daemon);
    for (i = 0; i < world->count; i++) {
        domu_halt(world->domus[i]);
        free(world->domus[i]);
    }
    free(world->domus);
    settings_done(&world->settings);
    store_free(world->store);
    ledger_done(&world->ledger);
    memset(world, 0, sizeof(*world));
}

/* ---- Time -------------------------------------------------------------- */

static uint64_t next_of(const struct world *world, const struct domu *domu)
{
    uint64_t next = xl_next_ms(domu);

    return domu->phase == DOMU_RUNNING
               ? units_min(next, domu_next_ms(domu, world->now_ms))
               : next;
}

static uint64_t next_ms(const struct world *world)
{
    uint64_t next = daemon_next_ms(&world->daemon, world->now_ms);
    unsigned int i;

    for (i = 0; i < world->count; i++) {
        next = units_min(next, next_of(world, world->domus[i]));
    }
    return units_max(next, world->now_ms);
}

static void step(struct world *world)
{
    unsigned int i;

    world->steps++;
    world->store->now_ms = world->now_ms;
    for (i = 0; i < world->count; i++) {
        struct domu *domu = world->domus[i];

        if (next_of(world, domu) > world->now_ms) {
            continue;
        }
        if (domu->phase == DOMU_RUNNING &&
            domu_has_ended(domu, world->now_ms)) {
            xl_end(world, domu);
        } else if (domu->phase == DOMU_RUNNING &&
                   xl_next_ms(domu) > world->now_ms) {
            domu_run(domu, world->store, &world->ledger, world->now_ms);
        } else {
            xl_run(world, domu);
        }
    }
    daemon_run(&world->daemon, world->now_ms);
    rules_check(world);
}

bool world_run(struct world *world, uint64_t until_ms)
{
    uint64_t next;

    while (!world->is_broken && (next = next_ms(world)) <= until_ms) {
        world->now_ms = next;
        step(world);
    }
    if (!world->is_broken) {
        world->now_ms = until_ms;
        world->store->now_ms = until_ms;
    }
    return !world->is_broken;
}

bool world_run_for(struct world *world, uint64_t duration_ms)
{
    return world_run(world, world->now_ms + duration_ms);
}

bool world_settle(struct world *world, uint64_t quiet_ms, uint64_t duration_ms)
{
    uint64_t until_ms = world->now_ms + duration_ms;

    while (world->now_ms < until_ms) {
        uint64_t since_ms = world->now_ms;

        if (!world_run_for(world, quiet_ms)) {
            return false;
        }
        if (writes_count(&world->store->log, since_ms, DAEMON_NAME, NULL) ==
            0) {
            return true;
        }
    }
    return false;
}

/* ---- What others ask --------------------------------------------------- */

struct domu *world_find(const struct world *world, const char *name)
{
    unsigned int i;

    for (i = world->count; i > 0; i--) {
        if (strcmp(world->domus[i - 1]->name, name) == 0) {
            return world->domus[i - 1];
        }
    }
    return NULL;
}

struct domu *world_find_domid(const struct world *world, uint32_t domid)
{
    unsigned int i;

    /* Domids are not used again while a world lasts. */
    for (i = world->count; i > 0; i--) {
        if (world->domus[i - 1]->domid == domid) {
            return world->domus[i - 1];
        }
    }
    return NULL;
}

void world_break(struct world *world, const char *format, ...)
{
    va_list args;
    int len;

    if (world->is_broken) {
        return;
    }
    world->is_broken = true;
    len = snprintf(world->broken, sizeof(world->broken),
                   "seed %" PRIu64 ", %" PRIu64 " ms: ", world->seed,
                   world->now_ms);
    va_start(args, format);
    (void)vsnprintf(world->broken + len, sizeof(world->broken) - (size_t)len,
                    format, args);
    va_end(args);
    if (!world->is_quiet) {
        (void)fprintf(stderr, "%s\n", world->broken);
        world_print(world);
        abort();
    }
}

static const char *phase_word(enum domu_phase phase)
{
    static const char *const words[] = {
        [DOMU_BUILDING] = "building",   [DOMU_RUNNING] = "running",
        [DOMU_SUSPENDED] = "suspended", [DOMU_SAVED] = "saved",
        [DOMU_LEAVING] = "leaving",     [DOMU_DYING] = "dying",
        [DOMU_GONE] = "gone",
    };

    return words[phase];
}

void world_print(const struct world *world)
{
    unsigned int i;

    (void)fprintf(stderr,
                  "seed %" PRIu64 ", %" PRIu64 " ms: free %" PRIu64
                  " KiB, claimed %" PRIu64 ", promised %" PRIu64
                  ", reserve %" PRIu64 "\n",
                  world->seed, world->now_ms, world->ledger.free_kib,
                  ledger_claimed_kib(&world->ledger), rules_promised_kib(world),
                  world->settings.reserve_kib);
    for (i = 0; i < world->count; i++) {
        const struct domu *domu = world->domus[i];
        const struct hypervisor_domain *domain =
            ledger_find(&world->ledger, domu->domid);

        (void)fprintf(
            stderr,
            "%4u %-12s %-9s %-10s target %9" PRIu64 " current %9" PRIu64
            " limit %9" PRIu64 " wants %9" PRIu64 " has %9" PRIu64
            " swap %8" PRIu64 " oom %" PRIu64 "\n",
            domu->domid, domu->name, phase_word(domu->phase),
            domu->config.nature->word, domu->target_kib,
            domain != NULL ? domain->current_kib : 0,
            domain != NULL ? domain->limit_kib : 0,
            domu->kernel_bus.ops != NULL ? model_wants_kib(&domu->model) : 0,
            domu->kernel_bus.ops != NULL ? model_has_kib(&domu->model) : 0,
            domu->model.swapped_kib, domu->model.oom_kills);
    }
}
