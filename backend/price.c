/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/price.h"

#include "common/units.h"

/* Seldom enough not to disturb, often enough to end in 64 times as many. */
#define PRICE_HALVE_EACH 8

static inline struct price_bill bill_with(const struct price_rule *rule,
                                          const struct snapshot *snapshot,
                                          const struct plan *plan,
                                          uint64_t price)
{
    struct price_bill bill = {0};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_MANAGED) {
            price_charge(rule, &plan->steps[i], price, &bill);
        }
    }
    return bill;
}

/* A rule without a tax has a loop of its own: it asks less. */
static struct price_bill bill_at(const struct price_rule *rule,
                                 const struct snapshot *snapshot,
                                 const struct plan *plan, uint64_t price)
{
    const struct price_rule untaxed = price_rule(0);

    return price_is_taxed(rule) ? bill_with(rule, snapshot, plan, price)
                                : bill_with(&untaxed, snapshot, plan, price);
}

/* Where the straight line through the bill at this price meets the pool. */
static uint64_t next_price(const struct price_bill *bill, uint64_t price,
                           uint64_t pool_kib)
{
    uint64_t step = units_scale(units_distance(bill->sum_kib, pool_kib), 65536,
                                bill->weight);

    return bill->sum_kib <= pool_kib ? units_add(price, step)
                                     : units_less(price, step);
}

/* A price at which each has its most. */
static uint64_t highest_price(const struct price_rule *rule,
                              const struct price_buyers *buyers)
{
    uint64_t most_kib =
        units_scale(buyers->most_kib, 10000, rule->kept_permyriad);

    return units_add(units_scale(most_kib + 1, 65536, buyers->least_weight), 1);
}

/*
 * What all shares come to rises with the price in straight pieces: the line
 * through the last one leads there in a handful of steps.  That the bracket is
 * halved now and then bounds their number.
 */
uint64_t price_find(const struct price_rule *rule,
                    const struct price_buyers *buyers,
                    const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib)
{
    struct price_bill bill = buyers->unpaid;
    uint64_t low = 0;
    uint64_t high = highest_price(rule, buyers);
    uint64_t from_low = 0; /* where the line through low leads */
    uint64_t price = 0;
    unsigned int tries = 1;

    if (buyers->most_sum_kib <= pool_kib) {
        return high;
    }
    if (bill.sum_kib > pool_kib) {
        return 0;
    }
    for (;;) {
        if (bill.sum_kib <= pool_kib) {
            low = price;
            from_low = next_price(&bill, price, pool_kib);
            if (bill.weight > 0 && from_low == low) {
                return low;
            }
            price = from_low;
        } else {
            high = price;
            price =
                bill.weight > 0 ? next_price(&bill, price, pool_kib) : from_low;
        }
        if (high - low <= 1) {
            return low;
        }
        if (++tries % PRICE_HALVE_EACH == 0 || price <= low || price >= high) {
            price = low + (high - low) / 2;
        }
        bill = bill_at(rule, snapshot, plan, price);
    }
}
