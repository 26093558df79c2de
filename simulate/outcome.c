/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/outcome.h"

#include <stdlib.h>

#include "common/units.h"

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
