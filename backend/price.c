/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/price.h"

#include "common/units.h"

uint64_t price_share(const struct snapshot_domain *domain,
                     const struct decide_step *step, uint64_t price)
{
    return units_clamp(units_scale(price, domain->weight, 65536),
                       step->least_kib, step->demand_kib);
}

/* What all shares come to at a price, and how fast that rises with it. */
struct bill {
    uint64_t sum_kib;
    uint64_t weight; /* of those who are at neither of their bounds */
};

static struct bill bill_at(const struct snapshot *snapshot,
                           const struct plan *plan, uint64_t price)
{
    struct bill bill = {0};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct decide_step *step = &plan->steps[i];
        uint64_t share;

        if (step->state != DECIDE_MANAGED) {
            continue;
        }
        share = price_share(&snapshot->domains[i], step, price);
        bill.sum_kib += share;
        if (share > step->least_kib && share < step->demand_kib) {
            bill.weight += snapshot->domains[i].weight;
        }
    }
    return bill;
}

/* Where the straight line through the bill at this price meets the pool. */
static uint64_t next_price(const struct bill *bill, uint64_t price,
                           uint64_t pool_kib)
{
    uint64_t step = units_scale(units_distance(bill->sum_kib, pool_kib), 65536,
                                bill->weight);

    return bill->sum_kib <= pool_kib ? units_add(price, step)
                                     : units_less(price, step);
}

/* Sums and extremes of those who share. */
struct sharers {
    uint64_t demand_kib;
    uint64_t weight;
    uint64_t most_demand_kib;
    uint64_t least_weight;
};

static struct sharers sharers_of(const struct snapshot *snapshot,
                                 const struct plan *plan)
{
    struct sharers all = {.least_weight = UINT64_MAX};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct decide_step *step = &plan->steps[i];
        uint64_t weight = snapshot->domains[i].weight;

        if (step->state == DECIDE_MANAGED) {
            all.demand_kib += step->demand_kib;
            all.weight += weight;
            all.most_demand_kib =
                units_max(all.most_demand_kib, step->demand_kib);
            all.least_weight = units_min(all.least_weight, weight);
        }
    }
    return all;
}

/*
 * What all shares come to rises with the price in straight pieces: the line
 * through the last one leads there in a handful of steps, and that the bracket
 * is halved each fourth time bounds them.
 */
uint64_t price_find(const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib)
{
    struct sharers all = sharers_of(snapshot, plan);
    uint64_t low = 0;
    uint64_t high =
        units_add(units_scale(all.most_demand_kib, 65536, all.least_weight), 1);
    uint64_t price = units_scale(pool_kib, 65536, all.weight);
    unsigned int tries = 0;

    if (all.demand_kib <= pool_kib) {
        return high;
    }
    while (high - low > 1) {
        struct bill bill;

        if (++tries % 4 == 0 || price <= low || price >= high) {
            price = low + (high - low) / 2;
        }
        bill = bill_at(snapshot, plan, price);
        if (bill.sum_kib > pool_kib) {
            high = price;
            price = next_price(&bill, price, pool_kib);
        } else {
            low = price;
            price = next_price(&bill, price, pool_kib);
            if (bill.weight > 0 && price == low) {
                break;
            }
        }
    }
    return low;
}
