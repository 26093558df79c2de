/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Low memory, told by Xen itself: VIRQ_ENOMEM.  It fires when free memory,
 * claims taken off, falls below low_mem_virq_limit of Xen's command line (64
 * MiB unless told otherwise), and again at each half of that; one program in
 * dom0 can have it.
 */
#ifndef BALLOON_BACKEND_LOWMEM_XEN_H
#define BALLOON_BACKEND_LOWMEM_XEN_H

struct lowmem;

/*
 * Binds it.  0 and *ret_lowmem, to be closed; or a negative errno: -EEXIST when
 * another program holds it.
 */
int lowmem_xen_open(struct lowmem **ret_lowmem);

/* Accepts NULL. */
void lowmem_xen_close(struct lowmem *lowmem);

/* Readable when it has fired. */
int lowmem_xen_fd(const struct lowmem *lowmem);

/*
 * Takes what has fired and makes it ready to fire again; to be called when the
 * descriptor is readable, otherwise it waits.  0 or a negative errno.
 */
int lowmem_xen_take(struct lowmem *lowmem);

#endif
