/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for the smallest host that is enough: on which no more than so
 * much of what is needed is unmet.
 */
#ifndef BALLOON_SIMULATE_SEARCH_H
#define BALLOON_SIMULATE_SEARCH_H

#include <stdint.h>

#include "simulate/course.h"
#include "simulate/outcome.h"

/* What is found is at most so much of itself too large: 1/256. */
#define SEARCH_SHARE 256

struct search {
    const struct course *course;
    uint64_t unmet_milli; /* permyriad, times 1000 */
    /* Plays it on such a host: 0 and an outcome, or a negative errno. */
    int (*play)(void *state, uint64_t host_memory_kib,
                struct outcome *ret_outcome);
    void *state;
};

/*
 * From a first guess.  0 and the outcome on the host that was found, to be
 * freed by outcome_done(); when a run was interrupted, that run's.  Or what
 * play returned; -ENOENT when no host is enough.
 */
int search_host(const struct search *search, uint64_t guess_kib,
                struct outcome *ret_outcome);

#endif
