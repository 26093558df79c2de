/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of the kernel's memory files: bytes in, fields out.  Files are
 * opened elsewhere (guest_linux.c).
 *
 * Each parser fills its own part of *sample, and only on success; lines and
 * names that it does not know are passed over, so that other kernels do as
 * well.  text need not end in NUL.  0, or -EINVAL when a line that matters is
 * not as the kernel writes it, or one without which there is no sample is
 * missing.
 */
#ifndef BALLOON_FRONTEND_PROCFS_H
#define BALLOON_FRONTEND_PROCFS_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/sample.h"

/* /proc/meminfo.  MemTotal and MemAvailable (Linux 3.14) must be there. */
int procfs_parse_meminfo(const char *text, size_t len,
                         struct guest_sample *sample);

/* /proc/swaps, which need not be there.  Fills zram_*. */
int procfs_parse_swaps(const char *text, size_t len,
                       struct guest_sample *sample);

/*
 * /proc/vmstat.  Any counter may be missing and is 0 then.  page_kib is the
 * size of the kernel's pages, in which it counts swap traffic.
 */
int procfs_parse_vmstat(const char *text, size_t len, uint64_t page_kib,
                        struct guest_sample *sample);

/* /proc/pressure/memory.  Both lines must be there. */
int procfs_parse_pressure(const char *text, size_t len,
                          struct guest_sample *sample);

/* A file that holds one number, with or without a newline. */
int procfs_parse_number(const char *text, size_t len, uint64_t *ret_value);

#endif
