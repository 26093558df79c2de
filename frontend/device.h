/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of the handshake, as protocol.h describes it: from both
 * ends' states to what is to be written next.
 *
 * Pure.  Levels, not edges: what was missed is made good at the next look.
 * The one thing that a level cannot show is whether the backend, whose state
 * is what it was, has answered; so the view says whether it has written it.
 */
#ifndef BALLOON_FRONTEND_DEVICE_H
#define BALLOON_FRONTEND_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/protocol.h"
#include "frontend/backoff.h"

/* The device as it stands in the store. */
struct device_view {
    bool is_there;               /* it names the backend's directory */
    enum protocol_state own;     /* of our own node */
    enum protocol_state backend; /* of the backend's */
    bool backend_spoke; /* it wrote, or may have, its state since last time */
};

/* All zero: an end that has just started, or has lost its device. */
struct device {
    enum protocol_state state; /* the last that we wrote; 0: none yet */
    bool has_answer;           /* the backend wrote its state after ours */
    bool is_refused;           /* and the answer was no */
    struct backoff refused;    /* until it is asked again */
};

enum device_step {
    DEVICE_WAIT,    /* nothing to write */
    DEVICE_BEGIN,   /* all our nodes, the first report, and Initialised */
    DEVICE_CONFIRM, /* Connected */
};

enum device_step device_round(struct device *device,
                              const struct device_view *view, uint64_t now_ms);

/* The store has taken what DEVICE_BEGIN or DEVICE_CONFIRM asked for. */
void device_begun(struct device *device);
void device_confirmed(struct device *device);

/*
 * The backend's allowance is Xen's limit, whoever has just started anew: it may
 * be taken through a handshake, when nobody else can help.
 */
bool device_allowance_stands(const struct device_view *view);

/* Reports and announcements count. */
bool device_is_connected(const struct device *device,
                         const struct device_view *view);

/* When to look again without any event; UINT64_MAX: no need. */
uint64_t device_next_ms(const struct device *device, uint64_t now_ms);

#endif
