/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outcome as people and as programs read it.
 */
#ifndef BALLOON_SIMULATE_SHOW_H
#define BALLOON_SIMULATE_SHOW_H

#include <stddef.h>

#include "simulate/outcome.h"

/*
 * malloc()ed text with newlines, NULL when out of memory.  policy is the name
 * of what it was played under.
 */
char *show_outcome(const struct outcome *outcome, const char *policy,
                   size_t width);

/* One object, as xenballoon-simulate(1) describes it. */
char *show_outcome_json(const struct outcome *outcome, const char *policy);

#endif
