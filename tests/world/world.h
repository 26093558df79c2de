/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host: a hypervisor, a store, xl, guests with the real
 * frontend in them, and the real backend, in one process, one thread and
 * simulated time.  world_run() is the function to read first.
 *
 * Everything follows from the configuration and one seed.  After every step
 * the rules of the product (rules.h) are checked; the first one that is
 * broken stops the world and is told with seed and time.
 *
 * A world has no say in what is right: it shows what happened.
 */
#ifndef BALLOON_TESTS_WORLD_WORLD_H
#define BALLOON_TESTS_WORLD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/settings.h"
#include "common/bus.h"
#include "tests/world/daemon.h"
#include "tests/world/dice.h"
#include "tests/world/domu.h"
#include "tests/world/ledger.h"
#include "tests/world/store.h"

#define WORLD_TEXT_MAX 512

struct world_config {
    uint64_t seed;
    uint64_t total_kib;
    uint64_t dom0_kib;
    uint64_t dom0_limit_kib; /* 0: what it holds, "dom0_mem=...,max:..." */
    uint64_t reserve_kib;    /* 0: the default */
};

struct world {
    uint64_t seed;
    uint64_t now_ms;
    struct dice dice; /* for xl: uuids and the like */

    struct store *store;
    struct ledger ledger;
    struct settings settings; /* of the backend; change it between steps */
    struct daemon daemon;
    struct bus xl; /* the toolstack's end of the store, named "xl" */

    struct domu **domus; /* in the order of their creation */
    unsigned int count;
    unsigned int room;
    uint32_t last_domid;
    uint64_t build_kib_s; /* how fast domains are built */

    /*
     * When xl last acted in the middle of a tick of the backend, which then
     * could not know; UINT64_MAX: never.
     */
    uint64_t meddled_ms;

    unsigned int checked_writes; /* of the log, by rules.c */
    uint64_t steps;
    unsigned int failed_migrations;
    uint64_t moved_kib; /* sum of all changes of targets by the backend */
    bool is_broken;
    bool is_quiet; /* a broken rule is remembered, and the program goes on */
    char broken[WORLD_TEXT_MAX]; /* which rule, when; "" while none is */
};

/* The backend is not yet started.  The pointer must stay where it is. */
void world_init(struct world *world, const struct world_config *config);
void world_done(struct world *world);

/*
 * Advances time to the next event, again and again, and stops at until_ms.
 * Returns false when a rule was broken, which ends the program unless
 * is_quiet is set.
 */
bool world_run(struct world *world, uint64_t until_ms);
bool world_run_for(struct world *world, uint64_t duration_ms);

/*
 * Until nothing was written by the backend for quiet_ms; false when that does
 * not come before duration_ms have gone by.
 */
bool world_settle(struct world *world, uint64_t quiet_ms, uint64_t duration_ms);

/* The youngest with that name, NULL when there is none. */
struct domu *world_find(const struct world *world, const char *name);
struct domu *world_find_domid(const struct world *world, uint32_t domid);

/* Called by whoever sees a rule broken; only the first one counts. */
void world_break(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Every domain, one line each, to standard error. */
void world_print(const struct world *world);

#endif
