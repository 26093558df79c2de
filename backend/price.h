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

#include <stdint.h>

#include "backend/decide.h"

struct price_rule {
    uint64_t kept_permyriad; /* 10000 less the tax */
};

/* What one domain gets. */
uint64_t price_share(const struct price_rule *rule,
                     const struct decide_step *step, uint64_t price);

/*
 * The highest price at which the shares of all managed domains are within
 * pool_kib, to less than 1 KiB for each of them.  0 when not even what they
 * have least is within; one at which each has its most when all of it is.
 */
uint64_t price_find(const struct price_rule *rule,
                    const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib);

#endif
