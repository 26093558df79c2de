/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making room before a large shrink: from the backend's announcement to the
 * answer.  Hooks run first, so that applications with heaps of their own can
 * shrink them; then what is cold is reclaimed, a slice at a time, until what is
 * available covers what is asked for; then the guest is ready.  When nothing
 * has to be done, it is ready at once.  Shortly before the deadline it is ready
 * with what there is.
 *
 * What it says that it can do without leaves it its own floor: less than what
 * was asked for is a refusal.
 *
 * Pure, as decide.h.
 */
#ifndef BALLOON_FRONTEND_INTENT_H
#define BALLOON_FRONTEND_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/announcement.h"
#include "frontend/sample.h"

/*
 * Reclaimed at a time: tens of milliseconds of clean cache or of a fast disk's
 * swap, so that no more is reclaimed than is found to be needed.
 */
#define INTENT_SLICE_KIB (UINT64_C(32) * 1024)

/* A slice that brings less than this share of itself is futile, twice enough. */
#define INTENT_FUTILE_SHARE 4U
#define INTENT_FUTILE_MAX 2U

/*
 * The answer must be there by the deadline: so long before it, or half of the
 * time when that is short.  The backend's tick and two writes of the store.
 */
#define INTENT_MARGIN_MS 250U

/* How often to look what the work has brought, if its end does not wake us. */
#define INTENT_LOOK_MS 100U

struct intent_input {
    struct announcement announcement; /* that stands; number 0: none */
    struct guest_sample sample;
    uint64_t target_kib; /* memory/target; 0 if it could not be read */
    bool has_hooks;
    bool can_reclaim;
    bool is_at_work; /* hooks or a slice, started by an earlier step */
    uint64_t now_ms;
};

enum intent_phase {
    INTENT_NONE, /* nothing is announced */
    INTENT_HOOKS,
    INTENT_RECLAIM,
    INTENT_READY,
};

/* All zero: nothing was ever announced. */
struct intent {
    enum intent_phase phase;
    struct announcement announcement;
    uint64_t deadline_ms;
    uint64_t before_kib; /* available before the slice; UINT64_MAX: no slice */
    unsigned int futile; /* slices in a row */
    struct answer answer;
};

struct intent_step {
    bool stop_work;       /* first: whatever is at work */
    bool run_hooks;       /* start them, for */
    uint64_t shrink_kib;  /* so much, with */
    uint64_t left_ms;     /* so much time */
    uint64_t reclaim_kib; /* start a slice of this; 0: none */
    struct answer answer; /* that should stand in the store; number 0: none */
    uint64_t next_ms;     /* look again then; UINT64_MAX: no need */
};

void intent_round(struct intent *intent, const struct intent_input *input,
                  struct intent_step *ret_step);

#endif
