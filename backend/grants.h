/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants: who gets of what is free now, and how much.  Part of the decision,
 * and as pure.
 *
 * What is free goes to takers by what it costs to raise their targets to their
 * goals; what is on its way waits.
 */
#ifndef BALLOON_BACKEND_GRANTS_H
#define BALLOON_BACKEND_GRANTS_H

#include "backend/share.h"

/* Adds what it costs to raise one to its goal, of which it lacks so much. */
void grants_count(const struct snapshot_domain *domain,
                  const struct decide_step *step, uint64_t lack_kib,
                  struct cost *sum);

/*
 * What can be spent on raises.  When the host is short, what is to be free for
 * allowances is kept from head-room.
 */
uint64_t grants_spend_kib(const struct sharing *sharing);

/* Plans what one managed domain gets, once donors_give() has looked at it. */
void grants_give(const struct sharing *sharing,
                 const struct snapshot_domain *domain,
                 struct decide_step *step);

#endif
