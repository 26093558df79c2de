/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk through a domain's life in a course, from one change of its working
 * set to the next.  It begins with its first point at once; from each further
 * point on it moves in a straight line, then it stands still until the next.
 */
#ifndef BALLOON_SIMULATE_WALK_H
#define BALLOON_SIMULATE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "simulate/course.h"

enum walk_phase { WALK_BEFORE, WALK_LIVES, WALK_AFTER };

struct walk {
    const struct course_domain *domain;
    uint64_t ramp_ms;
    enum walk_phase phase;
    uint64_t due_ms;   /* the next change; UINT64_MAX: none */
    unsigned int next; /* the next point */

    /* From from_kib at begin_ms to to_kib at end_ms. */
    uint64_t begin_ms;
    uint64_t end_ms;
    uint64_t from_kib;
    uint64_t to_kib;
};

/* Before its start, however long that is ago. */
void walk_begin(struct walk *walk, const struct course *course,
                const struct course_domain *domain);

/* Takes all that is due at due_ms. */
void walk_step(struct walk *walk);

static inline bool walk_lives(const struct walk *walk)
{
    return walk->phase == WALK_LIVES;
}

/* On a ramp, after what was due was taken. */
static inline bool walk_is_moving(const struct walk *walk)
{
    return walk->from_kib != walk->to_kib;
}

/* The working set between the last step and the one that is due. */
uint64_t walk_kib(const struct walk *walk, uint64_t at_ms);

#endif
