/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How closely to look: whether the guest is short of memory, whether it is
 * pressed for it, and how long nobody need look again.
 *
 * A kernel that can wake us when tasks stall is trusted to: a calm guest is
 * then left alone until its heartbeat, however little it has available.  A
 * kernel that cannot is looked at as often as what is available asks for.
 *
 * Pure: no clock, no memory but struct attention.
 */
#ifndef BALLOON_FRONTEND_ATTENTION_H
#define BALLOON_FRONTEND_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The shortest sleep, but for a guest that grows fast.  100 ms: a sample takes
 * well under a millisecond of CPU, so this stays below 1 % of one CPU.
 */
#define ATTENTION_SLEEP_MIN_MS 100

/*
 * The shortest of all, while it grows faster than it was ready for: that lasts
 * until its memory is full, seconds at most, and costs 4 % of one CPU.
 */
#define ATTENTION_SLEEP_GROWING_MS 25

/* While the balloon moves or tasks stall, somebody is waiting for news. */
#define ATTENTION_SLEEP_BUSY_MS 250

/*
 * A guest in which nothing has changed for this long is calm: the kernel's
 * own averages of pressure are two seconds apart.
 */
#define ATTENTION_CALM_MS 2000

/*
 * The growth to be ready for without any sign of it, in KiB a second: 32 MiB/s
 * is a guess, about what starting a large service was ever seen to take.
 * Faster growth is noticed, remembered and planned for.
 */
#define ATTENTION_GROWTH_KIB_PER_S (32 * 1024)

/*
 * Growth is measured over at least this long: over a few milliseconds a single
 * large allocation looks like gigabytes a second.
 */
#define ATTENTION_GROWTH_WINDOW_MS 100

/*
 * Growth over more than this is an average, which says little of how fast it is
 * now: it may all have been in the last moment.
 */
#define ATTENTION_GROWTH_AVERAGE_MS 1000

/*
 * The memory of fast growth fades away within about this time, a guess: what
 * grows in bursts does so again soon, or not at all.
 */
#define ATTENTION_GROWTH_FADES_MS 30000

/*
 * It has grown when its use rose by more than this and by more than a 64th of
 * all memory: the noise of an idle guest (cron, log files) is below either.
 */
#define ATTENTION_GROWN_KIB 2048
#define ATTENTION_GROWN_SHARE 64

/*
 * Short of memory is what has less available than an eighth of all; no more
 * than a quarter of a small guest, for which 64 MiB is next to nothing, and no
 * more than 1 GiB of a large one.  Twice as much is plenty.  Guesses.
 */
#define ATTENTION_SHORT_SHARE 8
#define ATTENTION_SHORT_LEAST_SHARE 4
#define ATTENTION_SHORT_LEAST_KIB (64 * 1024)
#define ATTENTION_SHORT_MOST_KIB (1024 * 1024)

/*
 * How long an answer takes that comes from the host: what we mean to keep, from
 * a stall to the first new memory.
 */
#define ATTENTION_ANSWER_MS 250

struct attention_input {
    uint64_t total_kib;
    uint64_t available_kib; /* at most total_kib */
    bool stalls;            /* tasks waited for memory since the last look, */
    bool kills;             /* or were killed for it */
    bool moves;             /* the balloon does, or is about to */
    bool has_alarm;         /* the kernel wakes us when tasks stall, and */
    bool is_alarmed;        /* has just done so, not in vain */
    uint64_t heartbeat_ms;  /* the longest sleep */
    uint64_t now_ms;
};

/* All zero: nothing has been seen yet. */
struct attention {
    bool started;
    uint64_t used_kib;         /* at the start of the window in which */
    uint64_t used_ms;          /* growth is measured, and that start */
    uint64_t rate_kib_per_s;   /* growth in the last window, */
    bool is_average;           /* which was a long one */
    uint64_t growth_kib_per_s; /* the fastest lately */
    uint64_t level_kib;        /* use, as it was when it was last seen to grow,
                                  or the least since */
    uint64_t roused_ms;        /* the last sign of life */
    uint64_t pressed_ms;       /* it was last pressed; 0: never */
    uint64_t heard_ms;         /* an alarm woke us last; 0: never */
};

struct attention_verdict {
    /*
     * It needs memory before an answer could come from the host: it is short
     * and tasks stall, or were killed, or its growth will eat what is left.
     */
    bool is_pressed;
    uint64_t plenty_kib; /* as much available is more than it will miss */
    uint64_t next_ms;    /* look again then, or when woken */
};

void attention_pay(struct attention *attention,
                   const struct attention_input *input,
                   struct attention_verdict *ret_verdict);

#endif
