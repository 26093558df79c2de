/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a run is: a bar on standard error for whoever waits at a terminal,
 * and the ear for ctrl-C.
 */
#ifndef BALLOON_SIMULATE_PROGRESS_H
#define BALLOON_SIMULATE_PROGRESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t (*now_ms)(void); /* monotonic */
    bool is_shown;            /* standard error is a terminal */
    bool is_drawn;
    uint64_t host_kib; /* the host that is played; whoever plays sets it */
    uint64_t began_ms;
    uint64_t drawn_ms;
    bool is_interrupted;
    sigset_t before; /* the signals that were blocked */
};

/*
 * Blocks SIGINT and SIGTERM, which wait from then on until
 * progress_is_wanted() looks; progress_end() wipes the bar and unblocks them.
 */
void progress_begin(struct progress *progress, uint64_t (*now_ms)(void));
void progress_end(struct progress *progress);

/* Is what is_wanted of run.h is to be; state is the progress. */
bool progress_is_wanted(void *state, uint64_t done_ms, uint64_t of_ms);

/* Before anything else is printed. */
void progress_wipe(struct progress *progress);

#endif
