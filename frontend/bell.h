/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bell: an event channel that is notified instead of writing the doorbell,
 * for a guest whose owner has asked for it.
 *
 * It is bound once, at the first handshake with a backend that binds event
 * channels, and offered again at each handshake after that: Xen leaves it as it
 * was when dom0's end goes.  After save, restore or migration it is dead; then
 * it is given up for good, and the doorbell goes on.
 */
#ifndef BALLOON_FRONTEND_BELL_H
#define BALLOON_FRONTEND_BELL_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/guest.h"

/* All zero: none, and none is wanted. */
struct bell {
    bool is_wanted; /* the caller's to say, before the first handshake */
    bool is_lost;   /* never to be touched again */
    uint32_t port;  /* 0: not bound */
};

/*
 * At each handshake; is_offered: the backend would bind it; is_moved: the device
 * is another than the one before, so that the guest may have been moved.  0
 * with *ret_port, which is 0 when there is no bell to ring; or why the offer
 * could not be taken up (negative errno), with the same.
 */
int bell_open(struct bell *bell, const struct guest *guest, bool is_offered,
              bool is_moved, uint32_t *ret_port);

#endif
