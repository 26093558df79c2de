/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/curves.h"

#include <errno.h>
#include <stdlib.h>

/* One at the beginning, and one at the end. */
#define CURVES_ENDS 2

static struct outcome_curve *curve_of(const struct curves *curves,
                                      unsigned int id)
{
    return id < curves->outcome->count ? &curves->outcome->domains[id].curve
                                       : &curves->outcome->curve;
}

int curves_init(struct curves *curves, struct outcome *outcome,
                uint64_t duration_ms, unsigned int samples)
{
    unsigned int i;

    *curves = (struct curves){.outcome = outcome, .due_ms = UINT64_MAX};
    if (samples == 0) {
        return 0;
    }
    curves->due_ms = 0;
    curves->every_ms = duration_ms / samples + 1;
    curves->room = samples + CURVES_ENDS;
    curves->worst = calloc((size_t)outcome->count + 1, sizeof(*curves->worst));
    for (i = 0; i <= outcome->count; i++) {
        struct outcome_curve *curve = curve_of(curves, i);

        curve->samples = calloc(curves->room, sizeof(*curve->samples));
        if (curve->samples == NULL || curves->worst == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

void curves_done(struct curves *curves)
{
    free(curves->worst);
    *curves = (struct curves){0};
}

void curves_note(struct curves *curves, unsigned int id,
                 const struct outcome_sample *sample)
{
    if (sample->lacks_kib > curves->worst[id].lacks_kib) {
        curves->worst[id] = *sample;
    }
}

void curves_keep(struct curves *curves, unsigned int id,
                 const struct outcome_sample *sample)
{
    struct outcome_curve *curve = curve_of(curves, id);
    struct outcome_sample *worst = &curves->worst[id];

    if (curve->count < curves->room) {
        curve->samples[curve->count++] =
            worst->lacks_kib > sample->lacks_kib ? *worst : *sample;
    }
    *worst = (struct outcome_sample){0};
}

void curves_go_on(struct curves *curves, uint64_t now_ms)
{
    curves->due_ms = now_ms + curves->every_ms;
}
