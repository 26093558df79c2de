/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/share.h"

#include <stdbool.h>

#include "backend/donors.h"
#include "backend/grants.h"
#include "backend/host.h"
#include "backend/price.h"
#include "common/units.h"

uint64_t share_operators_limit_kib(const struct snapshot_domain *domain)
{
    uint64_t limit = share_limit_kib(domain, domain->target_kib);

    return domain->limit_kib == domain->our_limit_kib
               ? limit
               : units_max(limit, domain->limit_kib);
}

/* ---- Shares when there is not enough for all ---------------------------- */

/*
 * What memory is shared out for, when it does not do for all.  Needs twice: with
 * a right to idle memory, and without it, when somebody would be killed for it.
 */
enum tier { TIER_PERIL, TIER_NEEDS, TIER_COMING, TIER_HEADROOM };

/*
 * What is needed is shared by weight as long as the host is short: between that
 * and what each needs lies a step, and a guest that breathes at its edge would
 * move it all each time.
 */
static enum tier tier_of(const struct sharing *sharing)
{
    if (sharing->host->mood == DECIDE_SHORT ||
        sharing->sums->need_kib > sharing->pool_kib) {
        return TIER_NEEDS;
    }
    return sharing->sums->coming_kib > sharing->pool_kib ? TIER_COMING
                                                         : TIER_HEADROOM;
}

static void set_range(const struct snapshot_domain *domain,
                      const struct decide_memory *memory, enum tier tier,
                      struct decide_step *step)
{
    switch (tier) {
    case TIER_PERIL:
        step->base_kib = domain->floor_kib;
        step->low_kib = step->least_kib;
        step->high_kib = step->demand_kib;
        return;
    case TIER_NEEDS:
        step->base_kib = domain->floor_kib;
        step->low_kib = step->least_kib;
        step->high_kib =
            units_clamp(units_max(step->demand_kib, memory->lately_kib),
                        step->least_kib, domain->ceiling_kib);
        return;
    case TIER_COMING:
        step->low_kib = step->need_kib;
        step->high_kib = step->coming_kib;
        break;
    case TIER_HEADROOM:
        step->low_kib = step->coming_kib;
        step->high_kib = step->demand_kib;
    }
    step->base_kib = step->low_kib;
}

/* Adds what a managed one lacks of its goal, with nothing planned yet. */
static inline void count_shortfall(const struct sharing *sharing,
                                   const struct snapshot_domain *domain,
                                   const struct decide_step *step,
                                   bool is_asked, struct lacks *lacks)
{
    uint64_t lack = share_shortfall_kib(sharing, step);

    if (lack == 0) {
        return;
    }
    if (share_step_lack_kib(step, share_half_headroom_kib(step)) > 0) {
        lacks->pressing_kib += lack;
    }
    if (is_asked) {
        grants_count(domain, step, lack, &lacks->cost);
    }
}

/* Of the tier, and the price at which all that there is for it is shared. */
static uint64_t find_price(const struct sharing *sharing, enum tier tier,
                           const struct price_rule *rule)
{
    const struct snapshot_domain *domain = sharing->snapshot->domains;
    const struct decide_memory *memory = sharing->memories;
    struct decide_step *step = sharing->plan->steps;
    const struct decide_step *end = step + sharing->snapshot->count;
    struct price_buyers buyers = PRICE_NO_BUYERS;
    uint64_t kept_kib = tier == TIER_HEADROOM ? sharing->standby_kib : 0;

    for (; step < end; domain++, memory++, step++) {
        set_range(domain, memory, tier, step);
        if (step->state == DECIDE_MANAGED) {
            price_add(rule, step, &buyers);
        }
    }
    return price_find(rule, &buyers, sharing->snapshot, sharing->plan,
                      sharing->pool_kib - kept_kib);
}

/* To the shares; and what is lacking of them. */
static void set_goals(struct sharing *sharing, enum tier tier)
{
    uint64_t tax_permyriad =
        tier <= TIER_NEEDS ? sharing->snapshot->idle_tax_permyriad : 0;
    const struct price_rule rule = price_rule(tax_permyriad);
    uint64_t price = find_price(sharing, tier, &rule);
    bool is_asked = host_free_kib(sharing->sums) > 0;
    const struct snapshot_domain *domain = sharing->snapshot->domains;
    struct decide_step *step = sharing->plan->steps;
    const struct decide_step *end = step + sharing->snapshot->count;
    struct lacks lacks = {0};

    for (; step < end; domain++, step++) {
        step->goal_kib = 0;
        if (step->state == DECIDE_MANAGED) {
            step->goal_kib = units_whole_pages(price_share(&rule, step, price));
            count_shortfall(sharing, domain, step, is_asked, &lacks);
        }
    }
    sharing->lacks = lacks;
}

/*
 * Somebody's share is less than its demand, and it has next to no swap to take
 * the rest.  Who only says so gets no more by it than its demand.
 */
static bool is_in_peril(const struct sharing *sharing)
{
    const struct decide_step *step = sharing->plan->steps;
    const struct decide_step *end = step + sharing->snapshot->count;

    if (!sharing->sums->has_unswapped) {
        return false;
    }
    for (; step < end; step++) {
        if (step->notes.is_unswapped && step->goal_kib < step->demand_kib) {
            return true;
        }
    }
    return false;
}

static void share_by_price(struct sharing *sharing)
{
    enum tier tier = tier_of(sharing);

    sharing->shares_headroom = tier == TIER_HEADROOM;
    set_goals(sharing, tier);
    if (tier == TIER_NEEDS && is_in_peril(sharing)) {
        set_goals(sharing, TIER_PERIL);
    }
    if (sharing->shares_headroom) {
        donors_ask_carefully(sharing);
    } else {
        sharing->takes_shares = true;
    }
}

/* ---- All together ------------------------------------------------------- */

/*
 * What is lacking of demands.  As long as what is free does for all raises,
 * nobody asks what they are for.
 */
static void count_lacks(struct sharing *sharing)
{
    const struct snapshot_domain *domain = sharing->snapshot->domains;
    const struct decide_step *step = sharing->plan->steps;
    const struct decide_step *end = step + sharing->snapshot->count;
    uint64_t free_kib = host_free_kib(sharing->sums);

    if (sharing->sums->raises_kib <= free_kib) {
        sharing->lacks.cost.all_kib = sharing->sums->raises_kib;
        return;
    }
    for (; free_kib > 0 && step < end; domain++, step++) {
        if (step->state == DECIDE_MANAGED) {
            count_shortfall(sharing, domain, step, true, &sharing->lacks);
        }
    }
}

void share_settle(struct sharing *sharing)
{
    const struct host_sums *sums = sharing->sums;

    sharing->pool_kib = host_pool_kib(sums, sharing->host);
    sharing->standby_kib = host_standby_kib(sums, sharing->host);
    sharing->is_short =
        sums->demand_kib + sharing->standby_kib > sharing->pool_kib;
    if (sharing->is_short) {
        share_by_price(sharing);
    } else {
        count_lacks(sharing);
        donors_ask_in_plenty(sharing);
        if (sums->wanted_kib == 0 && sums->spendable_kib >= 0) {
            donors_ask_back(sharing);
        }
    }
    sharing->has_donors = sharing->asking_count > 0 || sharing->takes_shares;
    sharing->spend_kib = grants_spend_kib(sharing);
}
