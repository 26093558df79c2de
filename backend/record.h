/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record: what a backend must know about a domain after a restart, in
 * the store under PROTOCOL_RECORD_DIR.  See protocol.h for its nodes.
 *
 * All functions return 0 or a negative errno of the bus; -ESRCH when the
 * domain is gone, and then nothing has been written.
 */
#ifndef BALLOON_BACKEND_RECORD_H
#define BALLOON_BACKEND_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/balancer.h"

/* Reads what an earlier backend left into domain; discards another uuid's. */
int record_read(struct balancer *balancer, struct balancer_domain *domain,
                uint64_t *ret_target_kib, bool *ret_is_operators);

/*
 * memory/target, with the record, and the word of reason.h that tells the
 * guest why, in one transaction: only while it still holds domain->target_kib;
 * -EEXIST when it holds another value now.
 */
int record_write_target(struct balancer *balancer,
                        struct balancer_domain *domain, uint64_t target_kib,
                        const char *why);

/* Whose the target is, without touching memory/target itself. */
int record_write_operator(struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t target_kib,
                          bool is_operators);

int record_write_given(struct balancer *balancer,
                       struct balancer_domain *domain,
                       const struct settings_domain *given);

/*
 * What the decision has learned of bursts on this host (decide.h), so that the
 * next backend keeps as much free; 0 when nothing was left.
 */
int record_read_learned(const struct balancer *balancer, uint64_t *ret_kib);
int record_write_learned(struct balancer *balancer, uint64_t kib);

/* Of a domain that is gone. */
int record_remove(struct balancer *balancer, uint32_t domid);

/* Removes the records of all domains that are not in balancer->domains. */
int record_sweep(struct balancer *balancer);

#endif
