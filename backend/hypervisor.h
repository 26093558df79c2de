/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor: the seam between the backend and Xen.  Only what is the
 * same from Xen 4.17 to 4.22, in KiB.
 *
 * Implementations: hypervisor_xen.c (libxenctrl) in the daemon, and the
 * ledger of the simulated host.
 *
 * All functions return 0 or a count, or a negative errno:
 *   -ESRCH    no such domain (any more)
 *   -EACCES   not permitted, or built for another Xen
 */
#ifndef BALLOON_BACKEND_HYPERVISOR_H
#define BALLOON_BACKEND_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

/* Domain ids end below this (DOMID_FIRST_RESERVED). */
#define HYPERVISOR_DOMIDS 0x7ff0U

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and its NUL. */
#define HYPERVISOR_UUID_TEXT 37

struct hypervisor_domain {
    uint32_t domid;
    char uuid[HYPERVISOR_UUID_TEXT];
    bool is_hvm;   /* HVM or PVH: has a PoD target */
    bool is_dying; /* being torn down, shut down, crashed or suspended */
    bool is_paused;
    bool is_service;      /* the xenstore domain: never a balloon's business */
    bool is_saving;       /* its memory is being copied: saved or migrated */
    uint64_t current_kib; /* tot_pages */
    uint64_t limit_kib;   /* max_pages */
    uint64_t claimed_kib; /* outstanding_pages: will be taken while building */
};

struct hypervisor_host {
    uint64_t total_kib;
    uint64_t free_kib;    /* claims not taken off */
    uint64_t claimed_kib; /* sum of all claims */
};

/* A guest's report page (page.h), to be copied. */
struct hypervisor_page {
    uint32_t domid;
    uint32_t reference;  /* the grant, as the guest says */
    unsigned char *copy; /* the caller's, PAGE_USED_BYTES */
    uint32_t before;     /* the word at PAGE_SEQUENCE_OFFSET, copied before */
    uint32_t after;      /* and after it */
    int result;          /* 0, or a negative errno: copy is worth nothing */
};

struct hypervisor_ops {
    /*
     * Up to max domains with an id of at least first, ascending.  Returns how
     * many; fewer than max means that there are no more.
     */
    int (*list)(void *state, uint32_t first, struct hypervisor_domain *domains,
                unsigned int max);
    int (*host)(void *state, struct hypervisor_host *ret_host);
    /* max_pages.  May be set below what the domain holds: then it gets none. */
    int (*set_limit)(void *state, uint32_t domid, uint64_t limit_kib);
    /* HVM and PVH only; must not be above the limit. */
    int (*set_pod_target)(void *state, uint32_t domid, uint64_t target_kib);
    /*
     * Copies all pages in one call, mapping none.  0 when each page's result
     * is set, -EOPNOTSUPP when this host cannot, also for no pages at all.
     */
    int (*copy_pages)(void *state, struct hypervisor_page *pages,
                      unsigned int count);
    /*
     * Binds an event channel of dom0's to a port that a guest has left unbound
     * for it.  Returns its number in dom0, or a negative errno.  It counts as
     * rung from the start, as nobody knows what came before.
     */
    int (*bind_bell)(void *state, uint32_t domid, uint32_t port);
    /* Also when the domain is gone; the guest's port is as it was before. */
    void (*unbind_bell)(void *state, uint32_t bell);
    /*
     * One that has rung is silent until it is armed, and rings then if it was
     * rung meanwhile.  For no bell, 0: 0 when bells can be bound here,
     * -EOPNOTSUPP otherwise.
     */
    int (*arm_bell)(void *state, uint32_t bell);
};

struct hypervisor {
    const struct hypervisor_ops *ops;
    void *state;
};

static inline int hypervisor_list(const struct hypervisor *hypervisor,
                                  uint32_t first,
                                  struct hypervisor_domain *domains,
                                  unsigned int max)
{
    return hypervisor->ops->list(hypervisor->state, first, domains, max);
}

static inline int hypervisor_host(const struct hypervisor *hypervisor,
                                  struct hypervisor_host *ret_host)
{
    return hypervisor->ops->host(hypervisor->state, ret_host);
}

static inline int hypervisor_set_limit(const struct hypervisor *hypervisor,
                                       uint32_t domid, uint64_t limit_kib)
{
    return hypervisor->ops->set_limit(hypervisor->state, domid, limit_kib);
}

static inline int hypervisor_set_pod_target(const struct hypervisor *hypervisor,
                                            uint32_t domid, uint64_t target_kib)
{
    return hypervisor->ops->set_pod_target(hypervisor->state, domid,
                                           target_kib);
}

static inline int hypervisor_copy_pages(const struct hypervisor *hypervisor,
                                        struct hypervisor_page *pages,
                                        unsigned int count)
{
    return hypervisor->ops->copy_pages(hypervisor->state, pages, count);
}

static inline int hypervisor_bind_bell(const struct hypervisor *hypervisor,
                                       uint32_t domid, uint32_t port)
{
    return hypervisor->ops->bind_bell(hypervisor->state, domid, port);
}

static inline void hypervisor_unbind_bell(const struct hypervisor *hypervisor,
                                          uint32_t bell)
{
    hypervisor->ops->unbind_bell(hypervisor->state, bell);
}

static inline int hypervisor_arm_bell(const struct hypervisor *hypervisor,
                                      uint32_t bell)
{
    return hypervisor->ops->arm_bell(hypervisor->state, bell);
}

#endif
