/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels of guests, by libxenevtchn (/dev/xen/evtchn): what is behind
 * the bells of hypervisor.h.
 */
#ifndef BALLOON_BACKEND_BELL_XEN_H
#define BALLOON_BACKEND_BELL_XEN_H

#include <stdint.h>

/* All zero: this host has none. */
struct bell_xen {
    void *handle;
};

/* Zeroed when there is no device. */
void bell_xen_open(struct bell_xen *bells);

/* Unbinds all; accepts a zeroed one. */
void bell_xen_close(struct bell_xen *bells);

/* As in hypervisor.h. */
int bell_xen_bind(const struct bell_xen *bells, uint32_t domid, uint32_t port);
void bell_xen_unbind(const struct bell_xen *bells, uint32_t bell);
int bell_xen_arm(const struct bell_xen *bells, uint32_t bell);

/* Readable when one has rung; -1: there are none. */
int bell_xen_fd(const struct bell_xen *bells);

/*
 * Which one has rung; to be called when the descriptor is readable, otherwise
 * it waits.  0 and *ret_bell, or a negative errno.
 */
int bell_xen_take(const struct bell_xen *bells, uint32_t *ret_bell);

#endif
