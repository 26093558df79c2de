/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The price of memory when there is too little for all.  At a price, in KiB
 * per 65536 of weight, each managed domain gets the price times its weight, but
 * no less than it may be shrunk to and no more than its demand; the right price
 * is the one at which all of this fills the pool.  Part of the decision, and as
 * pure.
 */
#ifndef BALLOON_BACKEND_PRICE_H
#define BALLOON_BACKEND_PRICE_H

#include <stdint.h>

#include "backend/decide.h"

/* What one domain gets: from step->least_kib to step->demand_kib. */
uint64_t price_share(const struct snapshot_domain *domain,
                     const struct decide_step *step, uint64_t price);

/*
 * The highest price at which the shares of all managed domains are within
 * pool_kib, to less than 1 KiB for each of them.  0 when not even what they may
 * be shrunk to is within; one at which each gets its demand when all of it is.
 */
uint64_t price_find(const struct snapshot *snapshot, const struct plan *plan,
                    uint64_t pool_kib);

#endif
