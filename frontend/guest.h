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

#include <stdint.h>

#include "frontend/sample.h"

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

#endif
