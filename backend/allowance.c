/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/allowance.h"

#include <stdbool.h>

#include "backend/movement.h"
#include "backend/share.h"
#include "common/units.h"

/* Who moves slowly, but moves, gives back what it takes. */
static bool may_have_one(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    return step->state == DECIDE_MANAGED && domain->has_reflex &&
           !step->notes.is_lagging;
}

/* What is left of what it took when the planned target has caught up with it. */
static uint64_t taken_kib(const struct snapshot_domain *domain,
                          const struct decide_step *step)
{
    return units_less(movement_reflex_kib(domain),
                      units_less(step->target_kib, domain->target_kib));
}

/* The most that it is to have, before it is known what there is. */
static uint64_t most_kib(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    uint64_t most = units_max(DECIDE_ALLOWANCE_KIB,
                              step->target_kib / DECIDE_ALLOWANCE_SHARE);

    return may_have_one(domain, step)
               ? units_min(most,
                           units_less(domain->ceiling_kib, step->target_kib))
               : 0;
}

/* Of its limit, what it was promised above its place and has not taken. */
static uint64_t promised_kib(const struct snapshot_domain *domain,
                             const struct decide_step *step)
{
    uint64_t place = units_max(share_limit_kib(domain, step->target_kib),
                               domain->current_kib);

    return units_min(units_less(domain->limit_kib, place),
                     domain->allowance_kib);
}

/* What the plan promises by a step's limit, new. */
static uint64_t raise_kib(const struct snapshot_domain *domain,
                          const struct decide_step *step)
{
    return units_less(step->limit_kib,
                      units_max(domain->limit_kib, domain->current_kib));
}

void allowance_count(const struct snapshot_domain *domain,
                     const struct decide_step *step, struct host_sums *sums)
{
    sums->has_allowances = true;
    sums->allowances_kib +=
        units_less(most_kib(domain, step), taken_kib(domain, step));
    sums->allowed_kib += promised_kib(domain, step);
}

struct pool {
    uint64_t free_kib;  /* above the reserve, after all that is granted */
    uint64_t there_kib; /* and what allowances promise already, less what
                           somebody is about to need and was not granted */
    bool is_wanted;     /* that is more */
    uint64_t most_kib;  /* what all would have, of what they have not taken */
    uint64_t pull;      /* weight times that, of all; see part_of() */
};

/* Of what it is about to need, what it was not granted. */
static uint64_t lacks_kib(const struct snapshot_domain *domain,
                          const struct decide_step *step)
{
    uint64_t lack = units_less(step->coming_kib, domain->target_kib);

    return step->state == DECIDE_MANAGED &&
                   lack > share_deadband_kib(domain->target_kib)
               ? units_less(step->coming_kib, step->target_kib)
               : 0;
}

/* Weights reach 65536 and sums must hold 16384 domains. */
static uint64_t pull_of(const struct decide_step *step, uint64_t most_kib)
{
    return units_scale(step->weight, most_kib, UNITS_KIB_PER_MIB);
}

static struct pool find_pool(const struct snapshot *snapshot,
                             const struct host_sums *sums,
                             const struct plan *plan)
{
    struct pool pool = {0};
    uint64_t raised = 0, promised = 0, lacking = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        const struct decide_step *step = &plan->steps[i];
        uint64_t most =
            units_less(most_kib(domain, step), taken_kib(domain, step));

        lacking += lacks_kib(domain, step);
        raised += raise_kib(domain, step);
        promised += promised_kib(domain, step);
        pool.most_kib += most;
        pool.pull += pull_of(step, most);
    }
    pool.free_kib = units_less(host_free_kib(sums), raised);
    lacking += host_owed_kib(sums);
    pool.there_kib = units_less(pool.free_kib + promised, lacking);
    pool.is_wanted = lacking > pool.free_kib + promised;
    return pool;
}

static uint64_t part_of(const struct decide_step *step, const struct pool *pool,
                        uint64_t most_kib)
{
    if (pool->most_kib <= pool->there_kib) {
        return most_kib;
    }
    return units_min(
        most_kib,
        units_scale(pool->there_kib, pull_of(step, most_kib), pool->pull));
}

/*
 * The one that it was told stands as long as it is about right, so that nothing
 * is written for little; less than it is only while there is enough for all.
 */
static bool is_about_right(const struct pool *pool, uint64_t told_kib,
                           uint64_t fair_kib)
{
    uint64_t slack = units_max(DECIDE_ALLOWANCE_LEAST_KIB, told_kib / 4);

    return units_distance(told_kib, fair_kib) <= slack &&
           (told_kib <= fair_kib || pool->most_kib <= pool->there_kib);
}

static uint64_t fair_kib(const struct snapshot_domain *domain,
                         const struct decide_step *step,
                         const struct pool *pool)
{
    uint64_t taken = taken_kib(domain, step);
    uint64_t most = units_less(most_kib(domain, step), taken);
    uint64_t part = part_of(step, pool, most);

    part -= part % DECIDE_ALLOWANCE_LEAST_KIB;
    if (pool->is_wanted || !may_have_one(domain, step)) {
        return 0; /* and what it took is asked back */
    }
    if (domain->allowance_kib > 0 &&
        is_about_right(pool, domain->allowance_kib, taken + part)) {
        return domain->allowance_kib;
    }
    return taken + part;
}

/* What the limit has to rise by, so that Xen allows what the guest is told. */
static uint64_t cost_kib(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    uint64_t limit =
        share_limit_kib(domain, step->target_kib) + step->allowance_kib;

    return may_have_one(domain, step) && step->allowance_kib > 0
               ? units_less(limit,
                            units_max(step->limit_kib, domain->current_kib))
               : 0;
}

/* As far as what is free now reaches; the rest when what was withdrawn is. */
static void raise_limit(const struct snapshot_domain *domain,
                        struct decide_step *step, uint64_t cost_sum,
                        uint64_t free_kib)
{
    uint64_t cost = cost_kib(domain, step);
    uint64_t part =
        cost_sum <= free_kib ? cost : units_scale(cost, free_kib, cost_sum);

    part = units_whole_pages(part);
    if (part < cost) {
        step->allowance_kib = units_less(step->allowance_kib, cost - part);
    }
    if (part > 0) {
        step->limit_kib =
            units_max(step->limit_kib, domain->current_kib) + part;
    }
}

void allowance_share(const struct snapshot *snapshot,
                     const struct decide_memory *memories,
                     const struct host_sums *sums, struct plan *plan)
{
    struct pool pool = find_pool(snapshot, sums, plan);
    uint64_t cost_sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        /* Who has not been heard by this backend is left as it was found. */
        if (memories[i].met_ms != 0 && step->state != DECIDE_DYING &&
            step->state != DECIDE_BUILDING) {
            step->allowance_kib = fair_kib(&snapshot->domains[i], step, &pool);
        }
        cost_sum += cost_kib(&snapshot->domains[i], step);
    }
    for (i = 0; cost_sum > 0 && i < snapshot->count; i++) {
        raise_limit(&snapshot->domains[i], &plan->steps[i], cost_sum,
                    pool.free_kib);
    }
}
