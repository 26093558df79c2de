/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/grants.h"

#include "backend/host.h"
#include "common/units.h"

/* ---- What a raise costs ------------------------------------------------- */

/*
 * What a raise of the target to goal takes from what is free: the new promise.
 * More than the raise when the limit was below its place, less when above.
 */
static uint64_t cost_of(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t limit = share_limit_kib(domain, goal_kib);

    return units_less(limit, units_max(domain->limit_kib, domain->current_kib));
}

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
static uint64_t raise_of(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    return step->state == DECIDE_MANAGED && step->goal_kib > step->target_kib
               ? domain->target_kib + share_lack_kib(domain, step->goal_kib)
               : domain->target_kib;
}

/* Of a raise, how much costs what is needed, what is vital, and all of it. */
struct cost {
    uint64_t need_kib;
    uint64_t vital_kib;
    uint64_t all_kib;
};

static uint64_t cost_up_to(const struct snapshot_domain *domain,
                           uint64_t level_kib, uint64_t goal_kib)
{
    uint64_t target = units_clamp(level_kib, domain->target_kib, goal_kib);

    return target > domain->target_kib ? cost_of(domain, target) : 0;
}

static struct cost cost_to(const struct snapshot_domain *domain,
                           const struct decide_step *step, uint64_t goal_kib)
{
    struct cost cost = {
        .need_kib = cost_up_to(domain, step->need_kib, goal_kib),
        .vital_kib =
            cost_up_to(domain, share_vital_kib(domain, step), goal_kib),
        .all_kib = cost_of(domain, goal_kib),
    };

    return cost;
}

/* What there is goes to needs first, then to what is vital, then to the rest. */
static uint64_t part_of(const struct cost *cost, const struct cost *sum,
                        uint64_t have_kib)
{
    if (have_kib == 0) {
        return 0;
    }
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

/* What all takers together would cost; nobody asks when nothing is free. */
static struct cost cost_of_all(const struct sharing *sharing)
{
    bool is_asked = host_free_kib(sharing->sums) > 0;
    struct cost sum = {0};
    unsigned int i;

    for (i = 0; is_asked && i < sharing->snapshot->count; i++) {
        const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
        const struct decide_step *step = &sharing->plan->steps[i];
        uint64_t goal = raise_of(domain, step);

        if (goal > domain->target_kib) {
            struct cost cost = cost_to(domain, step, goal);

            sum.need_kib += cost.need_kib;
            sum.vital_kib += cost.vital_kib;
            sum.all_kib += cost.all_kib;
        }
    }
    return sum;
}

/* ---- Who gets how much -------------------------------------------------- */

/*
 * What can be spent on raises: head-room is not made of the last that is to be
 * free for allowances.
 */
static uint64_t spend_kib(const struct sharing *sharing, const struct cost *sum)
{
    uint64_t have = host_free_kib(sharing->sums);
    uint64_t kept = sharing->is_short ? units_less(sharing->standby_kib,
                                                   sharing->sums->allowed_kib)
                                      : 0;

    return units_max(units_min(sum->vital_kib, have), units_less(have, kept));
}

/* A part that is too small for a write is none. */
static bool is_worth_it(const struct snapshot_domain *domain,
                        const struct decide_step *step, uint64_t part_kib,
                        uint64_t raise_kib)
{
    uint64_t least =
        share_cannot_swap(domain, step) &&
                share_vital_kib(domain, step) > domain->target_kib
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

void grants_share(const struct sharing *sharing)
{
    struct cost sum = cost_of_all(sharing);
    uint64_t have_kib = spend_kib(sharing, &sum);
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
        struct decide_step *step = &sharing->plan->steps[i];
        uint64_t goal = raise_of(domain, step);

        if (goal > domain->target_kib) {
            struct cost cost = cost_to(domain, step, goal);
            uint64_t part = part_of(&cost, &sum, have_kib);

            grant(sharing, domain, step, goal,
                  affordable_kib(domain, goal, part));
        }
    }
}
