/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The units of the whole tree, and the only place outside the Xen adapters
 * where a page is mentioned.  Memory is counted in KiB in a uint64_t, time in
 * milliseconds of a monotonic clock, ratios in permyriad (0 to 10000).
 *
 * Arithmetic on memory saturates instead of wrapping: the numbers come from
 * guests and from files, and a wrapped sum would give memory away.
 */
#ifndef BALLOON_COMMON_UNITS_H
#define BALLOON_COMMON_UNITS_H

#include <stdint.h>

/* Xen's page on every architecture it runs on (XC_PAGE_SIZE). */
#define UNITS_KIB_PER_PAGE 4U
#define UNITS_KIB_PER_MIB 1024U
#define UNITS_KIB_PER_GIB (1024U * 1024U)

/*
 * No amount of memory is larger than this: 1 PiB, far above what Xen can
 * address (16 TiB on x86 without CONFIG_BIGMEM, 123 TiB with it), and small
 * enough that thousands of such amounts still sum without overflow.
 */
#define UNITS_KIB_MAX (UINT64_C(1) << 40)

static inline uint64_t units_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t units_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* low wins when the bounds are crossed. */
static inline uint64_t units_clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return units_max(units_min(value, high), low);
}

static inline uint64_t units_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* a - b, or 0 when b is the larger. */
static inline uint64_t units_less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t units_distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The part of units_scale() that is seldom needed, out of its callers' way. */
__attribute__((cold)) static inline uint64_t units_scale_wide(uint64_t a,
                                                              uint64_t b,
                                                              uint64_t divisor)
{
    __extension__ unsigned __int128 product;

    product = __extension__(unsigned __int128) a * b;
    product /= divisor;
    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

/*
 * a * b / divisor, rounded down, without overflow in between; 0 when the
 * divisor is 0; saturates when the result does not fit.
 */
static inline uint64_t units_scale(uint64_t a, uint64_t b, uint64_t divisor)
{
    uint64_t product;

    if (divisor == 0) {
        return 0;
    }
    return __builtin_mul_overflow(a, b, &product)
               ? units_scale_wide(a, b, divisor)
               : product / divisor; /* nearly always */
}

/*
 * What is left of value after elapsed_ms when half of it goes in about half_ms:
 * a straight line as far as that, however long it has been.
 */
static inline uint64_t units_fade(uint64_t value, uint64_t elapsed_ms,
                                  uint64_t half_ms)
{
    if (value == 0 || elapsed_ms == 0) {
        return value;
    }
    return value -
           units_scale(value, units_min(elapsed_ms, half_ms), 2 * half_ms);
}

static inline uint64_t units_pages_to_kib(uint64_t pages)
{
    return pages > UINT64_MAX / UNITS_KIB_PER_PAGE ? UINT64_MAX
                                                   : pages * UNITS_KIB_PER_PAGE;
}

/* Rounded down: a domain is never promised a page it was not meant to get. */
static inline uint64_t units_kib_to_pages(uint64_t kib)
{
    return kib / UNITS_KIB_PER_PAGE;
}

/* Down to a whole page: what the store and Xen can both express. */
static inline uint64_t units_whole_pages(uint64_t kib)
{
    return kib - kib % UNITS_KIB_PER_PAGE;
}

#endif
