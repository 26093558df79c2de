/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's own floor.  Pure. */
#include "frontend/floor.h"

#include <stddef.h>

#include "common/units.h"

/*
 * What a Linux needs at least, by the size that it may grow to: its page
 * array, hash tables and per-CPU areas are laid out for that.  The points are
 * those that the balloon driver of Xen's own 2.6.18 kernel kept to, of which
 * SUSE's and XenServer's kernels had years of use; today's driver has no floor
 * at all.  Between two points the curve is straight, beyond the last it goes
 * on as before.
 */
static const struct {
    uint64_t size_kib;
    uint64_t floor_kib;
} curve[] = {
    {0, 0},
    {16 * UNITS_KIB_PER_MIB, 16 * UNITS_KIB_PER_MIB},
    {32 * UNITS_KIB_PER_MIB, 24 * UNITS_KIB_PER_MIB},
    {128 * UNITS_KIB_PER_MIB, 72 * UNITS_KIB_PER_MIB},
    {512 * UNITS_KIB_PER_MIB, 168 * UNITS_KIB_PER_MIB},
    {2 * UNITS_KIB_PER_GIB, 360 * UNITS_KIB_PER_MIB},
    {8 * UNITS_KIB_PER_GIB, 552 * UNITS_KIB_PER_MIB},
    {32 * UNITS_KIB_PER_GIB, 1320 * UNITS_KIB_PER_MIB},
    {128 * UNITS_KIB_PER_GIB, 4392 * UNITS_KIB_PER_MIB},
};

#define CURVE_POINTS (sizeof(curve) / sizeof(curve[0]))

static uint64_t floor_of_size(uint64_t size_kib)
{
    size_t i = 1;

    while (i < CURVE_POINTS - 1 && size_kib > curve[i].size_kib) {
        i++;
    }
    return curve[i - 1].floor_kib +
           units_scale(size_kib - curve[i - 1].size_kib,
                       curve[i].floor_kib - curve[i - 1].floor_kib,
                       curve[i].size_kib - curve[i - 1].size_kib);
}

/*
 * In use, and neither droppable nor swappable.  MemAvailable leaves out what
 * the kernel keeps for itself, so those reserves count as used here; shared
 * memory counts although it could be swapped, on the safe side.
 */
static uint64_t floor_of_use(const struct guest_sample *sample, uint64_t held)
{
    uint64_t used_kib = units_less(sample->total_kib, sample->available_kib);
    uint64_t swappable_kib =
        units_min(sample->anonymous_kib, sample->swap_free_kib);

    /* The kernel's image and page array are held but not in MemTotal. */
    return units_add(units_less(held, sample->total_kib),
                     units_less(used_kib, swappable_kib));
}

uint64_t floor_of(const struct guest_sample *sample, uint64_t static_max_kib)
{
    uint64_t held_kib =
        sample->has_balloon ? sample->balloon_current_kib : sample->total_kib;
    uint64_t floor_kib =
        units_max(floor_of_size(units_max(static_max_kib, held_kib)),
                  floor_of_use(sample, held_kib));

    return units_min(floor_kib, held_kib);
}
