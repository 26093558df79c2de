/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must always hold, whatever happens; see DESIGN.md.  Checked at every
 * write of the backend and after every step of the world.
 *
 *   conserved   what is held and what is free is what there is
 *   promises    at the moment of granting, what all may still take is not
 *               more than what is free and not claimed, less the reserve
 *   bounds      a target is within floor, ceiling and static-max, and
 *               covered by the limit; it is not lowered below what the guest
 *               says it cannot go below
 *   hands off   nothing is written for domains that are gone, going, being
 *               built, the operator's, fixed, left alone, without a frontend
 *               or with one that does not answer or writes what is no report;
 *               nor for domain 0
 *   own nodes   the backend writes memory/target and its records, no more,
 *               and leaves no transaction open
 *   explained   no domain is without a reason
 */
#ifndef BALLOON_TESTS_WORLD_RULES_H
#define BALLOON_TESTS_WORLD_RULES_H

#include "tests/world/world.h"

/* Watches over the world from now on. */
void rules_watch(struct world *world);

/* After a step. */
void rules_check(struct world *world);

/* What all domains may still take of what is free. */
uint64_t rules_promised_kib(const struct world *world);

#endif
