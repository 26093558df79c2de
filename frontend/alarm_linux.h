/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The alarms that Linux gives when memory runs out, as descriptors of the loop.
 * In the order of their speed:
 *
 *   direct reclaim  the tracepoint at which a task begins to reclaim, one event
 *                   on each CPU.  Needs tracefs, which is not mounted for it.
 *   kswapd          context switches of the kernel's reclaiming threads: early,
 *                   but such a thread gives up after failures (Linux: 16).
 *   pressure        a trigger of /proc/pressure/memory.  Rings about 60 ms after
 *                   tasks began to wait, whatever its threshold (measured).
 *
 * Each is optional: what the kernel does not have or refuses is left out.  All
 * ring once; the events until they are armed again, the trigger at most once a
 * window.  A calm kernel rings none of them.
 *
 * Costs two pages of the kernel's for each event and none of ours: the rings
 * are there because poll(2) wants them, and are never read.
 */
#ifndef BALLOON_FRONTEND_ALARM_LINUX_H
#define BALLOON_FRONTEND_ALARM_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "frontend/alarm.h"

/*
 * More CPUs than that go unheard: on a machine so large the others reclaim,
 * too.  One kswapd per NUMA node, and Xen makes guests of one or a few.
 */
#define ALARM_LINUX_CPUS_MAX 64
#define ALARM_LINUX_KSWAPDS_MAX 8
#define ALARM_LINUX_SOURCES_MAX                                                \
    (ALARM_LINUX_CPUS_MAX + ALARM_LINUX_KSWAPDS_MAX + 1)

/* Long enough for alarm_linux_names(). */
#define ALARM_LINUX_NAMES_MAX 64

struct alarm_linux;

struct alarm_linux_source {
    struct alarm_linux *alarms;
    enum alarm_kind kind;
    int fd;        /* -1: lost */
    void *ring;    /* NULL: a trigger, which arms itself */
    bool is_armed; /* it has not rung, as far as we have heard */
};

/* All zero: none are open. */
struct alarm_linux {
    struct loop *loop;
    struct alarm_linux_source sources[ALARM_LINUX_SOURCES_MAX];
    unsigned int count;
    struct alarm kinds[ALARM_KINDS];
    bool rang[ALARM_KINDS];  /* since the last alarm_linux_settle() */
    bool rests[ALARM_KINDS]; /* its sources are not in the loop */
    bool has_lost;           /* the kernel gave one up; the caller clears it */
};

/*
 * Opens what there is, arms it and adds it to the loop.  root is "/" but in
 * tests, loop stays the caller's and must outlive the alarms, which must not be
 * moved while open: the loop knows their address.  They may be none.
 */
void alarm_linux_open(struct alarm_linux *alarms, const char *root,
                      struct loop *loop);

/* Accepts a zeroed one, and may be called twice. */
void alarm_linux_close(struct alarm_linux *alarms);

bool alarm_linux_has(const struct alarm_linux *alarms, enum alarm_kind kind);

/* What there is, separated by blanks, the fastest first; "none". */
const char *alarm_linux_names(const struct alarm_linux *alarms, char *text,
                              size_t size);

/* The strongest that rang and was not settled; ALARM_NONE: none did. */
enum alarm_kind alarm_linux_woken_by(const struct alarm_linux *alarms);

/*
 * After each look: those that rang begin to rest (alarm.h), those that have
 * rested are armed again.  Returns when to be called next, UINT64_MAX when no
 * alarm rests.
 */
uint64_t alarm_linux_settle(struct alarm_linux *alarms, bool in_vain,
                            uint64_t now_ms);

#endif
