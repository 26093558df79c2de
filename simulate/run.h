/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a course on a host of a given size under a policy.  Deterministic: no
 * clock, no dice.
 */
#ifndef BALLOON_SIMULATE_RUN_H
#define BALLOON_SIMULATE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"
#include "simulate/course.h"
#include "simulate/outcome.h"

/*
 * A policy: from a snapshot to a plan, as decide() does it; policy.h has
 * those that there are.  domains_of[i] is the number in the course of
 * snapshot->domains[i], for a policy that keeps something of each.  0 or a
 * negative errno, which ends the run.
 */
struct run_policy {
    const char *name;
    int (*plan)(void *state, const struct snapshot *snapshot,
                const unsigned int *domains_of, struct plan *plan);
    void *state;
    void (*done)(void *state); /* NULL, or frees it; see policy_done() */
};

struct run_options {
    uint64_t host_memory_kib;
    struct run_policy policy;
    unsigned int samples; /* of each curve, about; 0: none are kept */
    /* Called now and then with what is done; false stops the run there. */
    bool (*is_wanted)(void *state, uint64_t done_ms, uint64_t of_ms);
    void *state;
};

/* 0, *ret_outcome to be freed by outcome_done(); or a negative errno. */
int run_course(const struct course *course, const struct run_options *options,
               struct outcome *ret_outcome);

#endif
