/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's own floor.  Pure. */
#include "frontend/floor.h"

#include "common/units.h"

/*
 * Room to live in above what is in use: a process start or two, and what the
 * kernel wants free before it reclaims (min_free_kbytes is 1/64 to 1/256 of a
 * guest below 4 GiB).
 */
#define FLOOR_ROOM_KIB (UINT64_C(16) * UNITS_KIB_PER_MIB)
#define FLOOR_ROOM_SHARE 64U

/*
 * The part of swappable memory that may really be pushed out to swap: beyond
 * that, guests stop making progress.  VMware's default (Mem.CtlMaxPercent).
 */
#define FLOOR_SWAP_PERMYRIAD 6500U

/*
 * Swap in zram is no place to put memory: what goes there stays in memory, and
 * how much smaller it gets is known only afterwards.  What is there already
 * counts as if it were not: a guest that compresses because it is squeezed must
 * not be squeezed further because it has compressed.
 */
static uint64_t swappable(const struct guest_sample *sample)
{
    uint64_t swap_kib =
        units_less(sample->swap_free_kib, sample->zram_free_kib);

    return units_scale(units_min(sample->anonymous_kib, swap_kib),
                       FLOOR_SWAP_PERMYRIAD, 10000);
}

/*
 * MemAvailable leaves out what the kernel keeps for itself, so those reserves
 * count as used here; so does shared memory, although it could be swapped.
 * The kernel's image and page array are held but not in MemTotal.
 */
uint64_t floor_of(const struct guest_sample *sample)
{
    uint64_t held_kib =
        sample->has_balloon ? sample->balloon_current_kib : sample->total_kib;
    uint64_t used_kib =
        units_add(units_less(sample->total_kib, sample->available_kib),
                  sample->zram_used_kib);
    uint64_t floor_kib = units_add(units_less(held_kib, sample->total_kib),
                                   units_less(used_kib, swappable(sample)));

    floor_kib = units_add(floor_kib, FLOOR_ROOM_KIB +
                                         sample->total_kib / FLOOR_ROOM_SHARE);
    return units_min(floor_kib, held_kib);
}
