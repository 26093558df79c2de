/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device: dom0's end of the split device of one domain, as protocol.h has
 * it.  Makes both directories, answers the frontend's handshake, reads what it
 * writes there, and tells it what it may know.
 *
 * Whatever a guest does in its directory costs a bounded number of requests:
 * it is looked at once in BALANCER_REPORT_MIN_MS at most.
 */
#ifndef BALLOON_BACKEND_DEVICE_H
#define BALLOON_BACKEND_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/offer.h"
#include "backend/saying.h"
#include "common/announcement.h"
#include "common/bus.h"
#include "common/protocol.h"

struct balancer;
struct balancer_domain;

/* A guest that removes its directory is given another at most this often. */
#define DEVICE_MAKE_MS 1000

/* Zeroed: not made. */
struct device {
    enum protocol_state state; /* our own; PROTOCOL_UNKNOWN: not made */
    enum protocol_state peer;  /* the frontend's, as last read */
    uint64_t made_ms;          /* when that was last tried, 0: never */
    uint64_t look_ms;          /* when the store was last read, 0: never */
    uint64_t copied_ms;        /* when the page was, 0: not this one yet */

    /*
     * The frontend has written since its directory is watched, so that what is
     * there is of this backend's time.
     */
    bool is_fresh;
    struct offer offer; /* while connected */
    uint32_t sequence;  /* of the page's last report; 0: none was seen */
    struct answer answer;

    uint64_t allowance_kib;           /* what the guest was told */
    struct announcement announcement; /* ditto; number 0: none */

    struct saying saying; /* of it in the log */
};

/* Whether reports are to be expected of it. */
bool device_is_live(const struct device *device);

/*
 * A child of the frontend's directory has changed, or with "" the directory
 * itself: which parts of enum balancer_part are stale now.
 */
unsigned int device_note(struct device *device, const char *child);

/*
 * Makes the device where there is none, and reads what is stale of it; reports
 * in pages are pages.c's.  *next_ms comes forward to when something changes by
 * time alone.  0 or a negative errno of the bus, -ESRCH when the domain is
 * going.
 */
int device_refresh(struct balancer *balancer, struct balancer_domain *domain,
                   uint64_t now_ms, uint64_t *next_ms);

/* What the guest may take by itself.  As above. */
int device_tell_allowance(struct balancer *balancer,
                          struct balancer_domain *domain,
                          uint64_t allowance_kib);

/*
 * That its target is to change, with number 0 that it is not; writes when that
 * is another than it was told before.  As above.
 */
int device_announce(struct balancer *balancer, struct balancer_domain *domain,
                    const struct announcement *announcement);

/*
 * Why its target is what it is, a word of reason.h, within the transaction
 * that writes the target.  0 also when there is no device.
 */
int device_tell_reason(const struct bus *bus, bus_transaction t,
                       const struct balancer_domain *domain, const char *why);

/* The backend's end, of a domain that is gone.  0 or a negative errno. */
int device_remove(struct balancer *balancer,
                  const struct balancer_domain *domain);

/* The same of all domains that are gone. */
int device_sweep(struct balancer *balancer);

#endif
