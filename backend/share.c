/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/share.h"

#include <stdbool.h>

#include "backend/movement.h"
#include "backend/price.h"
#include "common/units.h"

uint64_t share_deadband_kib(uint64_t target_kib)
{
    return units_max(DECIDE_DEADBAND_KIB, target_kib / DECIDE_DEADBAND_SHARE);
}

uint64_t share_limit_kib(const struct snapshot_domain *domain,
                         uint64_t target_kib)
{
    return target_kib + domain->videoram_kib + SNAPSHOT_SLACK_KIB;
}

uint64_t share_operators_limit_kib(const struct snapshot_domain *domain)
{
    uint64_t limit = share_limit_kib(domain, domain->target_kib);

    return domain->limit_kib == domain->our_limit_kib
               ? limit
               : units_max(limit, domain->limit_kib);
}

/* ---- What there is, and who needs it ----------------------------------- */

/* What a managed domain lacks of goal, 0 within the dead-band. */
static uint64_t lacks(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t lack = units_less(goal_kib, domain->target_kib);
    bool below_floor = domain->target_kib < domain->floor_kib;

    return lack > share_deadband_kib(domain->target_kib) || below_floor ? lack
                                                                        : 0;
}

static uint64_t spares(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t spare = units_less(domain->target_kib, goal_kib);

    return spare > share_deadband_kib(domain->target_kib) ? spare : 0;
}

/*
 * Promises are limits above what is held; a builder's claim is counted once.
 * Domain 0 has no limit unless dom0_mem= has a "max:" part, but its kernel
 * goes no further than its target, and it has one only when xl gave it one.
 */
static uint64_t promise_to(const struct snapshot_domain *domain,
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
static uint64_t on_its_way(const struct snapshot_domain *domain,
                           const struct decide_memory *memory)
{
    uint64_t moves =
        units_less(movement_held_kib(domain, memory), domain->target_kib);
    uint64_t at_rest = units_max(share_limit_kib(domain, domain->target_kib),
                                 units_less(domain->current_kib, moves));

    return units_less(units_max(domain->limit_kib, domain->current_kib),
                      at_rest);
}

struct share_tally share_count(const struct snapshot *snapshot,
                               const struct decide_memory *memories,
                               const struct plan *plan)
{
    struct share_tally tally = {0};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        const struct decide_step *step = &plan->steps[i];

        if (step->state != DECIDE_DYING) {
            tally.promised_kib += promise_to(domain, step->state);
        }
        if (step->state == DECIDE_MANAGED) {
            tally.incoming_kib += on_its_way(domain, &memories[i]);
            tally.wanted_kib += lacks(domain, step->demand_kib);
            tally.spare_kib += spares(domain, step->demand_kib);
            tally.targets_kib += domain->target_kib;
        }
    }
    tally.spendable_kib =
        (int64_t)snapshot->free_kib - (int64_t)snapshot->claimed_kib -
        (int64_t)tally.promised_kib - (int64_t)snapshot->reserve_kib;
    return tally;
}

/* ---- Who gives --------------------------------------------------------- */

static void shrink(struct decide_step *step, uint64_t target_kib,
                   enum reason_code code, uint64_t b_kib)
{
    step->target_kib = units_whole_pages(target_kib);
    reason_set(&step->reason, code, step->demand_kib, b_kib);
}

/* Plenty for all: donors together give what is lacking, each its part. */
static void take_spare(const struct snapshot *snapshot, struct plan *plan,
                       const struct share_tally *tally, uint64_t lack_kib)
{
    enum reason_code code =
        tally->wanted_kib > 0 ? REASON_GIVES : REASON_REFILLS;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t spare = spares(domain, step->demand_kib);
        uint64_t part;

        if (step->state != DECIDE_MANAGED || spare == 0) {
            continue;
        }
        part = units_scale(spare, lack_kib, tally->spare_kib);
        part = units_clamp(part, share_deadband_kib(domain->target_kib), spare);
        shrink(step, domain->target_kib - part, code, lack_kib);
    }
}

