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
 * next tick sees the world as it is.  One that fails on and on is tried at
 * longer intervals (retry.h), but down within RETRY_URGENT_MS; *next_ms comes
 * forward to the next attempt.  -ENOTCONN when the bus is gone.
 */
int act(struct balancer *balancer, uint64_t now_ms, uint64_t *next_ms);

#endif
