/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The snapshot: everything that one decision may look at, and nothing else.
 * observe.c fills it, decide.c reads it.
 */
#ifndef BALLOON_BACKEND_SNAPSHOT_H
#define BALLOON_BACKEND_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/report.h"

/*
 * What libxl adds to the target for the limit on x86 (LIBXL_MAXMEM_CONSTANT),
 * besides video memory.
 */
#define SNAPSHOT_SLACK_KIB 1024U

enum snapshot_voice {
    SNAPSHOT_VOICE_NONE,    /* never reported */
    SNAPSHOT_VOICE_GOOD,    /* the report is fresh */
    SNAPSHOT_VOICE_SILENT,  /* the last report is too old */
    SNAPSHOT_VOICE_STOPPED, /* it took leave */
    SNAPSHOT_VOICE_GARBLED, /* what is there cannot be read */
};

struct snapshot_domain {
    uint32_t domid;

    /* Xen's word */
    bool is_hvm;
    bool is_dying;
    bool is_service;
    bool is_saving; /* or migrated, by the word of libxl's helper */
    uint64_t current_kib;
    uint64_t limit_kib;
    uint64_t claimed_kib;

    uint64_t our_limit_kib; /* the last one that we set, 0 if none */

    /* The store's */
    bool has_target;         /* target and static_max are there */
    uint64_t target_kib;     /* memory/target */
    uint64_t static_max_kib; /* memory/static-max */
    uint64_t videoram_kib;
    bool is_operators; /* xl mem-set holds the target */

    /*
     * The operator's; those not given are derived.  floor <= ceiling <=
     * static_max; equal ones mean that the domain is not to be touched.
     */
    bool leave_alone;
    uint64_t floor_kib;
    uint64_t ceiling_kib;
    uint64_t weight;
    uint64_t headroom_permyriad; /* of what is used; 0: the policy's own */

    /*
     * The guest's, parsed and bounded but untrusted in what it says: it may
     * rank and it may refuse to give what it has, it never gets by it.  Zero
     * but with VOICE_GOOD.
     */
    enum snapshot_voice voice;
    bool has_reflex;        /* it can make use of an allowance */
    bool has_intent;        /* it answers announcements */
    uint64_t allowance_kib; /* what it was last told that it may take */
    uint64_t answered;      /* number of the announcement; 0: none */
    bool is_ready;          /* it has made room as far as it can */
    uint64_t can_give_kib;  /* it says, in that answer */
    uint64_t reported_ms;   /* when the report was read */
    struct report report;
};

struct snapshot {
    uint64_t now_ms;
    uint64_t total_kib;
    uint64_t free_kib;
    uint64_t claimed_kib;
    uint64_t reserve_kib;
    /*
     * How much of an idle page's price is taken off when memory is short: 0
     * shares by weight alone, 10000 leaves idle memory to nobody.
     */
    uint64_t idle_tax_permyriad;
    /* Less than this share of the reserve free is an emergency. */
    uint64_t emergency_permyriad;
    /* How long a guest may make room before a large shrink; 0: not at all. */
    uint64_t intent_wait_ms;
    struct snapshot_domain *domains; /* ascending by domid */
    unsigned int count;
};

#endif
