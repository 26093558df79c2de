/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The price of memory when there is too little for all.  At a price, in KiB
 * per 65536 of weight, each managed domain gets so much for its weight above
 * step->base_kib, but no less than step->low_kib and no more than
 * step->high_kib; the right price is the one at which all of this fills the
 * pool.  Part of the decision, and as pure.
 *
 * With a tax, what a domain holds idle, above step->need_kib, costs it
 * 1/(1 - tax) times as much as what it uses: VMware's idle memory tax
 * (Waldspurger, OSDI 2002), the price being the reciprocal of theirs.
 */
#ifndef BALLOON_BACKEND_PRICE_H
#define BALLOON_BACKEND_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"
#include "common/units.h"

struct price_rule {
    uint64_t kept_permyriad; /* 10000 less the tax; 1 to 10000 */
};

/* Whatever the tax, idle memory must have some price. */
static inline struct price_rule price_rule(uint64_t tax_permyriad)
{
    return (struct price_rule){units_max(units_less(10000, tax_permyriad), 1)};
}

static inline bool price_is_taxed(const struct price_rule *rule)
{
    return rule->kept_permyriad < 10000;
}

/* What one domain gets.  Here, as it is asked once for each try. */
static inline uint64_t price_share(const struct price_rule *rule,
                                   const struct decide_step *step,
                                   uint64_t price)
{
    uint64_t share =
        units_add(step->base_kib, units_scale(price, step->weight, 65536));

    if (price_is_taxed(rule)) {
        uint64_t used = units_max(step->need_kib, step->base_kib);
        uint64_t idle = units_less(share, used);

        share -= idle - units_scale(idle, rule->kept_permyriad, 10000);
    }
    return units_clamp(share, step->low_kib, step->high_kib);
}

/* What all shares come to at a price, and how fast that rises with it. */
struct price_bill {
    uint64_t sum_kib;
    uint64_t weight; /* of those who are at neither of their bounds */
};

static inline void price_charge(const struct price_rule *rule,
                                const struct decide_step *step, uint64_t price,
                                struct price_bill *bill)
{
    uint64_t share = price_share(rule, step, price);
    bool is_low = share == step->low_kib && share != step->base_kib;
    bool is_bound = is_low | (share >= step->high_kib);
    uint64_t weight = step->weight;

    if (price_is_taxed(rule) && share > step->need_kib) {
        weight = weight * rule->kept_permyriad / 10000;
    }
    bill->sum_kib += share;
    bill->weight += is_bound ? 0 : weight;
}

/* For whom a price is looked for: all that can be said without one. */
struct price_buyers {
    struct price_bill unpaid; /* what they get at no price */
    uint64_t most_sum_kib;    /* what they may have at most, together, */
    uint64_t most_kib;        /* and the one that may have most */
    uint64_t least_weight;
};

#define PRICE_NO_BUYERS ((struct price_buyers){.least_weight = UINT64_MAX})

/* Adds a managed domain, whose range is set. */
static inline void price_add(const struct price_rule *rule,
                             const struct decide_step *step,
                             struct price_buyers *buyers)
{
    price_charge(rule, step, 0, &buyers->unpaid);
    buyers->most_sum_kib += step->high_kib;
    buyers->most_kib = units_max(buyers->most_kib, step->high_kib);
    buyers->least_weight = units_min(buyers->least_weight, step->weight);
}

/*
 * The highest price at which the shares of all managed domains, who are the
 * buyers, are within pool_kib, to less than 1 KiB for each of them.  0
 * when not even what they have least is within; one at which each has its most
 * when all of it is.
 */
uint64_t price_find(const struct price_rule *rule,
                    const struct price_buyers *buyers,
                    const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib);

#endif
