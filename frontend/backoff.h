/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to try again what has failed: after 1 s, 2 s, 4 s and so on, never
 * later than 30 s.  Plain data; the caller brings the time.
 */
#ifndef BALLOON_FRONTEND_BACKOFF_H
#define BALLOON_FRONTEND_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The first: shorter than anybody waits for.  The last: three heartbeats of
 * the default length, after which the backend treats a guest as silent anyway.
 */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS 30000

/* All zero: nothing has failed. */
struct backoff {
    uint64_t delay_ms;
    uint64_t retry_ms; /* when to try again; meaningless while delay is 0 */
};

/* It failed at now_ms: sets the time of the next attempt. */
void backoff_failed(struct backoff *backoff, uint64_t now_ms);

/* It succeeded, or there is a new reason to try. */
void backoff_clear(struct backoff *backoff);

bool backoff_is_due(const struct backoff *backoff, uint64_t now_ms);

/* The time of the next attempt; UINT64_MAX when it may be made now. */
uint64_t backoff_next_ms(const struct backoff *backoff, uint64_t now_ms);

#endif
