/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The roster: balancer->domains follows the domains that Xen has.
 */
#ifndef BALLOON_BACKEND_ROSTER_H
#define BALLOON_BACKEND_ROSTER_H

#include "backend/balancer.h"

/*
 * Asks Xen; takes up who is new, and forgets who is gone, with watches and
 * record.  Afterwards balancer->listed has what Xen said of each domain, in
 * the order of balancer->domains, and all arrays have room for them.  0 or a
 * negative errno.
 */
int roster_update(struct balancer *balancer);

#endif
