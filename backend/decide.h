/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision: from a snapshot to a plan.  Pure: no clock, no allocation, no
 * logging, no I/O, no floating point, no dependence on the order of domains.
 *
 * Read it in this order.  demand.c: what each domain needs, from what its guest
 * reports.  movement.c: whether it goes where it is asked to.  host.c: how short
 * of memory the host is.  sums.h: what there is, and who needs it.  share.c: for
 * what there is enough, and price.c: the shares when it is not enough for all;
 * donors.c: who has to give, and grants.c: who gets.  intent.c: who is warned
 * before it is shrunk.  allowance.c: what each may take by itself.  decide.c:
 * who may be touched at all, and the whole.
 *
 * While there is enough, whoever is below its demand is served from what Xen
 * has free above the reserve, and when that does not do, by those who hold more
 * than their demand, and only as much as is lacking.  A donor's memory is given
 * away when it has arrived in Xen, never before.
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

/*
 * Head-room above what is needed when nothing else is said: 1/8 of it, or 1/10
 * where swap bridges the way to more memory, and 48 MiB; a guess, measured only
 * against loads that grow by 20 MiB/s and frontends that sleep up to 1 s.
 */
#define DECIDE_HEADROOM_SHARE 8U
#define DECIDE_HEADROOM_SWAP_SHARE 10U
#define DECIDE_HEADROOM_KIB (UINT64_C(48) * 1024)

/*
 * While memory is short, others do not make room for what a domain has never
 * needed before, however fast it grows, but for this part of its head-room.
 */
#define DECIDE_UNTRODDEN_SHARE 2U

/*
 * Where there is not head-room for all, a share of it is topped up when this
 * part of it is missing, not earlier: shares change with each burst of others.
 */
#define DECIDE_TOP_UP_SHARE 4U

/* Demand falls by half in about this time; it rises at once. */
#define DECIDE_DECAY_MS 10000U

/*
 * What it held lately is its own when memory is short, at the taxed price;
 * nobody is grown beyond that or its demand.  Half of it is forgotten in:
 */
#define DECIDE_LATELY_MS 600000U

/* What a domain once needed is remembered: half of it for so long. */
#define DECIDE_PEAK_MS (UINT64_C(24) * 3600 * 1000)

/*
 * Nobody knows what a domain will need that was met less than this ago; one
 * that has started so lately is not asked for anything.
 */
#define DECIDE_GRACE_MS 60000U

/*
 * From the first stalled task to new memory in the guest, when it has not been
 * measured: the frontend's and the backend's look, and the balloon's work.
 */
#define DECIDE_LEAD_MS 1000U
#define DECIDE_LEAD_MAX_MS 5000U

/*
 * A guest hurts when its tasks waited for memory for 1/100 of the time, or so
 * much went to swap or came back from it between two reports, while hardly
 * anything is available: a stall in the midst of plenty is a container's own
 * limit.
 */
#define DECIDE_PAIN_SHARE 100U
#define DECIDE_PAIN_SWAP_KIB 1024U
#define DECIDE_TIGHT_SHARE 8U

/* Swap that no task waited for in this time is cold: nobody needs it back. */
#define DECIDE_COLD_MS 30000U

/*
 * Who hurts within the first of these after it was shrunk is not asked again
 * for the second, doubling up to the third.
 */
#define DECIDE_COMPLAINT_MS 10000U
#define DECIDE_HANDS_OFF_MS 30000U
#define DECIDE_HANDS_OFF_MAX_MS 3600000U

/*
 * Bursts are what is granted within about the first of these; the largest is
 * remembered, half of it for the second.  While somebody lacks memory, as much
 * again is asked of what donors have not needed for long, up to a share of what
 * all may hold; at rest, of those who were granted it and need it no more.
 */
#define DECIDE_BURST_MS 5000U
#define DECIDE_BURST_MEMORY_MS 3600000U
#define DECIDE_BURST_SHARE 32U

/*
 * Who is granted something within the first of these after it was shrunk
 * breathes: for the head-room of others it is not asked again for the second,
 * doubling up to the third.
 */
#define DECIDE_BREATH_MS 60000U
#define DECIDE_BREATH_OUT_MS 15000U
#define DECIDE_BREATH_MAX_MS 3600000U

/* Who was granted memory returns it when it has had no use for it for so long. */
#define DECIDE_RETURN_MS 30000U

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

/*
 * One that was stuck is asked for this much, or 1/DECIDE_TRIAL_SHARE of what it
 * holds: nobody else's plans depend on it until it has moved.
 */
#define DECIDE_TRIAL_KIB (UINT64_C(64) * 1024)
#define DECIDE_TRIAL_SHARE 32U

/* A guest that cannot give 1/8 of what it needs has no swap to speak of. */
#define DECIDE_PERIL_SHARE 8U

/*
 * A donor that has not moved for the first of these is not waited for: others
 * are asked as well.  What a slow one delivers counts as far as it comes within
 * the second.
 */
