/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The curves of a run, in the making: of each span of time one sample for each
 * domain and one for all, that at which the most was lacking, so that what is
 * short is not missed for being short.  When nothing lacked, it is the last.
 */
#ifndef BALLOON_SIMULATE_CURVES_H
#define BALLOON_SIMULATE_CURVES_H

#include <stdbool.h>
#include <stdint.h>

#include "simulate/outcome.h"

struct curves {
    struct outcome *outcome;      /* borrowed: its curves are filled */
    struct outcome_sample *worst; /* owned; of this span, by domain, then all */
    unsigned int room;
    uint64_t every_ms;
    uint64_t due_ms; /* when the span ends; UINT64_MAX: no curves */
};

/*
 * About so many samples of each curve; 0: none at all.  0 or -ENOMEM;
 * curves_done() in any case.
 */
int curves_init(struct curves *curves, struct outcome *outcome,
                uint64_t duration_ms, unsigned int samples);
void curves_done(struct curves *curves);

static inline bool curves_are_kept(const struct curves *curves)
{
    return curves->room > 0;
}

/* What is so now, of a domain; its number is outcome->count for all of them. */
void curves_note(struct curves *curves, unsigned int id,
                 const struct outcome_sample *sample);

/* The same at the end of its span, or of its life. */
void curves_keep(struct curves *curves, unsigned int id,
                 const struct outcome_sample *sample);

/* All are kept; the next span begins. */
void curves_go_on(struct curves *curves, uint64_t now_ms);

#endif
