/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event channel of this guest for dom0, by libxenevtchn (/dev/xen/evtchn).
 * Its interface is a stable one, so that one build serves every Xen.
 *
 * Nothing here closes it.  Closing one that has died with save, restore or
 * migration ends in BUG() in the kernel's evtchn driver (seen with 6.1.192;
 * 7.2.13 has the same code), and after those nobody tells a process in time.
 * The kernel closes it when the process ends.
 */
#ifndef BALLOON_FRONTEND_BELL_XEN_H
#define BALLOON_FRONTEND_BELL_XEN_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: not bound. */
struct bell_xen {
    void *handle;
    uint32_t port;
};

/* Whether this program was built with the library. */
bool bell_xen_is_built(void);

/*
 * One that dom0 may bind.  0; -EOPNOTSUPP when this program was built without
 * the library; or another negative errno.  The library says on standard error
 * when there is no device, so look first.
 */
int bell_xen_bind(struct bell_xen *bell, uint32_t *ret_port);

/* 0 or a negative errno. */
int bell_xen_ring(const struct bell_xen *bell);

#endif
