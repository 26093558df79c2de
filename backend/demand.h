/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Demand: what a domain needs to run without stalling, from what its guest
 * reports.  Part of the decision, and as pure.
 *
 * In the count of targets, within the operator's bounds.
 */
#ifndef BALLOON_BACKEND_DEMAND_H
#define BALLOON_BACKEND_DEMAND_H

#include <stdint.h>

#include "backend/decide.h"

/* By the last report alone. */
uint64_t demand_now(const struct snapshot_domain *domain);

/*
 * Up at once, down slowly: from what memory remembers of the last call to
 * now_ms.
 */
uint64_t demand_smoothed(const struct snapshot_domain *domain,
                         struct decide_memory *memory, uint64_t now_ms);

/*
 * The least that the domain may be asked to hold: the operator's floor, or
 * what the guest refuses to go below.  The guest can only refuse to give, so
 * its word counts up to what it has been given already.
 */
uint64_t demand_least_kib(const struct snapshot_domain *domain);

#endif
