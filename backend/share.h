/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sharing out: what there is, and for what it is shared.  Who gives is in
 * donors.h, who gets in grants.h.  Part of the decision, and as pure.
 *
 * Memory is shared out in tiers: to all their least, then what they need, then
 * what they are about to need, then their head-room, and as much as that is
 * kept free for allowances, as far as there are any.  Where it gives out, the
 * tier is split by price (price.h): head-room by weight alone, what is needed
 * by weight with a tax on what lies idle.
 *
 * Looks only at domains whose step says DECIDE_MANAGED, with its needs set.
 */
#ifndef BALLOON_BACKEND_SHARE_H
#define BALLOON_BACKEND_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"
#include "backend/donors.h"
#include "backend/host.h"
#include "common/units.h"

/* Of a raise, how much costs what is needed, what is vital, and all of it. */
struct cost {
    uint64_t need_kib;
    uint64_t vital_kib;
    uint64_t all_kib;
};

/* What is lacking of the goals of all. */
struct lacks {
    struct cost cost;      /* of raising all to their goals */
    uint64_t pressing_kib; /* by who has less than half of its head-room */
};

/* One sharing out: what it looks at, what follows, and the plan it fills in. */
struct sharing {
    const struct snapshot *snapshot;
    const struct decide_host *host;
    const struct decide_memory *memories;
    const struct host_sums *sums;
    uint64_t pool_kib;    /* host_pool_kib() */
    uint64_t standby_kib; /* host_standby_kib() */
    bool is_short;        /* the pool does not do for both and all demands */
    struct lacks lacks;
    struct asking askings[DONORS_ASKINGS_MAX]; /* of donors, one upon another */
    unsigned int asking_count;
    bool shares_headroom; /* all have what is coming, not all have head-room */
    bool has_donors;      /* some may have to give */
    bool takes_shares;    /* who holds more than its share gives it */
    uint64_t spend_kib;   /* on raises */
    struct plan *plan;
};

/*
 * Settles what is asked of donors and what takers can be given, from sharing's
 * snapshot, host, memories, sums and plan; the rest of it is zero.  Goals must
 * be the demands when it is called; they are the shares afterwards, when there
 * is not enough for all.  donors_give() and grants_give() then plan one domain
 * at a time.
 */
void share_settle(struct sharing *sharing);

/* The limit that goes with a target, as libxl sets it. */
static inline uint64_t share_limit_kib(const struct snapshot_domain *domain,
                                       uint64_t target_kib)
{
    return target_kib + domain->videoram_kib + SNAPSHOT_SLACK_KIB;
}

/*
 * What a raise of the target takes from what is free: the new promise.  More
 * than the raise when the limit was below its place, less when above.
 */
static inline uint64_t share_raise_cost_kib(
    const struct snapshot_domain *domain, uint64_t target_kib)
{
    return units_less(share_limit_kib(domain, target_kib),
                      units_max(domain->limit_kib, domain->current_kib));
}

/*
 * The limit of a domain that the operator holds: the one that xl gave it,
 * whichever that is, unless ours came just after xl mem-set.
 */
uint64_t share_operators_limit_kib(const struct snapshot_domain *domain);

/* A smaller step is not worth a write. */
static inline uint64_t share_deadband_kib(uint64_t target_kib)
{
    return units_max(DECIDE_DEADBAND_KIB, target_kib / DECIDE_DEADBAND_SHARE);
}

/* What a domain lacks of goal, 0 within the dead-band. */
static inline uint64_t share_lack_kib(const struct snapshot_domain *domain,
                                      uint64_t goal_kib)
{
    uint64_t lack = units_less(goal_kib, domain->target_kib);
    uint64_t band = domain->target_kib < domain->floor_kib
                        ? 0
                        : share_deadband_kib(domain->target_kib);

    return lack > band ? lack : 0;
}

/* The same by its step alone, for which nothing is planned yet. */
static inline uint64_t share_step_lack_kib(const struct decide_step *step,
                                           uint64_t goal_kib)
{
    uint64_t lack = units_less(goal_kib, step->target_kib);
    uint64_t band =
        step->notes.is_below_floor ? 0 : share_deadband_kib(step->target_kib);

    return lack > band ? lack : 0;
}

/* The same of its goal, as far as it is worth a write. */
static inline uint64_t share_shortfall_kib(const struct sharing *sharing,
                                           const struct decide_step *step)
{
    uint64_t lack = share_step_lack_kib(step, step->goal_kib);
    uint64_t room = units_less(step->goal_kib, step->coming_kib);

    return !sharing->shares_headroom || lack >= room / DECIDE_TOP_UP_SHARE
               ? lack
               : 0;
}

/* What it holds above goal, 0 within the dead-band. */
static inline uint64_t share_spare_kib(const struct snapshot_domain *domain,
                                       uint64_t goal_kib)
{
    uint64_t spare = units_less(domain->target_kib, goal_kib);

    return spare > share_deadband_kib(domain->target_kib) ? spare : 0;
}

/*
 * It has next to no swap to take what it lacks: what it says it cannot go below
 * is nearly all that it needs.
 */
static inline bool share_cannot_swap(const struct snapshot_domain *domain,
                                     const struct decide_step *step)
{
    uint64_t least = domain->report.floor_kib;

    return least + least / DECIDE_PERIL_SHARE >= step->need_kib;
}

/* With less than half of its head-room a domain lacks all of it. */
static inline uint64_t share_half_headroom_kib(const struct decide_step *step)
{
    return step->coming_kib + units_less(step->goal_kib, step->coming_kib) / 2;
}

/* What it must not wait for; its goal must be set. */
static inline uint64_t share_vital_kib(const struct decide_step *step)
{
    return step->notes.is_unswapped ? share_half_headroom_kib(step)
                                    : step->coming_kib;
}

#endif
