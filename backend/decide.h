/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision: from a snapshot to a plan.  Pure: no clock, no allocation, no
 * logging, no I/O, no floating point, no dependence on the order of domains.
 *
 * The first policy.  Every domain that can be trusted to move has a demand:
 * what it uses and head-room.  Whoever is below its demand is a taker, whoever
 * is above it a donor.  Takers are served from what Xen has free above the
 * reserve; when that does not do, donors give what the takers lack, and only
 * that much; when that does not do either, all share by weight.  A donor's
 * memory is given away when it has arrived in Xen, never before.
 */
#ifndef BALLOON_BACKEND_DECIDE_H
#define BALLOON_BACKEND_DECIDE_H

#include <stdint.h>

#include "backend/reason.h"
#include "backend/snapshot.h"

/*
 * No step smaller than this, nor than 1/DECIDE_DEADBAND_SHARE of the target:
 * what a guest's own figures wander by when it does nothing.
 */
#define DECIDE_DEADBAND_KIB 2048U
#define DECIDE_DEADBAND_SHARE 64U

/* Head-room above what is used: 1/8 of it and 48 MiB; a guess, measured only
 * against loads that grow by 20 MiB/s and frontends that sleep up to 1 s. */
#define DECIDE_HEADROOM_SHARE 8U
#define DECIDE_HEADROOM_KIB (UINT64_C(48) * 1024)

/* Demand falls by half in about this time; it rises at once. */
#define DECIDE_DECAY_MS 10000U

/* Off its target for so long without DECIDE_PROGRESS_KIB: stuck. */
#define DECIDE_STUCK_MS 5000U
#define DECIDE_PROGRESS_KIB 256U

/*
 * A stuck domain's target is taken back to what it holds, so that it neither
 * keeps a promise that others could use nor gives memory when it least can.
 * It is asked again after this, doubling.
 */
#define DECIDE_RETRY_MS 10000U
#define DECIDE_RETRY_MAX_MS 3600000U

/*
 * A domain is at its target when it is this near.  Domains hold a little more
 * or less than their target for ever (video memory, firmware holes, libxl's
 * 1 MiB); the offset measured at rest is taken off first.
 */
#define DECIDE_ARRIVED_KIB 1024U

/*
 * The largest offset believed, either way.  Seen: 0 to 1 MiB; a guest that
 * says it rests further off its target is not at rest.
 */
#define DECIDE_OFFSET_MAX_KIB 4096U

/* A partial grant below this, or below 1/8 of the need, is not worth a write. */
#define DECIDE_GRANT_KIB 4096U
#define DECIDE_GRANT_SHARE 8U

/* How often to look again while something moves, and at least. */
#define DECIDE_MOVING_MS 100U
#define DECIDE_RESTING_MS 10000U

enum decide_state {
    DECIDE_MANAGED,  /* willing */
    DECIDE_STUCK,    /* was asked and does not move; left alone */
    DECIDE_OPERATOR, /* held by xl mem-set */
    DECIDE_FIXED,    /* floor = ceiling, or leave alone */
    DECIDE_STATIC,   /* no frontend; counted, never touched */
    DECIDE_SILENT,   /* its frontend fell silent; counted, never touched */
    DECIDE_BUILDING,
    DECIDE_DYING,
    DECIDE_STATES
};

/* "managed", "stuck", ...; never NULL. */
const char *decide_state_word(enum decide_state state);

/*
 * What the decision remembers of one domain from call to call.  Zeroed for a
 * new domain; the caller keeps it beside the domain and otherwise leaves it
 * alone.
 */
struct decide_memory {
    bool is_known;        /* the fields below are set */
    uint64_t demand_kib;  /* smoothed */
    uint64_t last_ms;     /* of the last call */
    int64_t offset_kib;   /* current above target + video memory, at rest */
    uint64_t gap_kib;     /* smallest distance to the target so far */
    uint64_t target_kib;  /* the target that gap belongs to */
    uint64_t progress_ms; /* when the gap last became smaller */
    bool is_stuck;
    uint64_t retry_ms;       /* stuck: not asked again before this */
    uint64_t retry_after_ms; /* the next back-off */
};

/*
 * What the decision remembers of the host from call to call.  Zeroed at the
 * start; otherwise as above.
 */
struct decide_host {
    uint64_t last_ms; /* of the last call */
};

/* What is to be done with one domain, and why. */
struct decide_step {
    uint32_t domid;
    enum decide_state state;
    uint64_t demand_kib; /* 0 when unknown */
    uint64_t least_kib;  /* it is not shrunk below this for others; ditto */
    uint64_t goal_kib;   /* managed: its demand, or its share when short */
    uint64_t target_kib; /* the new one; equal to the snapshot's: no change */
    uint64_t limit_kib;  /* the new one; equal to the snapshot's: no change */
    struct reason reason;
};

struct plan {
    struct decide_step
        *steps;             /* the caller's, as many as domains, same order */
    uint64_t next_ms;       /* decide again then, if nothing happens before */
    uint64_t spendable_kib; /* free less claims, promises and reserve */
    uint64_t promised_kib;
    uint64_t wanted_kib; /* what takers lack */
    uint64_t spare_kib;  /* what donors hold above their demand */
};

/*
 * memories and plan->steps have snapshot->count entries, in the snapshot's
 * order.  Any bit pattern in the guests' fields gives a valid plan.
 */
void decide(const struct snapshot *snapshot, struct decide_host *host,
            struct decide_memory *memories, struct plan *plan);

#endif
