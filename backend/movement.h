/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a domain moves: whether it does what its target asks.  Part of the
 * decision, and as pure.
 */
#ifndef BALLOON_BACKEND_MOVEMENT_H
#define BALLOON_BACKEND_MOVEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"
#include "common/units.h"

/*
 * Brings memory up to date with what domain holds at now_ms: the offset, the
 * progress, and whether it is stuck.  To be called once a decision.
 */
void movement_follow(const struct snapshot_domain *domain,
                     struct decide_memory *memory, uint64_t now_ms);

/* What the domain holds, counted as its target is. */
static inline uint64_t movement_held_kib(const struct snapshot_domain *domain,
                                         const struct decide_memory *memory)
{
    int64_t held = (int64_t)domain->current_kib -
                   (int64_t)domain->videoram_kib - memory->offset_kib;

    return held > 0 ? (uint64_t)held : 0;
}

/*
 * What it has taken by itself, out of its allowance: that much more than its
 * target it may hold.  Who says more than it was allowed is on its way down.
 */
static inline uint64_t movement_reflex_kib(const struct snapshot_domain *domain)
{
    return domain->has_reflex
               ? units_min(domain->report.reflex_kib, domain->allowance_kib)
               : 0;
}

/* Where it is to go, counted as its target is. */
static inline uint64_t movement_aim_kib(const struct snapshot_domain *domain)
{
    return domain->target_kib + movement_reflex_kib(domain);
}

/* Where it is to be, within DECIDE_ARRIVED_KIB. */
static inline bool movement_has_arrived(const struct snapshot_domain *domain,
                                        const struct decide_memory *memory)
{
    return units_distance(movement_held_kib(domain, memory),
                          movement_aim_kib(domain)) <= DECIDE_ARRIVED_KIB;
}

/*
 * What the domain will return to Xen within DECIDE_PATIENCE_MS, as far as it
 * can be relied upon; the rest has to be asked of others.
 */
uint64_t movement_soon_kib(const struct snapshot_domain *domain,
                           const struct decide_memory *memory, uint64_t now_ms);

/* It was stuck and has not moved since, or does not move now. */
static inline bool movement_lags(const struct snapshot_domain *domain,
                                 const struct decide_memory *memory,
                                 uint64_t now_ms)
{
    return memory->retry_after_ms > 0 ||
           (!movement_has_arrived(domain, memory) &&
            units_less(now_ms, memory->progress_ms) >= DECIDE_LAGGARD_MS);
}

/* Never DECIDE_EXCLUDED: how it moves has no say in that. */
static inline enum decide_trust movement_trust(
    const struct snapshot_domain *domain, const struct decide_memory *memory,
    uint64_t now_ms)
{
    uint64_t slowest = units_min(memory->up_kib_s, memory->down_kib_s);

    if (memory->is_stuck) {
        return DECIDE_IMMOBILE;
    }
    if (movement_lags(domain, memory, now_ms)) {
        return DECIDE_SLOW;
    }
    if (slowest == 0) {
        slowest = units_max(memory->up_kib_s, memory->down_kib_s);
    }
    if (slowest == 0) {
        return DECIDE_UNKNOWN;
    }
    return slowest < DECIDE_SLOW_KIB_S ? DECIDE_SLOW : DECIDE_WILLING;
}

#endif
