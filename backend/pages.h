/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages: reports of guests with the transport page, read by one copy for
 * all of them that are due.
 *
 * A page is due when its guest has rung, though not more often than once in
 * BALANCER_REPORT_MIN_MS, and when a heartbeat is, which nobody rings for.
 */
#ifndef BALLOON_BACKEND_PAGES_H
#define BALLOON_BACKEND_PAGES_H

#include <stdint.h>

#include "backend/balancer.h"

/* How often a page that is being written is copied again within one tick. */
#define PAGES_TRIES 3

/* Whether this host can copy pages, into balancer.  0 or a negative errno. */
int pages_probe(struct balancer *balancer);

/*
 * Reads what is due.  *next_ms comes forward to when something is.  0 or a
 * negative errno that concerns more than single domains.
 */
int pages_refresh(struct balancer *balancer, uint64_t now_ms,
                  uint64_t *next_ms);

/* Accepts NULL. */
void pages_free(struct pages *pages);

#endif
