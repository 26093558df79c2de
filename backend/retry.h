/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to try again what Xen or the store has refused: soon, then later each
 * time.  Plain data; the caller brings the time, and the longest that this one
 * may wait.
 */
#ifndef BALLOON_BACKEND_RETRY_H
#define BALLOON_BACKEND_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* The first: a transaction that met another is over by then. */
#define RETRY_FIRST_MS 100

/* The last: an operator who has put it right sees that within moments. */
#define RETRY_LAST_MS 5000

/* The last of what others wait for, or are promised. */
#define RETRY_URGENT_MS 1000

/* All zero: nothing has failed. */
struct retry {
    uint64_t failed_ms;
    uint64_t delay_ms; /* 0: it has not */
};

void retry_failed(struct retry *retry, uint64_t now_ms);

/* It succeeded, or something else is to be done. */
void retry_clear(struct retry *retry);

/* When it may be tried, last_ms after the failure at the latest; 0: now. */
uint64_t retry_due_ms(const struct retry *retry, uint64_t last_ms);

#endif
