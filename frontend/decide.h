/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to tell the backend, when to wake the balloon driver, and how long to
 * sleep.
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
#include "frontend/balloon.h"
#include "frontend/sample.h"

/*
 * The shortest and, with the heartbeat, the longest sleep.  100 ms: a sample
 * takes well under a millisecond of CPU, so this stays below 1 % of one CPU.
 */
#define DECIDE_SLEEP_MIN_MS 100

/* While the balloon moves or tasks stall, somebody is waiting for news. */
#define DECIDE_SLEEP_BUSY_MS 250

/*
 * A quiet guest's reports: rare enough that a thousand guests cost the store a
 * hundred writes a second, often enough that one which died is missed soon.
 */
#define DECIDE_HEARTBEAT_MS 10000

/*
 * The growth to be ready for without any sign of it, in KiB a second: 32 MiB/s
 * is a guess, about what starting a large service was ever seen to take.
 * Faster growth is noticed, remembered and planned for.
 */
#define DECIDE_GROWTH_KIB_PER_S (32 * 1024)

/*
 * Growth is measured over at least this long: over a few milliseconds a single
 * large allocation looks like gigabytes a second.
 */
#define DECIDE_GROWTH_WINDOW_MS 100

/*
 * The memory of fast growth fades away within about this time, a guess: what
 * grows in bursts does so again soon, or not at all.
 */
#define DECIDE_GROWTH_FADES_MS 30000

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
    uint64_t target_kib;    /* memory/target; 0 if it could not be read */
    bool report_lost;       /* our node is not in the store any more */
    bool is_connected;      /* the device is at work: allowances count */
    uint64_t allowance_kib; /* what may be taken above target_kib; 0: nothing */
    enum alarm_kind woken_by;
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

    uint64_t used_kib;         /* at the start of the window in which */
    uint64_t used_ms;          /* growth is measured, and that start */
    uint64_t growth_kib_per_s; /* the fastest lately */
};

struct decision {
    enum decide_news news;      /* publish report, unless DECIDE_NOTHING */
    struct report report;       /* valid in any case */
    bool write_target;          /* wake the driver: give the kernel ... */
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
