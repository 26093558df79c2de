/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios; see scenario.h.
 */
#include "tests/world/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB UINT64_C(1024)

/* Long enough for SCENARIO_GUESTS_MAX guests to be built. */
#define BUILT_MS 15000

void scenario_init_host(struct scenario *scenario, uint64_t total_kib,
                        uint64_t dom0_kib)
{
    const struct world_config config = {
        .seed = 1, .total_kib = total_kib, .dom0_kib = dom0_kib};

    memset(scenario, 0, sizeof(*scenario));
    world_init(&scenario->world, &config);
}

void scenario_init(struct scenario *scenario, uint64_t total_kib)
{
    scenario_init_host(scenario, total_kib, 512 * MIB);
}

void scenario_done(struct scenario *scenario)
{
    world_done(&scenario->world);
}

struct character *scenario_add(struct scenario *scenario, const char *name,
                               uint64_t memory_kib, uint64_t maxmem_kib,
                               uint64_t wants_kib)
{
    struct character *guest = &scenario->guests[scenario->count++];

    character_init(guest, name, memory_kib, maxmem_kib, wants_kib);
    return guest;
}

static void set(struct scenario *scenario, const char *name,
                const struct settings_domain *more)
{
    const struct settings_domain *old =
        settings_find(&scenario->world.settings, name);
    struct settings_domain entry = {.has = 0};

    if (old != NULL) {
        entry = *old;
    }
    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    if (more->has & SETTINGS_HAS_FLOOR) {
        entry.floor_kib = more->floor_kib;
        entry.ceiling_kib = more->ceiling_kib;
    }
    if (more->has & SETTINGS_HAS_WEIGHT) {
        entry.weight = more->weight;
    }
    entry.has |= more->has;
    (void)settings_add(&scenario->world.settings, &entry);
}

void scenario_bound(struct scenario *scenario, const char *name,
                    uint64_t floor_kib, uint64_t ceiling_kib)
{
    const struct settings_domain entry = {.has = SETTINGS_HAS_FLOOR |
                                                 SETTINGS_HAS_CEILING,
                                          .floor_kib = floor_kib,
                                          .ceiling_kib = ceiling_kib};

    set(scenario, name, &entry);
}

void scenario_weigh(struct scenario *scenario, const char *name,
                    uint64_t weight)
{
    const struct settings_domain entry = {.has = SETTINGS_HAS_WEIGHT,
                                          .weight = weight};

    set(scenario, name, &entry);
}

bool scenario_start(struct scenario *scenario)
{
    struct world *world = &scenario->world;
    unsigned int i;

    for (i = 0; i < scenario->count; i++) {
        if (xl_create(world, &scenario->guests[i].config) == NULL) {
            world_break(world, "no memory to create %s",
                        scenario->guests[i].name);
            return false;
        }
    }
    daemon_start(&world->daemon, world->now_ms);
    return world_run_for(world, BUILT_MS);
}

void scenario_want(struct scenario *scenario, const char *name,
                   uint64_t wants_kib)
{
    struct domu *domu = world_find(&scenario->world, name);
    unsigned int i;

    /* What it wanted counts up to now. */
    model_run(&domu->model, scenario->world.now_ms);
    for (i = 0; i < scenario->count; i++) {
        struct character *guest = &scenario->guests[i];

        if (strcmp(guest->name, name) == 0) {
            guest->nature.point_count = 0;
            character_wants(guest, 0, wants_kib);
        }
    }
    domu->due_ms = scenario->world.now_ms;
}

uint64_t scenario_target(const struct scenario *scenario, const char *name)
{
    return world_find(&scenario->world, name)->target_kib;
}

uint64_t scenario_held(const struct scenario *scenario, const char *name)
{
    const struct domu *domu = world_find(&scenario->world, name);

    return ledger_find(&scenario->world.ledger, domu->domid)->current_kib;
}

const struct balancer_domain *scenario_seen(struct scenario *scenario,
                                            const char *name)
{
    struct daemon *daemon = &scenario->world.daemon;

    return daemon->is_running ? balancer_find(&daemon->balancer, name) : NULL;
}

int scenario_release(struct scenario *scenario, const char *name)
{
    struct daemon *daemon = &scenario->world.daemon;
    struct balancer_domain *domain = balancer_find(&daemon->balancer, name);
    int r = -ESRCH;

    if (domain != NULL) {
        r = balancer_release(&daemon->balancer, domain);
    }
    if (r == 0) {
        world_find(&scenario->world, name)->is_operators = false;
        daemon->next_ms = scenario->world.now_ms; /* control.c ticks then */
    }
    return r;
}

bool scenario_is_content(const struct scenario *scenario)
{
    const struct world *world = &scenario->world;
    unsigned int i;

    for (i = 0; i < world->count; i++) {
        if (world->domus[i]->phase == DOMU_RUNNING &&
            !domu_is_content(world->domus[i])) {
            return false;
        }
    }
    return true;
}

uint64_t scenario_kills(const struct scenario *scenario)
{
    const struct world *world = &scenario->world;
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < world->count; i++) {
        sum += world->domus[i]->model.oom_kills;
    }
    return sum;
}
