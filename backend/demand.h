/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Demand: what a domain needs to run without stalling, from what its guest
 * reports.  Part of the decision, and as pure.
 *
 * Four signals together.  Level: what is used, which is all that is not
 * available.  Promise: what programs have been promised and not yet touched.
 * Set: files that were read again because they had been dropped.  Pain: tasks
 * that wait for memory, and what comes back from swap.
 *
 * In the count of targets, within the operator's bounds.
 */
#ifndef BALLOON_BACKEND_DEMAND_H
#define BALLOON_BACKEND_DEMAND_H

#include "backend/decide.h"

/*
 * Takes in what the domain says now, and sets what step says of its needs.
 * Demand goes up at once and down slowly; what was needed at times is
 * remembered for hours.
 */
void demand_follow(const struct snapshot_domain *domain,
                   struct decide_memory *memory, struct decide_step *step,
                   uint64_t now_ms);

/* It hurt within the last within_ms. */
bool demand_hurts(const struct decide_memory *memory, uint64_t now_ms,
                  uint64_t within_ms);

#endif