/*
 * Everybody's goal: its demand, or its share when there is too little for all;
 * whoever holds more than that share gives the rest.
 */
static void set_goals(const struct snapshot *snapshot, struct plan *plan,
                      bool is_short, uint64_t price)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];

        if (step->state != DECIDE_MANAGED) {
            continue;
        }
        step->goal_kib =
            is_short ? price_share(domain, step, price) : step->demand_kib;
        if (is_short && spares(domain, step->goal_kib) > 0) {
            shrink(step, step->goal_kib, REASON_SHARES, step->goal_kib);
        }
    }
}

/* ---- Who gets ---------------------------------------------------------- */

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

static void grant(const struct snapshot_domain *domain,
                  struct decide_step *step, uint64_t goal_kib,
                  uint64_t target_kib, bool is_short, uint64_t have_kib)
{
    uint64_t need = goal_kib - domain->target_kib;
    uint64_t part = target_kib - domain->target_kib;
    uint64_t least = units_max(DECIDE_GRANT_KIB, need / DECIDE_GRANT_SHARE);

    if (part < need && part < least) {
        reason_set(&step->reason, is_short ? REASON_SHORT : REASON_WAITS,
                   step->demand_kib, is_short ? goal_kib : 0);
        return;
    }
    step->target_kib = target_kib;
    step->limit_kib =
        units_max(share_limit_kib(domain, target_kib), domain->limit_kib);
    if (domain->target_kib < domain->floor_kib) {
        reason_set(&step->reason, REASON_BELOW_FLOOR, domain->floor_kib, part);
    } else if (part < need || is_short) {
        reason_set(&step->reason, REASON_NEEDS_PART, step->demand_kib, part);
    } else {
        reason_set(&step->reason, REASON_NEEDS, step->demand_kib, have_kib);
    }
}

/* The target that the domain is to be raised to; its own when to none. */
static uint64_t raise_of(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    return step->state == DECIDE_MANAGED
               ? domain->target_kib + lacks(domain, step->goal_kib)
               : domain->target_kib;
}

/* What is free now goes to takers by cost; what is on its way waits. */
static void give(const struct snapshot *snapshot, struct plan *plan,
                 const struct share_tally *tally, bool is_short)
{
    uint64_t have =
        tally->spendable_kib > 0 ? (uint64_t)tally->spendable_kib : 0;
    uint64_t cost_sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        uint64_t goal = raise_of(domain, &plan->steps[i]);

        cost_sum += goal > domain->target_kib ? cost_of(domain, goal) : 0;
    }
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        uint64_t goal = raise_of(domain, &plan->steps[i]);
        uint64_t cost;

        if (goal == domain->target_kib) {
            continue;
        }
        cost = cost_of(domain, goal);
        if (cost_sum > have) {
            cost = units_scale(cost, have, cost_sum);
        }
        grant(domain, &plan->steps[i], goal, affordable_kib(domain, goal, cost),
              is_short, have);
    }
}

/* ---- All together ------------------------------------------------------- */

void share_out(const struct snapshot *snapshot, const struct share_tally *tally,
               struct plan *plan)
{
    uint64_t have =
        tally->spendable_kib > 0 ? (uint64_t)tally->spendable_kib : 0;
    uint64_t short_kib =
        tally->spendable_kib < 0 ? (uint64_t)-tally->spendable_kib : 0;
    uint64_t lack =
        units_less(tally->wanted_kib + short_kib, have + tally->incoming_kib);
    bool is_short = lack > tally->spare_kib && tally->wanted_kib > 0;
    uint64_t price = 0;

    if (is_short) {
        price = price_find(
            snapshot, plan,
            units_less(tally->targets_kib + have + tally->incoming_kib,
                       short_kib));
    }
    set_goals(snapshot, plan, is_short, price);
    if (!is_short && lack > 0 &&
        (tally->wanted_kib > 0 || lack > DECIDE_DEADBAND_KIB)) {
        take_spare(snapshot, plan, tally, lack);
    }
    give(snapshot, plan, tally, is_short);
}
