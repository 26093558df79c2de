/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated hypervisor: a ledger of frames behind struct hypervisor_ops.
 * Who holds how much, may hold how much, and has claimed how much; what is
 * left is free.
 *
 * It answers as Xen does, and says so aloud when it is asked for what a
 * correct toolstack never asks for, or when its books do not balance.
 *
 * Not simulated: frames as such, so no fragmentation and no large pages;
 * populate-on-demand beyond its target; the time a call takes.
 */
#ifndef BALLOON_TESTS_WORLD_LEDGER_H
#define BALLOON_TESTS_WORLD_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/hypervisor.h"

struct ledger;
struct ledger_page;
struct ledger_port;

/* Something was asked for that must not be, or the books are wrong. */
typedef void ledger_impossible_fn(void *arg, const char *what);

/* The daemon has set a limit, which was old_kib before. */
typedef void ledger_limited_fn(void *arg, uint32_t domid, uint64_t old_kib,
                               uint64_t limit_kib);

/* A guest has notified a port of its own. */
typedef void ledger_rung_fn(void *arg, uint32_t domid);

/* A page is being copied: its sequence is, the rest is not yet. */
typedef void ledger_copying_fn(void *arg, uint32_t domid);

struct ledger_counts {
    uint64_t copies; /* calls */
    uint64_t pages;  /* in all of them */
    uint64_t rings;  /* by guests */
    uint64_t heard;  /* of those, by the daemon */
};

struct ledger {
    uint64_t total_kib;
    uint64_t free_kib;
    struct hypervisor_domain *domains; /* ascending by domid */
    unsigned int count;
    unsigned int room;
    struct ledger_page *pages; /* granted to domain 0, and those that were */
    uint32_t last_reference;
    struct ledger_port *ports; /* of guests, bound to domain 0 or for it */
    uint32_t last_port;

    ledger_impossible_fn *impossible; /* NULL: the program ends */
    bool is_raced; /* a daemon may ask for what was possible a moment ago */
    ledger_limited_fn *limited; /* or NULL */
    ledger_rung_fn *rung;       /* or NULL */
    void *arg;

    bool has_no_grants;         /* dom0 has no /dev/xen/gntdev */
    bool has_no_bells;          /* nor /dev/xen/evtchn */
    unsigned int arm_failures;  /* so often arming a bell fails from now on */
    ledger_copying_fn *copying; /* or NULL */
    void *copying_arg;
    struct ledger_counts counts;
};

void ledger_init(struct ledger *ledger, uint64_t total_kib);
void ledger_done(struct ledger *ledger);

/* For a daemon. */
struct hypervisor ledger_hypervisor(struct ledger *ledger);

/* NULL when there is none; valid until a domain comes or goes. */
struct hypervisor_domain *ledger_find(const struct ledger *ledger,
                                      uint32_t domid);

/* A new domain: paused, without memory, with limit 0. */
void ledger_create(struct ledger *ledger, uint32_t domid, const char *uuid,
                   bool is_hvm);

/* Its frames become free, the domain disappears. */
void ledger_destroy(struct ledger *ledger, uint32_t domid);

/* XENMEM_claim_pages: for a domain of total_kib in all; 0 cancels. */
int ledger_claim(struct ledger *ledger, uint32_t domid, uint64_t total_kib);

/*
 * XENMEM_populate_physmap: returns how much of kib it got, within its limit
 * and what is free and not claimed by others; 0 when nothing.
 */
uint64_t ledger_populate(struct ledger *ledger, uint32_t domid, uint64_t kib);

/* XENMEM_decrease_reservation. */
void ledger_give_back(struct ledger *ledger, uint32_t domid, uint64_t kib);

/*
 * A zeroed page of PAGE_BYTES that the domain grants to domain 0, and its
 * reference.  The grant ends with ledger_unshare() or with the domain; the
 * memory is the guest's, who may go on writing into it, until then or until
 * the ledger's end.
 */
void *ledger_share(struct ledger *ledger, uint32_t domid,
                   uint32_t *ret_reference);

/* Accepts NULL. */
void ledger_unshare(struct ledger *ledger, void *page);

/* What domain 0 gets to see; NULL: nothing is granted by that reference. */
const void *ledger_granted(const struct ledger *ledger, uint32_t domid,
                           uint32_t reference);

/* A port of the domain's own, unbound, for domain 0. */
uint32_t ledger_open_port(struct ledger *ledger, uint32_t domid);

/*
 * Notifies it; nobody hears it while it is not bound.  Impossible when the
 * domain has no such port: as when it was moved since it opened it.
 */
void ledger_ring(struct ledger *ledger, uint32_t domid, uint32_t port);

/* The process that had it open is gone. */
void ledger_close_port(struct ledger *ledger, uint32_t domid, uint32_t port);

/* Bells of domain 0 that have rung and are armed; 0: none. */
uint32_t ledger_next_bell(const struct ledger *ledger);
/* That one, which is silent from now on. */
void ledger_take_bell(struct ledger *ledger, uint32_t bell);
unsigned int ledger_bells(const struct ledger *ledger);

/* The daemon is gone, and what it had bound with it. */
void ledger_unbind_all(struct ledger *ledger);

/* What the toolstack does. */
int ledger_set_limit(struct ledger *ledger, uint32_t domid, uint64_t limit_kib);
int ledger_set_pod_target(struct ledger *ledger, uint32_t domid,
                          uint64_t target_kib);

uint64_t ledger_claimed_kib(const struct ledger *ledger);

/* Whether what is held and what is free is what there is. */
void ledger_check(const struct ledger *ledger);

#endif
