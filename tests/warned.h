/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host on which a large shrink is announced: what the tests of that share.
 * To be included after steps.h or mutants.h.
 */
#ifndef BALLOON_TESTS_WARNED_H
#define BALLOON_TESTS_WARNED_H

#include "tests/world/scenario.h"

/* When the taker begins to want more, since its boot. */
#define NEED_MS (90 * SECOND_MS)

/* Its memory is full of files that were read once. */
static inline struct character *warned_donor(struct scenario *scenario,
                                             const char *name)
{
    struct character *donor =
        scenario_add(scenario, name, 2000 * MIB, 2000 * MIB, 300 * MIB);

    donor->nature.cold_kib = 4000 * MIB;
    return donor;
}

/*
 * A donor, and a taker that will want half a GiB more than it has; more_kib is
 * for others.
 */
static inline struct character *warned_host(struct scenario *scenario,
                                            uint64_t more_kib)
{
    struct character *donor, *taker;

    scenario_init(scenario, (512 + 2000 + 500 + 140) * MIB + more_kib);
    donor = warned_donor(scenario, "donor");
    taker = scenario_add(scenario, "taker", 500 * MIB, 2000 * MIB, 300 * MIB);
    character_wants(taker, NEED_MS, 1200 * MIB);
    taker->nature.growth_kib_s = 1024 * MIB; /* nearly at once */
    taker->nature.swap_kib = 1000 * MIB;
    return donor;
}

/*
 * The donor's frontend writes by this from now on, once a program; returns how
 * it wrote before.
 */
typedef int warned_write_fn(void *state, bus_transaction t, const char *path,
                            const char *value, size_t len);

static inline warned_write_fn *warned_write_by(struct scenario *scenario,
                                               struct bus_ops *ops,
                                               warned_write_fn *write)
{
    struct bus *bus = &world_find(&scenario->world, "donor")->frontend_bus;
    warned_write_fn *was = bus->ops->write;

    *ops = *bus->ops;
    ops->write = write;
    bus->ops = ops;
    return was;
}

#endif
