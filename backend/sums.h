/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sums over all domains: what there is, and who needs it.  Part of the
 * decision, and as pure.  All in this header, as each decision does it for each
 * domain, with what it has just found out about it.
 */
#ifndef BALLOON_BACKEND_SUMS_H
#define BALLOON_BACKEND_SUMS_H

#include <stdint.h>

#include "backend/decide.h"
#include "backend/host.h"
#include "backend/movement.h"
#include "backend/share.h"
#include "common/units.h"

/*
 * Promises are limits above what is held; a builder's claim is counted once.
 * Domain 0 has no limit unless dom0_mem= has a "max:" part, but its kernel
 * goes no further than its target, and it has one only when xl gave it one.
 */
static inline uint64_t sums_promise_kib(const struct snapshot_domain *domain,
                                        enum decide_state state)
{
    uint64_t limit = domain->limit_kib;

    if (domain->domid == 0) {
        limit =
            units_min(limit, domain->has_target
                                 ? share_limit_kib(domain, domain->target_kib)
                                 : 0);
    } else if (state == DECIDE_OPERATOR) {
        limit = units_max(limit, share_operators_limit_kib(domain));
    }
    return units_less(limit,
                      units_add(domain->current_kib, domain->claimed_kib));
}

/*
 * What a domain that was shrunk will have returned when it is at its target and
 * its limit has followed.  Limits follow in steps: counted by what is held, the
 * memory between two steps would belong to nobody, and everybody's share would
 * go down and up again with each step.
 */
static inline uint64_t sums_incoming_kib(const struct snapshot_domain *domain,
                                         uint64_t moves_kib)
{
    uint64_t at_rest = units_max(share_limit_kib(domain, domain->target_kib),
                                 units_less(domain->current_kib, moves_kib));

    return units_less(units_max(domain->limit_kib, domain->current_kib),
                      at_rest);
}

/* Who lacks nothing of its demand lacks nothing of what is coming. */
static inline void sums_lack(const struct snapshot_domain *domain,
                             const struct decide_step *step,
                             struct host_sums *sums)
{
    uint64_t lack = share_lack_kib(domain, step->demand_kib);

    sums->has_unswapped |= step->notes.is_unswapped;
    if (lack == 0) {
        sums->spare_kib += share_spare_kib(domain, step->demand_kib);
        return;
    }
    sums->wanted_kib += lack;
    sums->coming_lack_kib += share_lack_kib(domain, step->coming_kib);
    sums->raises_kib += share_raise_cost_kib(domain, domain->target_kib + lack);
}

/* Adds one domain, which has been judged. */
static inline void sums_count(const struct snapshot_domain *domain,
                              const struct decide_memory *memory,
                              const struct decide_step *step, uint64_t now_ms,
                              struct host_sums *sums)
{
    uint64_t aim, moves, incoming;

    if (step->state != DECIDE_DYING) {
        sums->promised_kib += sums_promise_kib(domain, step->state);
    }
    if (step->state != DECIDE_MANAGED) {
        return;
    }
    aim = movement_aim_kib(domain);
    moves = units_less(movement_held_kib(domain, memory), aim);
    incoming = sums_incoming_kib(domain, moves);
    if (incoming > 0) {
        sums->incoming_kib += incoming;
        sums->soon_kib +=
            units_less(incoming, moves) +
            units_min(incoming, movement_soon_kib(domain, memory, now_ms));
    }
    sums_lack(domain, step, sums);
    sums->targets_kib += aim;
    sums->need_kib += step->need_kib;
    sums->coming_kib += step->coming_kib;
    sums->demand_kib += step->demand_kib;
}

#endif