#define DECIDE_LAGGARD_MS 1000U
#define DECIDE_PATIENCE_MS 10000U

/*
 * No more than this share of its maximum is pushed out of a domain to its swap:
 * beyond it, guests stop making progress (VMware's Mem.CtlMaxPercent).
 */
#define DECIDE_SWAP_PERCENT 65U

/* Slower than this is called slow: 4 GiB in four minutes. */
#define DECIDE_SLOW_KIB_S (UINT64_C(16) * 1024)

/*
 * What a domain may take by itself above its target: so much, or 1/8 of it.  As
 * long as memory takes to arrive through dom0, guests were seen to grow by a
 * few MiB to some 50; below the last of these it is not worth a promise.
 */
#define DECIDE_ALLOWANCE_KIB (UINT64_C(64) * 1024)
#define DECIDE_ALLOWANCE_SHARE 8U
#define DECIDE_ALLOWANCE_LEAST_KIB (UINT64_C(8) * 1024)

/* A reserve beyond 1/25 of the host is comfort: lacking it is no emergency. */
#define DECIDE_RESERVE_SHARE 25U

/* A state of the host ends 1/32 past the threshold at which it began. */
#define DECIDE_CALM_SHARE 32U

/* How often to look again while something moves, and at least. */
#define DECIDE_MOVING_MS 100U
#define DECIDE_RESTING_MS 10000U

/*
 * The states of the host, from the best.  Each is left for a better one only
 * well past its threshold.
 */
enum decide_mood {
    DECIDE_PLENTY,  /* all have their demand; who can spare gives on request */
    DECIDE_CAREFUL, /* all have what they need, and share the head-room */
    DECIDE_SHORT,   /* not all have what they need: shares, idle ones taxed */
    DECIDE_EMERGENCY, /* the reserve itself is going: no gentleness to donors */
    DECIDE_MOODS
};

/* "plenty", "careful", ...; never NULL. */
const char *decide_mood_word(enum decide_mood mood);

enum decide_state {
    DECIDE_MANAGED,  /* willing */
    DECIDE_STUCK,    /* was asked and does not move; left alone */
    DECIDE_OPERATOR, /* held by xl mem-set */
    DECIDE_FIXED,    /* floor = ceiling, or leave alone */
    DECIDE_STATIC,   /* no frontend; counted, never touched */
    DECIDE_SILENT,   /* its frontend fell silent; counted, never touched */
    DECIDE_SAVING,   /* saved or migrated; as long as it can bear to wait */
    DECIDE_BUILDING,
    DECIDE_DYING,
    DECIDE_STATES
};

/* "managed", "stuck", ...; never NULL. */
const char *decide_state_word(enum decide_state state);

/* How far a domain is relied upon to go where it is asked to. */
enum decide_trust {
    DECIDE_UNKNOWN, /* it was never seen to move */
    DECIDE_WILLING,
    DECIDE_SLOW,     /* it moves, but others are asked as well; or it was stuck
                        and has not moved since */
    DECIDE_IMMOBILE, /* stuck: asked again later, and later each time */
    DECIDE_EXCLUDED, /* not ours to move; the reason says why */
    DECIDE_TRUSTS
};

/* "unknown", "willing", ...; never NULL. */
const char *decide_trust_word(enum decide_trust trust);

/*
 * What the decision remembers of one domain from call to call.  Zeroed for a
 * new domain; the caller keeps it beside the domain and otherwise leaves it
 * alone.
 */
struct decide_memory {
    bool is_known;    /* the fields below are set */
    uint64_t last_ms; /* of the last call */

    /* What it needs: demand.c */
    uint64_t met_ms;      /* its first report */
    bool is_newborn;      /* it was met when it started, not by a backend that
                             did */
    uint64_t reported_ms; /* of the report that these come from */
    uint64_t need_kib;
    uint64_t growth_kib_s; /* of need: up at once, down slowly */
    uint64_t push_kib;     /* probing: it hurts, and does not say how much */
    uint64_t refault_kib;  /* of files it read again lately */
    uint64_t promise_kib;  /* committed lately and not yet used */
    uint64_t cold_kib;     /* of its swap: nobody waits for it */
    uint64_t demand_kib;   /* smoothed */
    uint64_t peak_kib;     /* of need, fading slowly */
    uint64_t pain_ms;      /* when it last hurt, 0: never */
    uint64_t pressure_us;  /* counters as of the last report */
    uint64_t swapped_in_kib;
    uint64_t swapped_kib; /* what is in swap */
    uint64_t refaults;
    uint64_t stalls;
    uint64_t used_kib;
    uint64_t committed_kib;

