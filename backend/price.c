/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/price.h"

#include "common/units.h"

/* Seldom enough not to disturb, often enough to end in 64 times as many. */
#define PRICE_HALVE_EACH 8

/* Whatever the tax, idle memory must have some price. */
static uint64_t kept_permyriad(const struct price_rule *rule)
{
    return units_clamp(rule->kept_permyriad, 1, 10000);
}

static bool is_taxed(const struct price_rule *rule)
{
    return rule->kept_permyriad < 10000;
}

static inline uint64_t share_at(const struct price_rule *rule,
                                const struct decide_step *step, uint64_t price)
{
    uint64_t share =
        units_add(step->base_kib, units_scale(price, step->weight, 65536));

    if (is_taxed(rule)) {
        uint64_t used = units_max(step->need_kib, step->base_kib);
        uint64_t idle = units_less(share, used);

        share -= idle - units_scale(idle, kept_permyriad(rule), 10000);
    }
    return units_clamp(share, step->low_kib, step->high_kib);
}

uint64_t price_share(const struct price_rule *rule,
                     const struct decide_step *step, uint64_t price)
{
    return share_at(rule, step, price);
}

/* What all shares come to at a price, and how fast that rises with it. */
struct bill {
    uint64_t sum_kib;
    uint64_t weight; /* of those who are at neither of their bounds */
};

static struct bill bill_at(const struct price_rule *rule,
                           const struct snapshot *snapshot,
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
        share = share_at(rule, step, price);
        bill.sum_kib += share;
        if (share >= step->high_kib ||
            (share == step->low_kib && share != step->base_kib)) {
            continue;
        }
        bill.weight += is_taxed(rule) && share > step->need_kib
                           ? step->weight * kept_permyriad(rule) / 10000
                           : step->weight;
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

/* A price at which each has its most, and whether the pool bears that. */
static uint64_t highest_price(const struct price_rule *rule,
                              const struct snapshot *snapshot,
                              const struct plan *plan, uint64_t *ret_sum_kib)
{
    uint64_t least_weight = UINT64_MAX;
    uint64_t most_kib = 0;
    unsigned int i;

    *ret_sum_kib = 0;
    for (i = 0; i < snapshot->count; i++) {
        const struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED) {
            *ret_sum_kib += step->high_kib;
            most_kib = units_max(most_kib, step->high_kib);
            least_weight = units_min(least_weight, step->weight);
        }
    }
    most_kib = units_scale(most_kib, 10000, kept_permyriad(rule));
    return units_add(units_scale(most_kib + 1, 65536, least_weight), 1);
}

/*
 * What all shares come to rises with the price in straight pieces: the line
 * through the last one leads there in a handful of steps.  That the bracket is
 * halved now and then bounds their number.
 */
uint64_t price_find(const struct price_rule *rule,
                    const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib)
{
    uint64_t most_kib;
    uint64_t low = 0;
    uint64_t high = highest_price(rule, snapshot, plan, &most_kib);
    uint64_t from_low = 0; /* where the line through low leads */
    uint64_t price = 0;
    unsigned int tries = 0;

    if (most_kib <= pool_kib) {
        return high;
    }
    while (high - low > 1) {
        struct bill bill;

        if (++tries % PRICE_HALVE_EACH == 0 ||
            (tries > 1 && (price <= low || price >= high))) {
            price = low + (high - low) / 2;
        }
        bill = bill_at(rule, snapshot, plan, price);
        if (bill.sum_kib <= pool_kib) {
            low = price;
            from_low = next_price(&bill, price, pool_kib);
            if (bill.weight > 0 && from_low == low) {
                break;
            }
            price = from_low;
        } else if (price == 0) {
            return 0;
        } else {
            high = price;
            price =
                bill.weight > 0 ? next_price(&bill, price, pool_kib) : from_low;
        }
    }
    return low;
}
