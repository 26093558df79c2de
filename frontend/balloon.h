/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching the kernel's balloon driver, and waking it when it sleeps on the
 * job.
 *
 * Linux 6.1 and 7.2 alike: after a few failed attempts the driver gives up
 * for an hour, and says so nowhere.  It wakes early only when the distance to
 * its target changes, so writing the same target again does nothing.  A kick
 * is therefore a target one page lower, and the next one the true target
 * again.  Nothing else is ever written: the kernel obeys memory/target by
 * itself.
 *
 * A guest that cannot give what is asked is left alone: the driver would take
 * all that is available, again and again, and the guest would thrash.  It
 * reports that it is stuck, and the backend must think again.
 */
#ifndef BALLOON_FRONTEND_BALLOON_H
#define BALLOON_FRONTEND_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/report.h"
#include "frontend/backoff.h"
#include "frontend/sample.h"

/*
 * Closer than this is arrived: half of what the driver moves in one step
 * (PAGE_SIZE / 8 pages, 2 MiB), for which nobody waits.
 */
#define BALLOON_ARRIVED_KIB 1024

/* Half a step, too: less than that is not worth being called progress. */
#define BALLOON_PROGRESS_KIB 1024

/*
 * A driver that works moves 1 MiB within 11 ms, in emulation.  The driver's
 * own retries come after 2, 4 and 8 s, so 5 s is after the second failure.
 */
#define BALLOON_STUCK_MS 5000

/* The least by which a target can differ: one page. */
#define BALLOON_KICK_KIB 4

/* All zero: nothing has been seen yet. */
struct balloon {
    enum report_balloon state;
    uint64_t target_kib;   /* the true target, without our kick */
    bool kicked;           /* the kernel's target is one page lower */
    bool known;            /* a sample with a driver has been seen */
    uint64_t distance_kib; /* to the target, at the last progress */
    uint64_t progress_ms;  /* when that was */
    struct backoff kick;
};

struct balloon_step {
    enum report_balloon state;
    bool write_target;   /* the kernel's target is to be set ... */
    uint64_t target_kib; /* ... to this, in the kernel's count */
    uint64_t next_ms;    /* look again then; UINT64_MAX: no need */
};

void balloon_watch(struct balloon *balloon, const struct guest_sample *sample,
                   uint64_t now_ms, struct balloon_step *ret_step);

#endif
