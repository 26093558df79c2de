/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decision needs to know: the kernel's sample, and from the store
 * what the guest is asked to hold and whether our report is still there.
 *
 * Observing changes nothing.  A target is read again only when its watch says
 * so, so that a busy guest costs the store nothing but its reports.
 */
#ifndef BALLOON_FRONTEND_OBSERVE_H
#define BALLOON_FRONTEND_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"
#include "frontend/backoff.h"
#include "frontend/decide.h"
#include "frontend/guest.h"

/* All zero: nothing is watched and nothing known. */
struct observer {
    bool watching;
    struct backoff watch_retry;
    bool target_is_current; /* no event since it was read */
    uint64_t target_kib;    /* 0: not there, or unreadable */
    bool report_lost; /* until the next one is written */
    /* What was wrong with it at the last attempt, 0 or a negative errno. */
    int watch_error;
    int target_error;
};

/*
 * Fills the part of *input that comes from the store.  0, also when a part of
 * it could not be read (watch_error and target_error say so), or -ENOTCONN.
 */
int observe_bus(struct observer *observer, const struct bus *bus,
                uint64_t now_ms, struct decide_input *input);

/* Fills the kernel's part; 0 or a negative errno. */
int observe_guest(const struct guest *guest, struct decide_input *input);

/* The time at which to look again without any event; UINT64_MAX: none. */
uint64_t observe_next_ms(const struct observer *observer, uint64_t now_ms);

#endif
