/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/grants.h"

#include "backend/host.h"
#include "common/units.h"

/* ---- What a raise costs ------------------------------------------------- */

/* The highest target up to goal, in whole pages, that costs no more. */
static uint64_t affordable_kib(const struct snapshot_domain *domain,
                               uint64_t goal_kib, uint64_t afford_kib)
{
    uint64_t limit = units_add(
        units_max(domain->limit_kib, domain->current_kib), afford_kib);
    uint64_t target =
        units_less(limit, domain->videoram_kib + SNAPSHOT_SLACK_KIB);

    target = units_clamp(target, domain->target_kib, goal_kib);
    return domain->target_kib + units_whole_pages(target - domain->target_kib);
}

/*
 * The target that the domain is to be raised to; its own when to none.  Donors
 * are not planned below their goals: the plan alone tells most of them apart.
 */
static uint64_t raise_of(const struct sharing *sharing,
                         const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    if (step->state != DECIDE_MANAGED || step->goal_kib <= step->target_kib) {
        return domain->target_kib;
    }
    return domain->target_kib + share_shortfall_kib(sharing, step);
}

/* What it costs as far as level, on the way to goal. */
static inline uint64_t cost_up_to(const struct snapshot_domain *domain,
                                  uint64_t level_kib, uint64_t goal_kib)
{
    uint64_t target = units_min(level_kib, goal_kib);

    return target > domain->target_kib ? share_raise_cost_kib(domain, target)
                                       : 0;
}

/* Of a raise to goal, which is above the target. */
static inline struct cost cost_to(const struct snapshot_domain *domain,
                                  const struct decide_step *step,
                                  uint64_t goal_kib)
{
    struct cost cost = {
        .need_kib = cost_up_to(domain, step->need_kib, goal_kib),
        .vital_kib = cost_up_to(domain, share_vital_kib(step), goal_kib),
        .all_kib = share_raise_cost_kib(domain, goal_kib),
    };

    return cost;
}

/* What there is goes to needs first, then to what is vital, then to the rest. */
static uint64_t part_of(const struct cost *cost, const struct cost *sum,
                        uint64_t have_kib)
{
    if (sum->all_kib <= have_kib) {
        return cost->all_kib;
    }
    if (sum->need_kib >= have_kib) {
        return units_scale(cost->need_kib, have_kib, sum->need_kib);
    }
    if (sum->vital_kib >= have_kib) {
        return cost->need_kib + units_scale(cost->vital_kib - cost->need_kib,
                                            have_kib - sum->need_kib,
                                            sum->vital_kib - sum->need_kib);
    }
    return cost->vital_kib + units_scale(cost->all_kib - cost->vital_kib,
                                         have_kib - sum->vital_kib,
                                         sum->all_kib - sum->vital_kib);
}

void grants_count(const struct snapshot_domain *domain,
                  const struct decide_step *step, uint64_t lack_kib,
                  struct cost *sum)
{
    struct cost cost = cost_to(domain, step, domain->target_kib + lack_kib);

    sum->need_kib += cost.need_kib;
    sum->vital_kib += cost.vital_kib;
    sum->all_kib += cost.all_kib;
}

/* ---- Who gets how much -------------------------------------------------- */

/* Head-room is not made of the last that is to be free for allowances. */
uint64_t grants_spend_kib(const struct sharing *sharing)
{
    uint64_t have = host_free_kib(sharing->sums);
    uint64_t kept = sharing->is_short ? units_less(sharing->standby_kib,
                                                   sharing->sums->allowed_kib)
                                      : 0;

    return units_max(units_min(sharing->lacks.cost.vital_kib, have),
                     units_less(have, kept));
}

/* A part that is too small for a write is none. */
static bool is_worth_it(const struct snapshot_domain *domain,
                        const struct decide_step *step, uint64_t part_kib,
                        uint64_t raise_kib)
{
    uint64_t least =
        step->notes.is_unswapped && share_vital_kib(step) > domain->target_kib
            ? DECIDE_GRANT_KIB
            : units_max(DECIDE_GRANT_KIB, raise_kib / DECIDE_GRANT_SHARE);

    return part_kib >= units_min(raise_kib, least);
}

/* Up to target, of the way to goal. */
static void grant(const struct sharing *sharing,
                  const struct snapshot_domain *domain,
                  struct decide_step *step, uint64_t goal_kib,
                  uint64_t target_kib)
{
    bool is_short = sharing->is_short;
    uint64_t raise = goal_kib - domain->target_kib;
    uint64_t part = target_kib - domain->target_kib;

    if (!is_worth_it(domain, step, part, raise)) {
        reason_set(&step->reason, is_short ? REASON_SHORT : REASON_WAITS,
                   step->demand_kib, is_short ? goal_kib : 0);
        return;
    }
    step->target_kib = target_kib;
    step->limit_kib =
        units_max(share_limit_kib(domain, target_kib), domain->limit_kib);
    if (domain->target_kib < domain->floor_kib) {
        reason_set(&step->reason, REASON_BELOW_FLOOR, domain->floor_kib, part);
    } else if (part < raise || is_short) {
        reason_set(&step->reason, REASON_NEEDS_PART, step->demand_kib, part);
    } else {
        reason_set(&step->reason, REASON_NEEDS, step->demand_kib,
                   host_free_kib(sharing->sums));
    }
}

void grants_give(const struct sharing *sharing,
                 const struct snapshot_domain *domain, struct decide_step *step)
{
    uint64_t goal = raise_of(sharing, domain, step);

    if (goal > domain->target_kib) {
        uint64_t part = 0;

        if (sharing->spend_kib > 0) {
            struct cost cost = cost_to(domain, step, goal);

            part = part_of(&cost, &sharing->lacks.cost, sharing->spend_kib);
        }
        grant(sharing, domain, step, goal, affordable_kib(domain, goal, part));
    }
}
