/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room for a shrink that is announced: what intent.h decides, done.  A part of
 * the frontend's round.
 */
#ifndef BALLOON_FRONTEND_ROOM_H
#define BALLOON_FRONTEND_ROOM_H

#include <stdint.h>

#include "common/announcement.h"
#include "common/bus.h"
#include "frontend/backoff.h"
#include "frontend/guest.h"
#include "frontend/intent.h"

/* All zero: nothing was ever announced. */
struct room {
    struct intent intent;
    struct answer told; /* the answer that stands in the store */
    struct backoff tell_retry;
    int tell_error; /* of the last attempt, 0 or a negative errno */
};

/*
 * seen is complete but for what the guest's means are, and is_at_work.
 * *next_ms comes forward to when to do this again.  0, or -ENOTCONN when the
 * bus is gone.
 */
int room_make(struct room *room, const struct bus *bus,
              const struct guest *guest, struct intent_input *seen,
              uint64_t *next_ms);

#endif
