/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The burst allowance: what a domain may take by itself above its target, at
 * once and without asking.  Part of the decision, and as pure.
 *
 * A limit above what is held is a promise.  So allowances are made of what is
 * free above the reserve when all have what they are about to need, and they
 * are the first thing to be withdrawn when somebody has not; head-room ranks
 * with them, see host_standby_kib().  What is withdrawn is free when Xen says
 * so, in the next plan, never in the same: the guest may just be taking it.
 *
 * A domain has one while it is managed, its frontend can make use of it, and it
 * moves when it is asked to, be it slowly: who does not give back what it took
 * ends there.
 */
#ifndef BALLOON_BACKEND_ALLOWANCE_H
#define BALLOON_BACKEND_ALLOWANCE_H

#include <stdbool.h>

#include "backend/decide.h"
#include "backend/host.h"

/* It has one, or may have one. */
static inline bool allowance_concerns(const struct snapshot_domain *domain)
{
    return domain->has_reflex || domain->allowance_kib > 0;
}

/* Adds one that is concerned to the sums; its target is not yet planned. */
void allowance_count(const struct snapshot_domain *domain,
                     const struct decide_step *step, struct host_sums *sums);

/*
 * Sets the allowances of all steps, whose targets and limits are planned, and
 * raises limits for them.  Limits come down in lower_limit() of decide.c.
 */
void allowance_share(const struct snapshot *snapshot,
                     const struct decide_memory *memories,
                     const struct host_sums *sums, struct plan *plan);

#endif
