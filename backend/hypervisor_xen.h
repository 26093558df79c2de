/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor through libxenctrl.
 */
#ifndef BALLOON_BACKEND_HYPERVISOR_XEN_H
#define BALLOON_BACKEND_HYPERVISOR_XEN_H

#include <stddef.h>

#include "backend/hypervisor.h"
#include "backend/savers.h"

/*
 * 0 and *ret_hypervisor, or a negative errno: -ENOENT when this is no dom0,
 * -EACCES when the caller may not or the running Xen has another interface
 * version than the one this program was built for (the first call tells).
 */
int hypervisor_xen_open(struct hypervisor *ret_hypervisor);
void hypervisor_xen_close(struct hypervisor *hypervisor);

/*
 * From now on domains are listed with what savers say of them.  NULL: nobody
 * knows.  They must outlive the hypervisor, or be taken back.
 */
void hypervisor_xen_ask(const struct hypervisor *hypervisor,
                        const struct savers *savers);

/* Xen's command line, "" if unknown. */
void hypervisor_xen_command_line(const struct hypervisor *hypervisor,
                                 char *text, size_t size);

/* "4.17.5" of the running Xen, "" if unknown. */
void hypervisor_xen_version(const struct hypervisor *hypervisor, char *text,
                            size_t size);

/* Readable when a guest's bell has rung; -1: this host has none. */
int hypervisor_xen_bell_fd(const struct hypervisor *hypervisor);

/*
 * Which one; to be called when the descriptor is readable, otherwise it waits.
 * 0 and *ret_bell, or a negative errno.
 */
int hypervisor_xen_take_bell(const struct hypervisor *hypervisor,
                             uint32_t *ret_bell);

#endif
