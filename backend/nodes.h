/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the store says of one domain: its name, its memory nodes, whose its
 * target is, and the guest's end of its device.
 */
#ifndef BALLOON_BACKEND_NODES_H
#define BALLOON_BACKEND_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/balancer.h"

/*
 * Reads what is stale of domain, and writes its record when the operator has
 * taken over.  *next_ms comes forward to when something changes by time alone.
 * 0 or a negative errno that concerns more than this domain.
 */
int nodes_refresh(struct balancer *balancer, struct balancer_domain *domain,
                  const struct hypervisor_domain *listed, uint64_t now_ms,
                  uint64_t *next_ms);

#endif
