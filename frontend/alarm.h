/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What wakes us when the kernel runs out of memory, as data, and how long each
 * alarm rests after it rang.  Who opens them is alarm_linux.h.
 *
 * An alarm also rings in a guest that only reads files: free memory is then
 * low by design, and the kernel reclaims all the time.  So one that rang is
 * silent for a while, for longer each time that there was no reason to.
 *
 * Pure: no clock, no memory but struct alarm.
 */
#ifndef BALLOON_FRONTEND_ALARM_H
#define BALLOON_FRONTEND_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/sample.h"

/* The weakest first. */
enum alarm_kind {
    ALARM_NONE,     /* time or an event of the bus */
    ALARM_KSWAPD,   /* the kernel has begun to reclaim, nobody waits yet */
    ALARM_PRESSURE, /* tasks have waited; tens of milliseconds late */
    ALARM_RECLAIM,  /* a task begins to wait: it must reclaim by itself */
    ALARM_KINDS,
};

/*
 * How long an alarm rests after it rang.  100 ms: as often as a guest that is
 * short of memory is looked at anyway.  1 s: a guest that reads files all day
 * is looked at a few times a second, well below 1 % of one CPU.
 */
#define ALARM_REST_FIRST_MS 100
#define ALARM_REST_LAST_MS 1000

/* Quiet for so long, whatever it rang for before: then it starts afresh. */
#define ALARM_FORGIVEN_MS 10000

/*
 * Reading files moves what is available by 12 MiB, but anonymous memory by no
 * more than 12 KiB in 10 s (measured).  A program that grows touches this much
 * within 100 ms, even in emulation, and whoever just did is still at it.
 */
#define ALARM_GROWN_KIB 1024
#define ALARM_GROWTH_LASTS_MS 1000

/*
 * When so little is left that is free or could be dropped, there is a reason
 * whoever took it: this part of all memory.  A guess; the kernel itself begins
 * to reclaim at about a 100th.
 */
#define ALARM_LOW_SHARE 32

/* All zero: it has not rung yet. */
struct alarm {
    uint64_t rest_ms;  /* how long it rests, or rested last */
    uint64_t ready_ms; /* when it may ring again */
};

/* It rang at now_ms, and the look that followed found a reason or none. */
void alarm_rang(struct alarm *alarm, bool in_vain, uint64_t now_ms);

bool alarm_is_ready(const struct alarm *alarm, uint64_t now_ms);

/* All zero: nothing has been seen yet. */
struct alarm_judge {
    bool started;
    uint64_t level_kib; /* taken when last seen to grow, or the least since */
    uint64_t kills;     /* as at the last look */
    uint64_t grown_ms;  /* when it grew last */
};

/*
 * To be asked at each look: whether an alarm that woke us to it did so in vain,
 * since nothing grows and there is enough left.
 */
bool alarm_is_in_vain(struct alarm_judge *judge,
                      const struct guest_sample *sample, uint64_t now_ms);

/* For the log; "none" is ALARM_NONE's. */
const char *alarm_kind_name(enum alarm_kind kind);

#endif
