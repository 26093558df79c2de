/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe: what Xen, the store and the guests say, into the balancer's
 * snapshot.  Observing never changes a target or a limit.  It sets watches
 * and keeps the record of domains that come, go, or were taken over by the
 * operator.
 */
#ifndef BALLOON_BACKEND_OBSERVE_H
#define BALLOON_BACKEND_OBSERVE_H

#include "backend/balancer.h"

/*
 * Fills balancer->snapshot and balancer->memories for now_ms.  0 or a
 * negative errno; a single domain that cannot be read is no failure, it is
 * shown as what it is.  *ret_next_ms is when a domain's state changes by time
 * alone (a report that becomes too old, a read that was put off).
 */
int observe(struct balancer *balancer, uint64_t now_ms, uint64_t *ret_next_ms);

#endif
