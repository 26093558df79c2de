/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/walk.h"

#include "common/units.h"

uint64_t walk_kib(const struct walk *walk, uint64_t at_ms)
{
    uint64_t part;

    if (at_ms >= walk->end_ms) {
        return walk->to_kib;
    }
    part = units_scale(units_distance(walk->from_kib, walk->to_kib),
                       units_less(at_ms, walk->begin_ms),
                       walk->end_ms - walk->begin_ms);
    return walk->to_kib >= walk->from_kib ? walk->from_kib + part
                                          : walk->from_kib - part;
}

void walk_begin(struct walk *walk, const struct course *course,
                const struct course_domain *domain)
{
    *walk = (struct walk){
        .domain = domain,
        .ramp_ms = course->ramp_ms,
        .due_ms = domain->start_ms,
    };
}

static void stand(struct walk *walk, uint64_t at_ms, uint64_t kib)
{
    walk->begin_ms = at_ms;
    walk->end_ms = at_ms;
    walk->from_kib = kib;
    walk->to_kib = kib;
}

static void take_point(struct walk *walk, uint64_t now_ms)
{
    const struct course_point *point = &walk->domain->points[walk->next];

    if (walk->next == 0 || walk->ramp_ms == 0) {
        stand(walk, now_ms, point->working_set_kib);
    } else {
        stand(walk, now_ms, walk_kib(walk, now_ms));
        walk->to_kib = point->working_set_kib;
        walk->end_ms = now_ms + walk->ramp_ms;
    }
    walk->next++;
}

static uint64_t next_due(const struct walk *walk)
{
    const struct course_domain *domain = walk->domain;
    uint64_t due_ms = domain->end_ms;

    if (walk->next < domain->count) {
        due_ms = units_min(due_ms, domain->points[walk->next].at_ms);
    }
    return walk_is_moving(walk) ? units_min(due_ms, walk->end_ms) : due_ms;
}

void walk_step(struct walk *walk)
{
    const struct course_domain *domain = walk->domain;
    uint64_t now_ms = walk->due_ms;

    if (now_ms >= domain->end_ms) {
        walk->phase = WALK_AFTER;
        stand(walk, now_ms, 0);
        walk->due_ms = UINT64_MAX;
        return;
    }
    walk->phase = WALK_LIVES;
    if (walk_is_moving(walk) && now_ms >= walk->end_ms) {
        stand(walk, now_ms, walk->to_kib);
    }
    while (walk->next < domain->count &&
           domain->points[walk->next].at_ms <= now_ms) {
        take_point(walk, now_ms);
    }
    walk->due_ms = next_due(walk);
}
