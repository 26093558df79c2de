/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated guest: what it needs, what it holds and what it lacks, and what
 * all that sums up to over time.  Its working set and its balloon move in
 * straight lines, so that everything between two changes is computed at once,
 * exactly but for amounts being whole KiB.
 */
#ifndef BALLOON_SIMULATE_GUEST_H
#define BALLOON_SIMULATE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/sample.h"
#include "simulate/outcome.h"
#include "simulate/walk.h"

struct guest {
    struct walk walk;
    uint64_t at_ms; /* everything here is of this time */
    uint64_t working_set_kib;
    uint64_t current_kib;
    uint64_t target_kib;
    uint64_t limit_kib;

    /*
     * The balloon goes from left_kib, where it was at left_ms, to reach_kib: to
     * the target, as far as limit and frames go.
     */
    uint64_t left_ms;
    uint64_t left_kib;
    uint64_t reach_kib;
    uint64_t arrives_ms;

    /* Counters of the guest's kernel */
    uint64_t swapped_in_kib;
    uint64_t swapped_out_kib;
    uint64_t stalled_ms;

    /* The last step of the target, as long as nothing has undone it. */
    uint64_t stepped_ms;
    int64_t step_kib;

    struct outcome_figures figures;
};

void guest_init(struct guest *guest, const struct course *course,
                const struct course_domain *domain);

/* It begins to live at at_ms, with so much memory. */
void guest_start(struct guest *guest, uint64_t at_ms, uint64_t held_kib);

/*
 * Lives on to at_ms, at which the next step of its walk may be due, not
 * earlier.
 */
void guest_advance(struct guest *guest, uint64_t at_ms);

/* The same, and takes that step. */
void guest_step(struct guest *guest);

/* Its balloon goes to reach_kib from now on. */
void guest_move(struct guest *guest, uint64_t reach_kib);

/* Its target is another one from now on; counts the step. */
void guest_retarget(struct guest *guest, uint64_t target_kib);

/* What it lacks now: it is in its swap. */
static inline uint64_t guest_lacks_kib(const struct guest *guest)
{
    return guest->working_set_kib > guest->current_kib
               ? guest->working_set_kib - guest->current_kib
               : 0;
}

static inline bool guest_is_moving(const struct guest *guest)
{
    return guest->current_kib != guest->reach_kib ||
           walk_is_moving(&guest->walk);
}

/*
 * When it begins to lack memory if nothing changes before: UINT64_MAX when it
 * does so already or will not until the next step of its walk.
 */
uint64_t guest_lack_ms(const struct guest *guest);

/* What its kernel says of itself now. */
void guest_sample(const struct guest *guest, struct guest_sample *ret_sample);

#endif
