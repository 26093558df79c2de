/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers of the simulation: splitmix64, the same everywhere.  One
 * stream for each concern, so that a draw added in one place changes nothing
 * in another.
 */
#ifndef BALLOON_TESTS_WORLD_DICE_H
#define BALLOON_TESTS_WORLD_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* concern: any number that no other stream of the seed has. */
static inline void dice_init(struct dice *dice, uint64_t seed, uint64_t concern)
{
    dice->state = seed * UINT64_C(0xd1342543de82ef95) + concern;
    (void)dice_next(dice); /* seeds that are near each other part here */
}

/* From low to high, both included. */
static inline uint64_t dice_between(struct dice *dice, uint64_t low,
                                    uint64_t high)
{
    return low + dice_next(dice) % (high - low + 1);
}

static inline bool dice_chance(struct dice *dice, uint64_t percent)
{
    return dice_next(dice) % 100 < percent;
}

#endif
