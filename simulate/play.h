/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A course that is played as the command line wishes: once, on ever other
 * hosts until one is just large enough, or on those that a page compares.
 */
#ifndef BALLOON_SIMULATE_PLAY_H
#define BALLOON_SIMULATE_PLAY_H

#include <stdint.h>

#include "simulate/course.h"
#include "simulate/outcome.h"
#include "simulate/plot.h"
#include "simulate/progress.h"
#include "simulate/wish.h"

/* Borrowed, all three. */
struct play {
    const struct wish *wish;
    const struct course *course;
    struct progress *progress;
};

/*
 * On a host of such a size, or from there to the smallest that is enough.  With
 * curves when there is to be a page.  0 and an outcome to be freed by
 * outcome_done(); or a negative errno, of which they have said why.
 */
int play_on(const struct play *play, uint64_t host_memory_kib,
            struct outcome *ret_outcome);
int play_find(const struct play *play, uint64_t guess_kib,
              struct outcome *ret_outcome);

#define PLAY_SIZES_MAX 8

/*
 * The outcome's own host, and hosts of 90 to 400 % of the peak of what is
 * needed, in ascending order.  How many there are: as many as were played
 * before ctrl-C.
 */
unsigned int play_sizes(const struct play *play, const struct outcome *outcome,
                        struct plot_size sizes[PLAY_SIZES_MAX]);

#endif
