/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a guest: programs that want memory over time, a kernel that
 * finds it or kills them, and Linux's balloon driver, which obeys
 * memory/target by itself.  Behind struct guest_ops it is what a frontend
 * sees.
 *
 * What programs hold is kept in memory or in swap, what is idle of it first in
 * swap and last in memory.  What they read of files
 * wants to stay in memory; more of it fills what is free, and goes first.
 * While programs do not have what they want in memory, they wait, which
 * counts as pressure.  When neither memory nor swap holds what they ask for,
 * one of them is killed.
 *
 * Not simulated: which pages; CPU time; disks other than as a rate; memory
 * hotplug; a balloon driver that is not Linux's.
 */
#ifndef BALLOON_TESTS_WORLD_MODEL_H
#define BALLOON_TESTS_WORLD_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"
#include "frontend/guest.h"
#include "tests/world/ledger.h"

/* What programs want, from at_ms after their start on. */
struct model_point {
    uint64_t at_ms;
    uint64_t anonymous_kib;
    uint64_t file_kib;
    uint64_t idle_kib; /* of anonymous: not touched, and not missed in swap */
};

/*
 * What does not change in a guest's life.  Speeds are in KiB a second.  Zero
 * means no swap, no floor and so on; a speed of zero is no movement at all.
 */
struct model_nature {
    const char *word; /* for messages */

    const struct model_point *points; /* ascending; must stay valid */
    unsigned int point_count;
    uint64_t repeat_ms;    /* begin anew after this; 0: never */
    uint64_t growth_kib_s; /* how fast programs take what they want */
    uint64_t step_ms;      /* how closely it is followed while something moves;
                              0: as is enough where nothing depends on less */
    uint64_t cold_kib;     /* files read once, that fill free memory */

    uint64_t kernel_kib; /* never given back; of it, 1/4 is not MemTotal */
    uint64_t swap_kib;
    /*
     * Programs that need room wait until the disk has taken what is swapped
     * out for it; otherwise that costs no time.
     */
    bool waits_for_swap;

    /* The balloon, up being memory to the guest */
    bool has_no_balloon;
    uint64_t up_kib_s;
    uint64_t down_kib_s;
    uint64_t floor_kib;     /* it gives no more below this (Xen's count) */
    uint64_t ceiling_kib;   /* it takes no more above this; 0: none */
    uint64_t stuck_from_ms; /* since boot; both 0: never */
    uint64_t stuck_until_ms;
    uint64_t stuck_period_ms; /* in each, it is stuck ... */
    uint64_t stuck_for_ms;    /* ... for this long */

    /*
     * Domains hold more than their target for ever: video memory, and a
     * little of what libxl adds.
     */
    uint64_t extra_kib;
    /* The kernel counts this less than its target says. */
    uint64_t uncounted_kib;

    /* What it says it needs, as a share of the truth; 0: the truth. */
    uint64_t lie_permyriad;
    uint64_t hook_ms;     /* its hooks run for so long; 0: it has none */
    bool can_reclaim;     /* memory.reclaim, which swaps out what is cold */
    bool has_no_pressure; /* in its /proc */
    bool has_tracepoints; /* its frontend hears direct reclaim begin */
    bool has_no_grants;   /* no gntalloc: it cannot share a page */
    bool has_no_reflex;   /* its frontend was told to take nothing itself */
};

struct model {
    const struct model_nature *nature;
    struct ledger *ledger;
    const struct bus *bus; /* the kernel's end of the store */
    uint32_t domid;
    uint64_t boot_ms;
    uint64_t now_ms; /* the time up to which it has been run */

    /* Programs */
    uint64_t anonymous_kib; /* in memory and in swap */
    uint64_t swapped_kib;
    uint64_t active_kib;   /* files in use, in memory */
    uint64_t inactive_kib; /* files not in use, in memory */
    uint64_t held_up_kib; /* growth that waits for the disk, of the last step */

    /* The balloon driver; in its own count */
    uint64_t target_kib;
    uint64_t budget_kib; /* what its speed allows now */
    uint64_t retry_ms;   /* it sleeps until then; 0: it does not */
    uint64_t delay_ms;
    uint64_t retries;
    bool has_given_up;
    uint64_t failed_kib; /* the distance at which it failed: another wakes it */

    void *shared;  /* the page that its frontend shares, or NULL */
    uint32_t bell; /* the port that it rings; 0: none */

    uint64_t hooks_until_ms; /* 0: none run */

    /* Counters since boot */
    uint64_t swapped_in_kib;
    uint64_t swapped_out_kib;
    uint64_t refaults;
    uint64_t stalls;
    uint64_t oom_kills;
    uint64_t waited_us;
};

/*
 * At its boot: holds what Xen gave it and watches memory/target through bus.
 * Everything must stay valid.
 */
void model_boot(struct model *model, const struct model_nature *nature,
                struct ledger *ledger, const struct bus *bus, uint32_t domid,
                uint64_t now_ms);

/* It wakes up as another domain, after restore or migration. */
void model_move(struct model *model, uint32_t domid, uint64_t now_ms);

/* Lets it live until now_ms; takes the events of its end first. */
void model_run(struct model *model, uint64_t now_ms);

/* When something will happen in it by itself; UINT64_MAX: nothing. */
uint64_t model_next_ms(const struct model *model);

/*
 * What its programs want now, and what they have of it: in memory, but for
 * what is idle.
 */
uint64_t model_wants_kib(const struct model *model);
uint64_t model_has_kib(const struct model *model);

struct guest model_guest(struct model *model);

/* The frontend's process has ended: so does what it shared. */
void model_frontend_ended(struct model *model);

#endif
