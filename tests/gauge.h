/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gauge on a scenario: what is felt on the host while time goes on, and how
 * long something takes.
 */
#ifndef BALLOON_TESTS_GAUGE_H
#define BALLOON_TESTS_GAUGE_H

#include <string.h>

#include "common/units.h"
#include "tests/steps.h"

#define GIB (1024 * MIB)

/* Between two readings. */
#define GAUGE_STEP_MS 100

/* How long the kernel's avg10 looks back. */
#define GAUGE_AVERAGE_MS 10000

/* Swapping more than this in a second is swapping. */
#define GAUGE_SWAPPING_KIB (1 * MIB)

/* Zeroed: nothing read yet. */
struct gauge {
    struct scenario *scenario;
    uint64_t since_ms; /* of this second */
    uint64_t least_free_kib;
    unsigned int most_swapping; /* guests at once, in one second */
    uint64_t worst_ppm;         /* of avg10 of "full", in any guest */
    struct {
        uint64_t waited_us;
        uint64_t swapped_kib; /* at the start of this second */
        uint64_t average_ppm;
    } guests[SCENARIO_GUESTS_MAX];
};

static inline uint64_t gauge_swapped_kib(const struct model *model)
{
    return model->swapped_in_kib + model->swapped_out_kib;
}

static inline void gauge_start(struct gauge *gauge, struct scenario *scenario)
{
    unsigned int i;

    memset(gauge, 0, sizeof(*gauge));
    gauge->scenario = scenario;
    gauge->since_ms = scenario->world.now_ms;
    gauge->least_free_kib = scenario->world.ledger.free_kib;
    for (i = 0; i < scenario->world.count; i++) {
        const struct model *model = &scenario->world.domus[i]->model;

        gauge->guests[i].waited_us = model->waited_us;
        gauge->guests[i].swapped_kib = gauge_swapped_kib(model);
    }
}

/* "full" is half of "some", as op_sample() in model.c has it. */
static inline void gauge_average(struct gauge *gauge, unsigned int i,
                                 uint64_t waited_us)
{
    uint64_t now_ppm =
        units_min(1000000, units_scale(waited_us - gauge->guests[i].waited_us,
                                       500, GAUGE_STEP_MS));
    uint64_t old_ppm = gauge->guests[i].average_ppm;

    gauge->guests[i].average_ppm =
        units_scale(old_ppm, GAUGE_AVERAGE_MS - GAUGE_STEP_MS,
                    GAUGE_AVERAGE_MS) +
        units_scale(now_ppm, GAUGE_STEP_MS, GAUGE_AVERAGE_MS);
    gauge->guests[i].waited_us = waited_us;
    gauge->worst_ppm =
        units_max(gauge->worst_ppm, gauge->guests[i].average_ppm);
}

static inline void gauge_read(struct gauge *gauge)
{
    const struct world *world = &gauge->scenario->world;
    bool is_second = world->now_ms >= gauge->since_ms + SECOND_MS;
    unsigned int swapping = 0;
    unsigned int i;

    gauge->least_free_kib =
        units_min(gauge->least_free_kib, world->ledger.free_kib);
    for (i = 0; i < world->count && i < SCENARIO_GUESTS_MAX; i++) {
        const struct model *model = &world->domus[i]->model;
        uint64_t swapped = gauge_swapped_kib(model);

        gauge_average(gauge, i, model->waited_us);
        if (is_second) {
            swapping +=
                swapped - gauge->guests[i].swapped_kib > GAUGE_SWAPPING_KIB;
            gauge->guests[i].swapped_kib = swapped;
        }
    }
    gauge->most_swapping =
        swapping > gauge->most_swapping ? swapping : gauge->most_swapping;
    gauge->since_ms = is_second ? world->now_ms : gauge->since_ms;
}

static inline void gauge_run(struct gauge *gauge, uint64_t duration_ms)
{
    uint64_t until_ms = gauge->scenario->world.now_ms + duration_ms;

    while (gauge->scenario->world.now_ms < until_ms) {
        run(gauge->scenario,
            units_min(GAUGE_STEP_MS, until_ms - gauge->scenario->world.now_ms));
        gauge_read(gauge);
    }
}

/* Up to so many ms of the guest's life. */
static inline void gauge_live(struct gauge *gauge, const char *name,
                              uint64_t life_ms)
{
    const struct world *world = &gauge->scenario->world;
    uint64_t until_ms = world_find(world, name)->model.boot_ms + life_ms;

    gauge_run(gauge, units_less(until_ms, world->now_ms));
}

/* How long until the guest holds so much; above most_ms: not by then. */
static inline uint64_t gauge_until_held(struct gauge *gauge, const char *name,
                                        uint64_t kib, uint64_t most_ms)
{
    uint64_t ms = 0;

    while (scenario_held(gauge->scenario, name) < kib && ms <= most_ms) {
        gauge_run(gauge, GAUGE_STEP_MS);
        ms += GAUGE_STEP_MS;
    }
    return ms;
}

/* The same for Xen's free memory. */
static inline uint64_t gauge_until_free(struct gauge *gauge, uint64_t kib,
                                        uint64_t most_ms)
{
    uint64_t ms = 0;

    while (gauge->scenario->world.ledger.free_kib < kib && ms <= most_ms) {
        gauge_run(gauge, GAUGE_STEP_MS);
        ms += GAUGE_STEP_MS;
    }
    return ms;
}

/*
 * The host asks for memory: backend.conf with a larger reserve is read again,
 * and the daemon ticks, as control.c makes it.
 */
static inline void ask_reserve(struct scenario *scenario, uint64_t kib)
{
    scenario->world.settings.reserve_kib = kib;
    scenario->world.daemon.next_ms = scenario->world.now_ms;
}

/* Programs killed are work lost; waiting is work not done.  In permyriad. */
static inline uint64_t work_done(const struct model *model, uint64_t waited_us,
                                 uint64_t duration_ms)
{
    uint64_t lost = units_scale(model->waited_us - waited_us, 10, duration_ms);

    return units_less(10000, lost);
}

#endif
