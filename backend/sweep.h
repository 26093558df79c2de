/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sweep: what is left in the store of domains that have died, while no
 * backend ran or when it could not be removed.
 */
#ifndef BALLOON_BACKEND_SWEEP_H
#define BALLOON_BACKEND_SWEEP_H

#include "backend/balancer.h"

/*
 * Removes every child of dir that is named by the id of a domain which is not
 * in balancer->domains; others stay.  0 or a negative errno of the
 * bus, when all that can be removed is.
 */
int sweep(struct balancer *balancer, const char *dir);

#endif
