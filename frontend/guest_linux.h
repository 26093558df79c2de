/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's kernel, when it is Linux: /proc and sysfs.  The only file of
 * this end that opens any of it.
 *
 * All files are opened once and read with pread from then on, so that a sample
 * allocates nothing and works when the guest is out of memory or of
 * descriptors.
 */
#ifndef BALLOON_FRONTEND_GUEST_LINUX_H
#define BALLOON_FRONTEND_GUEST_LINUX_H

#include <stdbool.h>

#include "frontend/guest.h"

/*
 * root is "/" for the kernel we run on; tests point it at a directory with
 * files of the same names.  0 and *ret_guest, or the negative errno of opening
 * /proc/meminfo or /proc/vmstat.  No pressure file and no balloon driver are
 * no errors: the sample says so.
 */
int guest_linux_open(const char *root, struct guest *ret_guest);

/*
 * Accepts a zeroed guest, and may be called twice.  What is still shared stays
 * so until the process ends.
 */
void guest_linux_close(struct guest *guest);

/*
 * A descriptor that poll(2) finds POLLPRI on when tasks begin to stall
 * (SAMPLE_STALL_US), at most once a window; nothing is ever read from it.
 * The caller closes it.  Negative errno when the kernel has none.
 */
int guest_linux_pressure_fd(const char *root);

/* Whether this kernel runs on Xen, dom0 included. */
bool guest_linux_is_on_xen(const char *root);

#endif
