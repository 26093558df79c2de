/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend of a simulated guest: the real one's judgement of what is news
 * and how long it may sleep.  Apart from guest.h because both halves of the
 * product call their judgement a decision.
 */
#ifndef BALLOON_SIMULATE_VOICE_H
#define BALLOON_SIMULATE_VOICE_H

#include <stdint.h>

#include "common/report.h"
#include "frontend/sample.h"

/* How soon somebody should hear of it. */
enum voice_news {
    VOICE_NOTHING,   /* no report was written */
    VOICE_HEARTBEAT, /* one that wakes nobody */
    VOICE_NEWS,
    VOICE_BAD_NEWS, /* it stalls, or may soon */
};

struct voice;

/* A frontend that has just started; NULL when memory is short. */
struct voice *voice_new(void);
void voice_free(struct voice *voice);

/*
 * Looks at sample, taken at now_ms, and at memory/target.  *ret_next_ms is when
 * to look again if nothing happens; with anything but VOICE_NOTHING, the report
 * is in *report, which is otherwise untouched.
 */
enum voice_news voice_look(struct voice *voice,
                           const struct guest_sample *sample,
                           uint64_t target_kib, uint64_t now_ms,
                           struct report *report, uint64_t *ret_next_ms);

/* When the report is due that comes in any case. */
uint64_t voice_heartbeat_ms(const struct voice *voice);

#endif
