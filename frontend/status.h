/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the owner of the guest may know: how much is away, since when and why,
 * and what the guest may do about it.  One object of JSON for "xenballoon
 * guest", without a library, since the frontend is to stay small.
 */
#ifndef BALLOON_FRONTEND_STATUS_H
#define BALLOON_FRONTEND_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/announcement.h"
#include "frontend/frontend.h"

/* Of any status with its NUL: with all numbers at their longest it has 750. */
#define STATUS_TEXT_MAX 1024

/*
 * All zero: nothing has been seen yet.  Amounts are in the host's count, as far
 * as the difference is known.  Times end in _at_ms and are of the wall clock,
 * in ms since 1970; 0: not since the frontend was started.
 */
struct status {
    uint64_t pid;
    uint64_t started_at_ms;

    const char *dom0; /* one of four words, see status.c */
    uint64_t dom0_at_ms;
    const char *transport; /* NULL: not connected */

    uint64_t could_have_kib; /* its maximum, or the most that was seen */
    uint64_t holds_kib;
    uint64_t target_kib;   /* 0: not known */
    uint64_t target_at_ms; /* when it changed last */
    char reason[OBSERVE_REASON_MAX];
    uint64_t allowance_kib;
    uint64_t taken_kib;

    struct announcement announcement; /* the last one; number 0: none yet */
    uint64_t announced_at_ms;
    bool is_announced;    /* it stands */
    struct answer answer; /* to that one; number 0: none */
};

/*
 * After a tick: frontend as it is then, has_store false while there is no
 * connection to the store.
 */
void status_look(struct status *status, const struct frontend *frontend,
                 bool has_store, uint64_t wall_ms);

/* The length without the NUL, or -ENOSPC. */
int status_format(const struct status *status, char text[STATUS_TEXT_MAX]);

#endif
