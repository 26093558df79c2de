/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus through libxenstore, for dom0 (socket) and guests (/dev/xen/xenbus)
 * alike.  libxenstore starts a reader thread at the first watch, so a process
 * that has opened one must not fork without exec.
 */
#ifndef BALLOON_COMMON_BUS_XEN_H
#define BALLOON_COMMON_BUS_XEN_H

#include "common/bus.h"

/*
 * Connects.  Returns 0 and fills *ret_bus, or the negative errno of the
 * attempt: -ENOENT and -ECONNREFUSED mean that no xenstored runs, -EACCES
 * that the caller is not root.
 */
int bus_xen_open(struct bus *ret_bus);

/* Accepts a zeroed bus, and may be called twice. */
void bus_xen_close(struct bus *bus);

/*
 * Becomes readable when an event waits.  It does NOT become readable when
 * xenstored dies (libxenstore 4.17): callers also ask next_event from time to
 * time, which then answers -ENOTCONN.
 */
int bus_xen_fd(const struct bus *bus);

#endif
