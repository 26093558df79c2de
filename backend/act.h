/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Act: a plan into calls, in the safe order.
 *
 *   first everything that shrinks, then everything that grows;
 *   raising:  limit, PoD target, memory/target;
 *   lowering: memory/target and PoD target; the limit in a later plan, when
 *             the memory is there.
 *
 * A target is written in one transaction that first makes sure that the
 * domain is still the one that was observed and that nobody else has written
 * its target; and that writes the backend's own record with it.
 */
#ifndef BALLOON_BACKEND_ACT_H
#define BALLOON_BACKEND_ACT_H

#include "backend/balancer.h"

/*
 * Carries out balancer->plan.  A step that fails is logged and left out; the
 * next tick sees the world as it is.  -ENOTCONN when the bus is gone.
 */
int act(struct balancer *balancer, uint64_t now_ms);

#endif
