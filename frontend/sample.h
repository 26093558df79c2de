/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's kernel says of its memory at one moment.  Plain data, apart
 * from guest.h, so that the decision can see it without seeing the kernel.
 */
#ifndef BALLOON_FRONTEND_SAMPLE_H
#define BALLOON_FRONTEND_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Tasks stall when some of them waited for memory for this long in such a
 * window: 4 %.  500 ms is the shortest window the kernel allows; 20 ms
 * of it is a guess: well above the noise of a guest that reads its page cache
 * back now and then, and far below what its users notice.
 */
#define SAMPLE_STALL_US 20000
#define SAMPLE_STALL_WINDOW_US 500000

/*
 * The kernel wakes us sooner than that, at 0.2 %: its trigger is late by 60 ms
 * whatever its threshold (measured), and a lower one sees short stalls, too.
 */
#define SAMPLE_HINT_US 1000

struct guest_sample {
    /* /proc/meminfo */
    uint64_t total_kib;
    uint64_t available_kib;
    uint64_t free_kib;
    uint64_t anonymous_kib;
    uint64_t file_active_kib;
    uint64_t file_inactive_kib;
    uint64_t committed_kib;
    uint64_t swap_total_kib;
    uint64_t swap_free_kib;

    /* /proc/swaps: the part of swap that is compressed memory */
    uint64_t zram_used_kib; /* as it was before it was compressed */
    uint64_t zram_free_kib;

    /* /proc/vmstat, counters since boot */
    uint64_t swapped_in_kib;
    uint64_t swapped_out_kib;
    uint64_t refaults;
    uint64_t major_faults;
    uint64_t allocation_stalls;
    uint64_t oom_kills;

    /* /proc/pressure/memory, totals since boot */
    bool has_pressure;
    uint64_t pressure_some_us;
    uint64_t pressure_full_us;

    /* /sys/devices/system/xen_memory/xen_memory0 */
    bool has_balloon;
    uint64_t balloon_current_kib;
    uint64_t balloon_target_kib;
    uint64_t balloon_retries; /* failed attempts of the driver in a row */
};

#endif
