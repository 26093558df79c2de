/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's daemon as a thing that is ticked: observe, decide, act.  The
 * program ticks it with the real clock, the simulated host with its own.
 */
#ifndef BALLOON_FRONTEND_FRONTEND_H
#define BALLOON_FRONTEND_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"
#include "frontend/alarm.h"
#include "frontend/backoff.h"
#include "frontend/bell.h"
#include "frontend/decide.h"
#include "frontend/device.h"
#include "frontend/guest.h"
#include "frontend/observe.h"
#include "frontend/room.h"
#include "frontend/transport.h"

/* For the log. */
enum frontend_phase {
    FRONTEND_STARTED,
    FRONTEND_ALONE,   /* there is no device */
    FRONTEND_WAITING, /* for the backend's part of the handshake */
    FRONTEND_CONNECTED,
};

struct frontend {
    const struct bus *bus;
    const struct guest *guest;
    uint64_t heartbeat_ms;
    unsigned int offered; /* of enum act_feature; the caller may take off */

    /*
     * The kernel's alarms, the caller's to hear: whether there are any, and
     * which woke it for this tick.  The tick says whether that was for nothing.
     */
    bool has_alarm;
    enum alarm_kind woken_by;
    bool woken_in_vain;

    struct observer observer;
    struct device device;
    struct transport transport;
    struct bell bell; /* is_wanted: the caller's, after frontend_init() */
    struct decide_state decider;
    struct room room;
    struct backoff publish_retry;
    struct backoff sample_retry;

    /*
     * The last result of each thing that may fail, 0 or a negative errno, so
     * that the log gets a line when one changes and not at every tick.
     */
    int watch_error;
    int target_error;
    int sample_error;
    int share_error;
    int bell_error;
    int publish_error;
    int wake_error;
    enum report_balloon balloon; /* the last state of the driver, likewise */
    enum frontend_phase phase;
};

/*
 * heartbeat_ms is brought within the bounds of report.h.  bus and guest stay
 * the caller's and must stay valid.
 */
void frontend_init(struct frontend *frontend, const struct bus *bus,
                   const struct guest *guest, uint64_t heartbeat_ms);

/*
 * Lets go of the page that it shares.  The bus is not used.  Accepts a zeroed
 * frontend, and may be called twice.
 */
void frontend_done(struct frontend *frontend);

/*
 * One round.  To be called at *ret_next_ms, and at any event or signal of
 * pressure before.  Returns 0 whatever the guest and the store may answer,
 * and -ENOTCONN when the bus is gone: then the caller opens another behind
 * the same struct bus, calls frontend_rejoin() and ticks on.
 */
int frontend_tick(struct frontend *frontend, uint64_t now_ms,
                  uint64_t *ret_next_ms);

/* The bus is another one: watches and handshake are to be made anew. */
void frontend_rejoin(struct frontend *frontend);

/* Tells the backend that no more reports will come; 0 or negative errno. */
int frontend_stop(struct frontend *frontend);

#endif
