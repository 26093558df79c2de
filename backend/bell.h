/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bell: an event channel that a guest with the transport page notifies
 * instead of writing its doorbell, where its owner has asked for that.
 *
 * One that has rung is armed again only when the page has been read, so that a
 * guest which rings without pause wakes us once in BALANCER_REPORT_MIN_MS.
 */
#ifndef BALLOON_BACKEND_BELL_H
#define BALLOON_BACKEND_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct balancer;
struct balancer_domain;

/* All zero: none. */
struct bell {
    uint32_t number;  /* in dom0; 0: not bound */
    bool is_rung;     /* and silent until armed */
    bool is_proven;   /* it has been armed since it was bound */
    bool is_outdated; /* the frontend has begun anew, with another port */
    /*
     * What it offered could not be bound: it is not offered bells again, so
     * that a guest without end of bad ports costs one line of the log.
     */
    bool is_refused;
    bool is_refusal_due; /* the guest has still to be told */
};

/* Whether this host can bind any, into balancer.  0 or a negative errno. */
int bell_probe(struct balancer *balancer);

/*
 * Binds what connected frontends have offered, and lets go of what is not
 * theirs any more; to be called when the store has been read and before the
 * pages are.  0 or a negative errno of the bus or of all bells.
 */
int bell_follow(struct balancer *balancer);

/* It has rung: its page is due, unless nobody knows it any more. */
void bell_rang(struct balancer *balancer, uint32_t number);

/*
 * Makes those ready to ring again whose page has been read; what cannot be made
 * so is bound anew, once, and then given up.  As above.
 */
int bell_arm(struct balancer *balancer);

/*
 * Sends those guests back to their doorbells whose bells were given up; to be
 * called after all the others.  *next_ms comes forward to when there is more to
 * do.  As above.
 */
int bell_tell(struct balancer *balancer, uint64_t now_ms, uint64_t *next_ms);

/* No bell can be heard any more: all guests go back to their doorbells. */
void bell_lose(struct balancer *balancer);

/* Of a domain that is gone. */
void bell_forget(const struct balancer *balancer,
                 const struct balancer_domain *domain);

#endif
