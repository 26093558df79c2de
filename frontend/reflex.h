/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reflex: under sudden pressure the guest helps itself, at once and without
 * asking, within what the backend allows, by raising its kernel's own target
 * above memory/target.  Xen enforces the same limit; what was taken is told in
 * the report, and given back when it is asked for or no longer needed.
 *
 * The kernel counts less than memory/target says by a constant, the offset
 * (video memory, firmware holes): it is measured while both are at rest, and
 * nothing is raised before it is known.  A new memory/target makes the kernel
 * forget what we told it: then the reflex is over, and may begin again.
 *
 * Pure.  Amounts of the kernel are in its own count, which is the offset lower
 * than the host's.
 */
#ifndef BALLOON_FRONTEND_REFLEX_H
#define BALLOON_FRONTEND_REFLEX_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/backoff.h"

/*
 * The first step up, or a 16th of what the guest holds if that is more; each
 * that follows while pressure lasts is twice the one before.  16 MiB is what
 * a kernel's driver moves within one window of a trigger, in emulation.
 */
#define REFLEX_STEP_KIB (16 * 1024)
#define REFLEX_STEP_SHARE 16

/*
 * A driver that moves 1 GiB/s has brought the first step by then, and a guest
 * that grows by 500 MiB/s has half of it left; at 50 ms it has nothing left.
 * Pressure that pauses for longer than the second is another.
 */
#define REFLEX_LOOK_MS 20
#define REFLEX_LASTS_MS 2000

/* Asked back: a quarter of what is too much, or this if it is more, each. */
#define REFLEX_BACK_SHARE 4
#define REFLEX_BACK_KIB (4 * 1024)
#define REFLEX_BACK_MS 250

/*
 * After so long with plenty available it is given back unasked.  Longer than a
 * heartbeat would only keep others waiting, shorter would follow the breath of
 * a guest.
 */
#define REFLEX_PLENTY_MS 10000
#define REFLEX_PLENTY_LOOK_MS 1000 /* so that no breath goes unseen */

/*
 * What has not begun to come by then does not come: Xen has none, or refuses.
 * A driver that works moves 1 MiB within 11 ms, in emulation.
 */
#define REFLEX_REFUSED_MS 1000

/* Target and balloon at rest for this long: the offset can be measured. */
#define REFLEX_SETTLED_MS 1000

struct reflex_input {
    bool has_balloon;
    bool is_moved;              /* restored or migrated: all is forgotten */
    bool allowance_stands;      /* may be taken, and is asked back when less */
    bool is_pressed;            /* it needs memory now */
    uint64_t current_kib;       /* the kernel's balloon */
    uint64_t kernel_target_kib; /* the kernel's, without the kick of a page */
    uint64_t target_kib;        /* memory/target; 0: not known */
    uint64_t allowance_kib;     /* what may be taken above it */
    uint64_t available_kib;
    uint64_t plenty_kib; /* so much available is more than it misses */
    uint64_t now_ms;
};

/* All zero: nothing has been seen yet. */
struct reflex {
    bool knows_offset;
    uint64_t offset_kib; /* memory/target less the kernel's target */

    uint64_t target_kib;        /* as at the last look, */
    uint64_t kernel_target_kib; /* likewise, */
    uint64_t same_ms;           /* and since when both are the same */

    uint64_t held_kib;     /* what we made the kernel's target; 0: nothing */
    uint64_t held_for_kib; /* memory/target as it was then */
    uint64_t step_kib;     /* the last one up, and */
    uint64_t raised_ms;    /* when it was */
    uint64_t gave_ms;      /* the last step down */
    uint64_t come_kib;     /* what the balloon had when it last grew, */
    uint64_t come_ms;      /* and when that was */
    uint64_t taken_kib;    /* above memory/target, with the last look */
    uint64_t plenty_ms;    /* since when plenty is available; 0: it is not */
    struct backoff refused;
};

struct reflex_step {
    bool write_target;   /* the kernel's target is to be set ... */
    uint64_t target_kib; /* ... to this, in the kernel's count */
    uint64_t taken_kib;  /* above memory/target, with this step */
    uint64_t next_ms;    /* look again then; UINT64_MAX: no need */
};

void reflex_look(struct reflex *reflex, const struct reflex_input *input,
                 struct reflex_step *ret_step);

#endif
