/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sharing out: who gives, who gets, and how much.  Part of the decision,
 * and as pure.
 *
 * Looks only at domains whose step says DECIDE_MANAGED, with demand_kib set.
 */
#ifndef BALLOON_BACKEND_SHARE_H
#define BALLOON_BACKEND_SHARE_H

#include <stdint.h>

#include "backend/decide.h"

/* Sums over all domains. */
struct share_tally {
    uint64_t promised_kib; /* limits above what is held */
    int64_t spendable_kib; /* below zero: the reserve is short */
    uint64_t incoming_kib; /* limits above what targets need: on its way */
    uint64_t wanted_kib;   /* takers */
    uint64_t spare_kib;    /* donors */
    uint64_t targets_kib;  /* of managed domains */
};

struct share_tally share_count(const struct snapshot *snapshot,
                               const struct decide_memory *memories,
                               const struct plan *plan);

/* Sets target, limit and reason of the steps that move a target. */
void share_out(const struct snapshot *snapshot, const struct share_tally *tally,
               struct plan *plan);

/* The limit that goes with a target, as libxl sets it. */
uint64_t share_limit_kib(const struct snapshot_domain *domain,
                         uint64_t target_kib);

/*
 * The limit of a domain that the operator holds: the one that xl gave it,
 * whichever that is, unless ours came just after xl mem-set.
 */
uint64_t share_operators_limit_kib(const struct snapshot_domain *domain);

/* A smaller step is not worth a write. */
uint64_t share_deadband_kib(uint64_t target_kib);

#endif
