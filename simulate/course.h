/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The course of a host: which domains there are, and what each of them needs
 * over time.  What "xenballoon simulate" reads, from whichever file, and what
 * run.c plays.  Plain values; owned by whoever filled them.
 */
#ifndef BALLOON_SIMULATE_COURSE_H
#define BALLOON_SIMULATE_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/settings.h"

/* What the issue of a trace leaves open, unless told otherwise. */
#define COURSE_RAMP_MS 10000
#define COURSE_GROW_KIB_S (UINT64_C(1) << 20)
#define COURSE_SHRINK_KIB_S (UINT64_C(1) << 18)
#define COURSE_FLOOR_KIB (UINT64_C(256) * 1024)

/* From at_ms on, the domain's working set moves to working_set_kib. */
struct course_point {
    uint64_t at_ms; /* since the course began; ascending */
    uint64_t working_set_kib;
};

struct course_domain {
    char name[SETTINGS_NAME_MAX];
    uint64_t floor_kib;
    uint64_t ceiling_kib; /* it can hold no more; at least floor_kib */
    uint64_t weight;
    uint64_t headroom_permyriad; /* 0: the policy's own */
    bool is_static;              /* no frontend: counted, never touched */
    uint64_t start_ms;           /* it exists from then on ... */
    uint64_t end_ms;             /* ... until then; above start_ms */
    uint64_t start_kib;          /* held at its start; 0: its floor */
    uint64_t swap_kib;           /* UINT64_MAX: as much as it lacks */
    uint64_t grow_kib_s;
    uint64_t shrink_kib_s;
    struct course_point *points; /* owned; the first at or after start_ms */
    unsigned int count;
};

struct course {
    uint64_t duration_ms;
    uint64_t ramp_ms; /* a working set moves linearly for so long, then holds */
    uint64_t host_memory_kib; /* of all guests, reserve included; 0: not said */
    uint64_t reserve_kib;     /* UINT64_MAX: the policy's own */
    uint64_t idle_tax_permyriad;
    struct course_domain *domains; /* owned */
    unsigned int count;
};

/* Everything zero but for the defaults above. */
void course_init(struct course *course);
void course_done(struct course *course);

/*
 * Adds a domain with the default speeds, weight and unlimited swap, and no
 * points.  NULL when memory is short.  The pointer is good until the next add.
 */
struct course_domain *course_add(struct course *course);

/* The first of that name, or NULL. */
struct course_domain *course_find(const struct course *course,
                                  const char *name);

/*
 * 0 or -ENOMEM.  A point at the time of the last one replaces it; one before
 * it is -EINVAL.
 */
int course_domain_add(struct course_domain *domain, uint64_t at_ms,
                      uint64_t working_set_kib);

/*
 * The highest sum over time of max(floor, working set) of those that live: no
 * policy can serve all with less.
 */
uint64_t course_peak_kib(const struct course *course);

#endif
