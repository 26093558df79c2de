/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to tell the backend, what to tell the kernel's balloon driver, and how
 * long to sleep.
 *
 * Pure: what it needs comes in, the clock included; what it wants goes out,
 * with the reason.  It reads nothing, writes nothing, allocates nothing.  Any
 * sample whatever gives a valid report and a wake-up in the future.
 */
#ifndef BALLOON_FRONTEND_DECIDE_H
#define BALLOON_FRONTEND_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/report.h"
#include "frontend/alarm.h"
#include "frontend/attention.h"
#include "frontend/balloon.h"
#include "frontend/reflex.h"
#include "frontend/sample.h"

/*
 * A quiet guest's reports: rare enough that a thousand guests cost the store a
 * hundred writes a second, often enough that one which died is missed soon.
 */
#define DECIDE_HEARTBEAT_MS 10000

/*
 * Available memory has changed when it moved by more than this and by more
 * than a 64th of all memory: the noise of an idle guest (cron, log files) is
 * below either.
 */
#define DECIDE_AVAILABLE_KIB 2048
#define DECIDE_AVAILABLE_SHARE 64

/* The balloon likewise: one or two steps of the driver, or a 32nd. */
#define DECIDE_BALLOON_KIB 4096
#define DECIDE_BALLOON_SHARE 32

/* Less swap traffic than this since the last report is no news. */
#define DECIDE_SWAP_KIB 1024

enum decide_news {
    DECIDE_NOTHING, /* no report */
    DECIDE_FIRST,   /* none was written yet */
    DECIDE_LOST,    /* the node is gone: restored or migrated */
    DECIDE_REFLEX,  /* it has helped itself, or gives that back */
    DECIDE_STALL,   /* tasks wait for memory, or were killed */
    DECIDE_AVAILABLE_FELL,
    DECIDE_TARGET, /* memory/target or the kernel's is another */
    DECIDE_BALLOON_STATE,
    DECIDE_BALLOON_RESTS, /* it has arrived, since the last report */
    DECIDE_BALLOON_MOVED,
    DECIDE_SWAP,
    DECIDE_AVAILABLE_ROSE,
    DECIDE_HEARTBEAT,
    DECIDE_NEWS_COUNT,
};

struct decide_input {
    struct guest_sample sample;
    uint64_t target_kib;   /* memory/target; 0 if it could not be read */
    bool report_lost;      /* a handshake is due: no report counts as told */
    bool is_moved;         /* the device is a new one: another domid, or host */
    bool allowance_stands; /* see device_allowance_stands() */
    uint64_t allowance_kib; /* what may be taken above target_kib; 0: nothing */
    bool has_alarm;         /* the kernel wakes us when tasks stall */
    enum alarm_kind woken_by; /* and has just done so */
    uint64_t heartbeat_ms;
    uint64_t now_ms;
};

/* All zero: a frontend that has just started. */
struct decide_state {
    struct balloon balloon;

    bool published_any;
    struct report published; /* the last one that the store took */
    uint64_t published_ms;

    struct alarm_judge alarms;

    bool sampled_any;
    struct guest_sample sample; /* the one before, and */
    uint64_t sample_ms;         /* its time */

    uint64_t target_kib; /* memory/target with that sample */
    struct attention attention;
    struct reflex reflex;
};

struct decision {
    enum decide_news news;      /* publish report, unless DECIDE_NOTHING */
    struct report report;       /* valid in any case */
    bool write_target;          /* by kick or reflex: give the kernel ... */
    uint64_t kernel_target_kib; /* ... this target, in its own count */
    uint64_t next_ms;           /* decide again then, or at any event before */
    bool woken_in_vain;         /* nothing was seen that need have woken us */
};

void decide_round(struct decide_state *state, const struct decide_input *input,
                  struct decision *ret_decision);

/* The store has taken the report at now_ms. */
void decide_published(struct decide_state *state, const struct report *report,
                      uint64_t now_ms);

const char *decide_news_name(enum decide_news news);

#endif
