/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/voice.h"

#include <stdlib.h>

#include "frontend/decide.h"

struct voice {
    struct decide_state state;
};

struct voice *voice_new(void)
{
    return calloc(1, sizeof(struct voice));
}

void voice_free(struct voice *voice)
{
    free(voice);
}

static enum voice_news rank(enum decide_news news)
{
    switch (news) {
    case DECIDE_NOTHING:
        return VOICE_NOTHING;
    case DECIDE_HEARTBEAT:
        return VOICE_HEARTBEAT;
    case DECIDE_STALL:
    case DECIDE_AVAILABLE_FELL:
        return VOICE_BAD_NEWS;
    default:
        return VOICE_NEWS;
    }
}

enum voice_news voice_look(struct voice *voice,
                           const struct guest_sample *sample,
                           uint64_t target_kib, uint64_t now_ms,
                           struct report *report, uint64_t *ret_next_ms)
{
    struct decide_input input = {
        .sample = *sample,
        .target_kib = target_kib,
        .has_alarm = true, /* the engine wakes it: see run.c */
        .heartbeat_ms = DECIDE_HEARTBEAT_MS,
        .now_ms = now_ms,
    };
    struct decision decision;

    decide_round(&voice->state, &input, &decision);
    *ret_next_ms = decision.next_ms;
    if (decision.news != DECIDE_NOTHING) {
        decide_published(&voice->state, &decision.report, now_ms);
        *report = decision.report;
    }
    return rank(decision.news);
}

uint64_t voice_heartbeat_ms(const struct voice *voice)
{
    return voice->state.published_ms + DECIDE_HEARTBEAT_MS;
}
