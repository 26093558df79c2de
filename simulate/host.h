/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host: its domains at one moment, the ledger of its frames, and
 * the snapshot that the policy gets to see.
 *
 * A guest's way up is set aside when it sets out: what is held, and what is on
 * its way to be, never exceeds the host.
 *
 * Those in which something moves are followed; the others are brought up to
 * now only when somebody touches them.
 */
#ifndef BALLOON_SIMULATE_HOST_H
#define BALLOON_SIMULATE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/snapshot.h"
#include "simulate/course.h"
#include "simulate/guest.h"
#include "simulate/voice.h"

struct host {
    const struct course *course;
    uint64_t memory_kib;
    uint64_t now_ms;
    uint64_t held_kib;  /* by all */
    uint64_t aside_kib; /* that, and what is on its way to be */

    /* By domain, as in the course: */
    struct guest *guests;
    struct voice **voices;  /* NULL: not yet, not any more, or never */
    unsigned int *place_of; /* among those that are followed */
    unsigned int *seen_as;  /* in the snapshot */

    unsigned int *followed;
    unsigned int followed_count;
    uint64_t followed_most_kib; /* they need no more than that, until then */
    uint64_t still_need_kib;    /* of the others */
    uint64_t peak_need_kib;

    struct snapshot snapshot;
    unsigned int *domains_of; /* the snapshot's, in the course */
};

/* Nobody lives yet.  0 or -ENOMEM; host_done() in any case. */
int host_init(struct host *host, const struct course *course,
              uint64_t memory_kib);
void host_done(struct host *host);

/*
 * The domain begins to live, with what is free at most; 0 or -ENOMEM.  To be
 * called, like host_go(), between host_touch() and host_settle().
 */
int host_come(struct host *host, unsigned int id);
void host_go(struct host *host, unsigned int id);

/* Brings a guest up to now, and the ledger and the snapshot with it. */
void host_catch_up(struct host *host, unsigned int id);

/* Sends it where its target and limit lead, as far as there are frames. */
void host_send(struct host *host, unsigned int id);

/* Before anything that moves in a guest is changed, and after it. */
void host_touch(struct host *host, unsigned int id);
void host_settle(struct host *host, unsigned int id);

bool host_is_followed(const struct host *host, unsigned int id);

/* Before and after working sets turn: in between, the sum has no peak. */
void host_note_peak(struct host *host);

#endif
