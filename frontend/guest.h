/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's kernel: the seam of the frontend.  What the kernel says of its
 * memory, and the one thing that it can be told.
 *
 * Implementations: guest_linux.c (/proc and sysfs) in the program, and the
 * guest models of the simulated host.
 */
#ifndef BALLOON_FRONTEND_GUEST_H
#define BALLOON_FRONTEND_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/sample.h"

/* How room can be made before a shrink. */
enum guest_way {
    GUEST_HAS_HOOKS = 1 << 0,
    GUEST_CAN_RECLAIM = 1 << 1,
};

/* What hooks are told. */
struct guest_shrink {
    uint64_t shrink_kib;
    uint64_t target_kib;
    uint64_t left_ms; /* until they are stopped */
    uint64_t now_ms;
};

struct guest_ops {
    /*
     * A consistent sample: the balloon's size is read before and after the
     * rest and taken again, a bounded number of times, while it moved.
     * 0 or a negative errno; what a kernel does not offer is 0 or false.
     */
    int (*sample)(void *state, struct guest_sample *ret_sample);
    /* The kernel's own balloon target, in the kernel's own count. */
    int (*set_balloon_target)(void *state, uint64_t target_kib);
    /*
     * A zeroed page that dom0 may read, and its grant reference.  0, or
     * -EOPNOTSUPP when this kernel has no gntalloc, or another negative errno.
     * It is dead after save, restore and migration, and harmless then.
     */
    int (*share_page)(void *state, void **ret_page, uint32_t *ret_reference);
    void (*unshare_page)(void *state, void *page);
    /*
     * An event channel of this guest, unbound, for dom0 to bind: one at most.
     * 0, or -EOPNOTSUPP when this kernel or this program has none, or another
     * negative errno.  There is no way back: it is dead after save, restore
     * and migration, a kernel crashes that is told to close a dead one, and
     * nobody can be sure that it is not dead.  It ends with the process.
     */
    int (*bind_bell)(void *state, uint32_t *ret_port);
    /* Not once it is known to be dead.  0 or a negative errno. */
    int (*ring_bell)(void *state);
    /*
     * Making room: either hooks or a slice of reclaim, beside the daemon, which
     * never waits for them.  ways says which there are, of enum guest_way; the
     * two begin with one when none is at work, 0 or a negative errno; is_at_work
     * also goes on with the next hook.
     */
    unsigned int (*ways)(void *state);
    int (*run_hooks)(void *state, const struct guest_shrink *shrink);
    int (*reclaim)(void *state, uint64_t kib);
    bool (*is_at_work)(void *state, uint64_t now_ms);
    void (*stop_work)(void *state);
};

struct guest {
    const struct guest_ops *ops;
    void *state;
};

static inline int guest_sample(const struct guest *guest,
                               struct guest_sample *ret_sample)
{
    return guest->ops->sample(guest->state, ret_sample);
}

static inline int guest_set_balloon_target(const struct guest *guest,
                                           uint64_t target_kib)
{
    return guest->ops->set_balloon_target(guest->state, target_kib);
}

static inline int guest_share_page(const struct guest *guest, void **ret_page,
                                   uint32_t *ret_reference)
{
    return guest->ops->share_page(guest->state, ret_page, ret_reference);
}

static inline void guest_unshare_page(const struct guest *guest, void *page)
{
    guest->ops->unshare_page(guest->state, page);
}

static inline int guest_bind_bell(const struct guest *guest, uint32_t *ret_port)
{
    return guest->ops->bind_bell(guest->state, ret_port);
}

static inline int guest_ring_bell(const struct guest *guest)
{
    return guest->ops->ring_bell(guest->state);
}

/* A guest without the means, as in most tests, has none of the five. */
static inline unsigned int guest_ways(const struct guest *guest)
{
    return guest->ops->ways != NULL ? guest->ops->ways(guest->state) : 0;
}

static inline bool guest_is_at_work(const struct guest *guest, uint64_t now_ms)
{
    return guest->ops->is_at_work != NULL &&
           guest->ops->is_at_work(guest->state, now_ms);
}

static inline int guest_run_hooks(const struct guest *guest,
                                  const struct guest_shrink *shrink)
{
    return guest->ops->run_hooks(guest->state, shrink);
}

static inline int guest_reclaim(const struct guest *guest, uint64_t kib)
{
    return guest->ops->reclaim(guest->state, kib);
}

static inline void guest_stop_work(const struct guest *guest)
{
    guest->ops->stop_work(guest->state);
}

#endif
