/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies that a course may be played under, by name.
 *
 * "demand" is the backend's own decision.  The others only say what each
 * domain is to hold; policy_toward() leads there in the backend's safe order.
 */
#ifndef BALLOON_SIMULATE_POLICY_H
#define BALLOON_SIMULATE_POLICY_H

#include <stdint.h>

#include "backend/decide.h"
#include "simulate/run.h"

/* The names of policy_init(), NULL behind the last. */
const char *policy_name(unsigned int index);

/*
 * A policy for a course of so many domains.  0, *ret_policy to be freed by
 * policy_done() and to be used for one run; -EINVAL for an unknown name;
 * -ENOMEM.
 */
int policy_init(const char *name, unsigned int domains,
                struct run_policy *ret_policy);

/* Of any policy, whoever has made it: calls its done. */
void policy_done(struct run_policy *policy);

/*
 * A plan towards targets_kib, one for each domain of the snapshot, brought
 * within floor and ceiling: who is above its target shrinks at once; who is
 * below grows as far as what is free now carries, the promises of limits and
 * the reserve taken off, each in proportion to what it lacks.
 */
void policy_toward(const struct snapshot *snapshot, const uint64_t *targets_kib,
                   struct plan *plan);

#endif
