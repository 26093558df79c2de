/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/course.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "simulate/queue.h"
#include "simulate/walk.h"

/* ---- Filling it --------------------------------------------------------- */

void course_init(struct course *course)
{
    *course = (struct course){
        .ramp_ms = COURSE_RAMP_MS,
        .reserve_kib = UINT64_MAX,
        .idle_tax_permyriad = SETTINGS_IDLE_TAX_DEFAULT_PERMYRIAD,
    };
}

void course_done(struct course *course)
{
    unsigned int i;

    if (course == NULL) {
        return;
    }
    for (i = 0; i < course->count; i++) {
        free(course->domains[i].points);
    }
    free(course->domains);
    *course = (struct course){0};
}

/* An array has room for a power of two; it is full when it has as many. */
static bool is_full(unsigned int count)
{
    return (count & (count - 1)) == 0;
}

static void *grow(void *array, unsigned int count, size_t size)
{
    size_t room = count == 0 ? 1 : 2 * (size_t)count;

    return realloc(array, room * size);
}

struct course_domain *course_add(struct course *course)
{
    struct course_domain *domain;

    if (is_full(course->count)) {
        domain = grow(course->domains, course->count, sizeof(*domain));
        if (domain == NULL) {
            return NULL;
        }
        course->domains = domain;
    }
    domain = &course->domains[course->count++];
    *domain = (struct course_domain){
        .weight = SETTINGS_WEIGHT_DEFAULT,
        .swap_kib = UINT64_MAX,
        .grow_kib_s = COURSE_GROW_KIB_S,
        .shrink_kib_s = COURSE_SHRINK_KIB_S,
    };
    return domain;
}

struct course_domain *course_find(const struct course *course, const char *name)
{
    for (unsigned int i = 0; i < course->count; i++) {
        if (strcmp(course->domains[i].name, name) == 0) {
            return &course->domains[i];
        }
    }
    return NULL;
}

int course_domain_add(struct course_domain *domain, uint64_t at_ms,
                      uint64_t working_set_kib)
{
    struct course_point point = {at_ms, working_set_kib};
    struct course_point *points;

    if (domain->count > 0 && domain->points[domain->count - 1].at_ms >= at_ms) {
        if (domain->points[domain->count - 1].at_ms > at_ms) {
            return -EINVAL;
        }
        domain->points[domain->count - 1] = point;
        return 0;
    }
    if (is_full(domain->count)) {
        points = grow(domain->points, domain->count, sizeof(*points));
        if (points == NULL) {
            return -ENOMEM;
        }
        domain->points = points;
    }
    domain->points[domain->count++] = point;
    return 0;
}

/* ---- The peak ----------------------------------------------------------- */

/*
 * The sum of max(floor, working set), as it goes on: of those who stand still,
 * and the list of those who are on a ramp.
 */
struct sum {
    struct walk *walks;
    struct queue queue;     /* of domains, by when their piece ends */
    unsigned int *moving;   /* domains on a ramp ... */
    unsigned int *place_of; /* ... and where each stands in it */
    unsigned int moving_count;
    uint64_t still_kib;
};

static uint64_t part_of(const struct walk *walk, uint64_t at_ms)
{
    return walk_lives(walk)
               ? units_max(walk->domain->floor_kib, walk_kib(walk, at_ms))
               : 0;
}

static uint64_t sum_at(const struct sum *sum, uint64_t at_ms)
{
    uint64_t all_kib = sum->still_kib;
    unsigned int i;

    for (i = 0; i < sum->moving_count; i++) {
        all_kib += part_of(&sum->walks[sum->moving[i]], at_ms);
    }
    return all_kib;
}

static void leave(struct sum *sum, unsigned int id)
{
    unsigned int last = sum->moving[--sum->moving_count];

    sum->moving[sum->place_of[id]] = last;
    sum->place_of[last] = sum->place_of[id];
}

static void enter(struct sum *sum, unsigned int id)
{
    sum->place_of[id] = sum->moving_count;
    sum->moving[sum->moving_count++] = id;
}

static void step(struct sum *sum, unsigned int id, uint64_t at_ms)
{
    struct walk *walk = &sum->walks[id];

    if (walk_is_moving(walk)) {
        leave(sum, id);
    } else {
        sum->still_kib -= part_of(walk, at_ms);
    }
    walk_step(walk);
    if (walk_is_moving(walk)) {
        enter(sum, id);
    } else {
        sum->still_kib += part_of(walk, at_ms);
    }
    queue_set(&sum->queue, id, walk->due_ms);
}

/*
 * Between the ends of pieces the sum is convex, so that its peak is at one of
 * them, from the left or from the right.
 */
static uint64_t find_peak(struct sum *sum)
{
    uint64_t peak_kib = 0;
    uint64_t at_ms = queue_first_ms(&sum->queue);

    while (at_ms != UINT64_MAX) {
        peak_kib = units_max(peak_kib, sum_at(sum, at_ms));
        while (queue_first_ms(&sum->queue) == at_ms) {
            step(sum, queue_first(&sum->queue), at_ms);
        }
        peak_kib = units_max(peak_kib, sum_at(sum, at_ms));
        at_ms = queue_first_ms(&sum->queue);
    }
    return peak_kib;
}

uint64_t course_peak_kib(const struct course *course)
{
    struct sum sum = {
        .walks = calloc(course->count, sizeof(*sum.walks)),
        .moving = calloc(course->count, sizeof(*sum.moving)),
        .place_of = calloc(course->count, sizeof(*sum.place_of)),
    };
    uint64_t peak_kib = 0;
    unsigned int i;

    if (queue_init(&sum.queue, course->count) == 0 && sum.walks != NULL &&
        sum.moving != NULL && sum.place_of != NULL) {
        for (i = 0; i < course->count; i++) {
            walk_begin(&sum.walks[i], course, &course->domains[i]);
            queue_set(&sum.queue, i, sum.walks[i].due_ms);
        }
        peak_kib = find_peak(&sum);
    }
    queue_done(&sum.queue);
    free(sum.walks);
    free(sum.moving);
    free(sum.place_of);
    return peak_kib;
}
