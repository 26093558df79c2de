/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watches of the backend: which parts of the store tell that a domain is
 * to be looked at again, and what their events mean.
 *
 * Functions return 0 or a negative errno of the bus.
 */
#ifndef BALLOON_BACKEND_WATCH_H
#define BALLOON_BACKEND_WATCH_H

#include "backend/balancer.h"

/* Domains that come and go. */
int watch_host(const struct balancer *balancer);

/* All parts of one domain; may be called again after a failure. */
int watch_begin(const struct balancer *balancer,
                struct balancer_domain *domain);

/* Of a domain that is gone. */
void watch_end(const struct balancer *balancer,
               const struct balancer_domain *domain);

/* The node that part of domain is watched at. */
void watch_path(char path[BUS_PATH_MAX], const struct balancer_domain *domain,
                enum balancer_part part);

/*
 * A tick takes so many events, and as many more for each domain: all that the
 * setting of watches brings, and what domains do in their ordinary life.
 */
#define WATCH_EVENTS_MAX 64

/*
 * Takes the events that wait and marks what they say is stale.  What a guest
 * that writes without end leaves for the next tick keeps the bus readable.
 * -ENOTCONN when the bus is gone.
 */
int watch_take_events(struct balancer *balancer);

/* xl mem-set has run, if only with the value that was there. */
void watch_operator_spoke(struct balancer_domain *domain);

#endif