    /* How it moves: movement.c */
    int64_t offset_kib;   /* current above target + video memory, at rest */
    uint64_t gap_kib;     /* smallest distance to the target so far */
    uint64_t target_kib;  /* that gap belongs to; with what it took itself */
    uint64_t progress_ms; /* when the gap last became smaller */
    bool is_stuck;
    uint64_t retry_ms;       /* stuck: not asked again before this */
    uint64_t retry_after_ms; /* the next back-off */
    uint64_t begun_ms;       /* its movement to that target */
    uint64_t begun_kib;      /* held then */
    uint64_t up_kib_s;       /* measured speeds; 0: not yet */
    uint64_t down_kib_s;
    uint64_t lately_kib; /* the most it was to hold, fading in minutes */
    uint64_t lent_kib;   /* granted, not given back, fading in hours */
    uint64_t needed_ms;  /* it last had a use for all of its target */

    /* How it bears to be shrunk */
    uint64_t shrunk_ms;          /* 0: never was */
    uint64_t hands_off_ms;       /* not asked to give before this */
    uint64_t hands_off_after_ms; /* the next back-off */
    uint64_t breathes_ms;        /* before this, not asked for head-room */
    uint64_t breathes_after_ms;  /* the next back-off */

    /* Shrinking with warning: intent.c */
    uint64_t intent_number;     /* of the last announcement, 0: none was */
    uint64_t intent_target_kib; /* the target that it names */
    uint64_t intent_wait_ms;    /* how long it was given, last time */
    uint64_t intent_until_ms; /* its deadline, or when it was answered; 0: none
                                   stands */
    bool intent_is_extended;
    bool intent_is_answered;   /* or the deadline has passed */
    uint64_t refused_kib;      /* what it would not go below, */
    uint64_t refused_until_ms; /* which counts before this */
};

/*
 * What the decision remembers of the host from call to call.  Zeroed at the
 * start; otherwise as above.
 */
struct decide_host {
    bool is_known;
    uint64_t last_ms; /* of the last call */
    enum decide_mood mood;
    uint64_t
        urgent_kib;     /* lacking for the emergency to end; 0: there is none */
    uint64_t burst_kib; /* granted lately, fading within seconds */
    uint64_t learned_kib; /* the largest burst, fading within hours */
    bool is_refilling;    /* until what was learned is free again */
};

/*
 * What was seen of a domain when it was judged, so that snapshot and memory need
 * not be looked at again for it.  For the decision alone: no part of a plan.
 */
struct decide_notes {
    bool is_unswapped;   /* managed, and share_cannot_swap() */
    bool is_below_floor; /* its target */
    bool has_arrived;    /* movement_has_arrived() */
    bool is_lagging;     /* movement_lags() */
    bool is_hands_off;   /* it is not asked to give, */
    bool is_breathing;   /* nor for its head-room: hands_off_ms, breathes_ms */
    bool is_warned;      /* it is announced to, or refuses: intent.c */
};

/*
 * What is to be done with one domain, and why.  Of those who are managed, each
 * amount is at least the one before: least, need, coming, demand, keep.
 */
struct decide_step {
    /* What is looked at again and again, in one cache line. */
    uint32_t domid;
    enum decide_state state;
    uint64_t weight;
    uint64_t base_kib;   /* what its share is counted from when not all have */
    uint64_t low_kib;    /* their demand, and the range within which that is; */
    uint64_t high_kib;   /* see share.c and price.h */
    uint64_t goal_kib;   /* its demand, or its share */
    uint64_t need_kib;   /* what it uses, or waits for */
    uint64_t target_kib; /* the new one; equal to the snapshot's: no change */

    uint64_t least_kib;  /* it is not shrunk below this for others */
    uint64_t coming_kib; /* and is likely to before more can arrive */
    uint64_t demand_kib; /* and head-room; 0 when unknown */
    uint64_t keep_kib;   /* what it needed at times: the last to be given */
    enum decide_trust trust;
    bool is_falling; /* demand will, if nothing new is told */
    struct decide_notes notes;
    uint64_t limit_kib; /* the new one; equal to the snapshot's: no change */
    uint64_t allowance_kib; /* of the limit, what the guest is told it may take;
                               equal to the snapshot's: no change */
    uint64_t announced;     /* number of the announcement; 0: none */
    uint64_t announced_kib; /* the target that it names */
    uint64_t announced_wait_ms; /* and when that will be, at the latest */
    struct reason reason;
};

struct plan {
    struct decide_step
        *steps;       /* the caller's, as many as domains, same order */
    uint64_t next_ms; /* decide again then, if nothing happens before */
    enum decide_mood mood;
    uint64_t spendable_kib; /* free less claims, promises and reserve */
    uint64_t promised_kib;
    uint64_t wanted_kib;  /* what takers lack, those who were stuck included */
    uint64_t spare_kib;   /* what donors hold above their demand */
    uint64_t learned_kib; /* what was wanted within seconds lately */
};

/*
 * memories and plan->steps have snapshot->count entries, in the snapshot's
 * order.  Any bit pattern in the guests' fields gives a valid plan.
 */
void decide(const struct snapshot *snapshot, struct decide_host *host,
            struct decide_memory *memories, struct plan *plan);

#endif
