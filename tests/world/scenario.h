/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: a host and its guests in a few lines, and what is asked of it
 * in one.
 */
#ifndef BALLOON_TESTS_WORLD_SCENARIO_H
#define BALLOON_TESTS_WORLD_SCENARIO_H

#include "tests/world/character.h"
#include "tests/world/world.h"
#include "tests/world/xl.h"

#define SCENARIO_GUESTS_MAX 32

/* Must stay where it is. */
struct scenario {
    struct world world;
    struct character guests[SCENARIO_GUESTS_MAX];
    unsigned int count;
};

/*
 * An empty host of total_kib, 512 MiB of which are dom0's.  The seed is 1;
 * set world.seed, and the rest, before guests are added.
 */
void scenario_init(struct scenario *scenario, uint64_t total_kib);

/* The same with another dom0. */
void scenario_init_host(struct scenario *scenario, uint64_t total_kib,
                        uint64_t dom0_kib);
void scenario_done(struct scenario *scenario);

/* One more guest, to be changed before scenario_start(). */
struct character *scenario_add(struct scenario *scenario, const char *name,
                               uint64_t memory_kib, uint64_t maxmem_kib,
                               uint64_t wants_kib);

/* What backend.conf says of a guest; fields as in settings.h. */
void scenario_bound(struct scenario *scenario, const char *name,
                    uint64_t floor_kib, uint64_t ceiling_kib);
void scenario_weigh(struct scenario *scenario, const char *name,
                    uint64_t weight);

/* xl create of all guests, the backend, and time until all are built. */
bool scenario_start(struct scenario *scenario);

/* From now on its programs want this, and what they wanted is forgotten. */
void scenario_want(struct scenario *scenario, const char *name,
                   uint64_t wants_kib);

/* By name; the guest must be there. */
uint64_t scenario_target(const struct scenario *scenario, const char *name);
uint64_t scenario_held(const struct scenario *scenario, const char *name);

/* What the backend that runs thinks of the guest; NULL: nothing. */
const struct balancer_domain *scenario_seen(struct scenario *scenario,
                                            const char *name);

/* "xenballoon release": the domain is the backend's again. */
int scenario_release(struct scenario *scenario, const char *name);

/* Whether all guests that run have in memory what they want. */
bool scenario_is_content(const struct scenario *scenario);

/* How many programs were killed, in all guests. */
uint64_t scenario_kills(const struct scenario *scenario);

#endif
