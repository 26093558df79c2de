/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decision needs to know: the kernel's sample, and from the store
 * what the guest is asked to hold, how the device stands, and what the backend
 * says in it.
 *
 * Observing changes nothing.  A node is read again only when a watch says so,
 * so that a busy guest costs the store nothing but its reports.  Of our own
 * directory only the node that names the backend is watched: the backend
 * writes it when it makes the device, and our own writes do not wake us.
 */
#ifndef BALLOON_FRONTEND_OBSERVE_H
#define BALLOON_FRONTEND_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/announcement.h"
#include "common/bus.h"
#include "frontend/backoff.h"
#include "frontend/decide.h"
#include "frontend/device.h"
#include "frontend/guest.h"

/* The backend's directory of the largest domid, and the NUL. */
#define OBSERVE_BACKEND_MAX sizeof(PROTOCOL_BACKEND_DIR "/32751/0")

/* The longest word of backend/reason.c is half of this. */
#define OBSERVE_REASON_MAX 32

enum observe_what {
    OBSERVE_TARGET,
    OBSERVE_DEVICE,  /* the node that names the backend's directory */
    OBSERVE_BACKEND, /* that directory */
    OBSERVE_WATCHES,
};

struct observe_watch {
    bool is_set;
    bool is_current; /* no event since what it covers was read */
    int error;       /* of the last attempt, 0 or a negative errno */
    struct backoff retry;
};

/* All zero: nothing is watched and nothing known. */
struct observer {
    struct observe_watch watches[OBSERVE_WATCHES];

    uint64_t target_kib; /* 0: not there, or unreadable */
    int target_error;    /* of the last attempt, 0 or a negative errno */

    uint64_t ceiling_kib; /* what the guest could hold; 0: not known */

    char backend[OBSERVE_BACKEND_MAX]; /* "": there is no device */
    struct device_view device;

    /* What the backend says; 0 and false without it */
    bool has_page; /* it can read pages */
    bool has_bell; /* and bind event channels */
    uint64_t allowance_kib;
    struct announcement announcement; /* number 0: none */
    char reason[OBSERVE_REASON_MAX];  /* "": none; a word of [a-z-] */
};

/*
 * Fills the part of *input that comes from the store, but for allowance_stands,
 * and observer->device.  0, also when a part of it could not be read (the
 * errors in *observer say so), or -ENOTCONN.
 */
int observe_bus(struct observer *observer, const struct bus *bus,
                uint64_t now_ms, struct decide_input *input);

/*
 * Reads what the guest could hold at most, in the count of its target.  It is
 * for the owner alone, and changes with a new life only, or another host: so
 * once with each handshake.  0, or -ENOTCONN.
 */
int observe_ceiling(struct observer *observer, const struct bus *bus);

/* We wrote our state, which no watch will tell. */
void observe_own_state(struct observer *observer, enum protocol_state state);

/* What is known of the device turned out to be old: it is read again. */
void observe_device_again(struct observer *observer);

/* Fills the kernel's part; 0 or a negative errno. */
int observe_guest(const struct guest *guest, struct decide_input *input);

/* The time at which to look again without any event; UINT64_MAX: none. */
uint64_t observe_next_ms(const struct observer *observer, uint64_t now_ms);

#endif
