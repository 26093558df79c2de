/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/units.h"

#define MS_PER_HOUR UINT64_C(3600000)
#define MS_PER_MINUTE UINT64_C(60000)

void outcome_done(struct outcome *outcome)
{
    unsigned int i;

    if (outcome == NULL) {
        return;
    }
    for (i = 0; i < outcome->count; i++) {
        free(outcome->domains[i].curve.samples);
    }
    free(outcome->domains);
    free(outcome->curve.samples);
    *outcome = (struct outcome){0};
}

uint64_t outcome_unmet_millipermyriad(const struct outcome_figures *figures)
{
    return units_scale(figures->lacked_kib_ms, 10000 * UINT64_C(1000),
                       figures->needed_kib_ms);
}

uint64_t outcome_short_milliminutes(const struct outcome_figures *figures)
{
    return units_scale(figures->short_ms, 1000, MS_PER_MINUTE);
}

uint64_t outcome_moved_milli(const struct outcome_figures *figures)
{
    return units_scale(figures->moved_kib, 1000, figures->rises_kib);
}

uint64_t outcome_reversals_milli(const struct outcome_figures *figures)
{
    return units_scale(figures->reversals, 1000 * MS_PER_HOUR,
                       figures->lived_ms);
}

const char *outcome_milli_text(uint64_t milli, char text[OUTCOME_MILLI_TEXT])
{
    (void)snprintf(text, OUTCOME_MILLI_TEXT, "%" PRIu64 ".%03u", milli / 1000,
                   (unsigned int)(milli % 1000));
    return text;
}
