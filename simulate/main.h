/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "xenballoon simulate": options, files, and what is to be played.  A program
 * in a program, with options of its own.
 */
#ifndef BALLOON_SIMULATE_MAIN_H
#define BALLOON_SIMULATE_MAIN_H

/* Documented in xenballoon-simulate(1). */
enum simulate_status {
    SIMULATE_OK = 0,
    SIMULATE_FAILED = 1, /* what was to be played cannot be */
    SIMULATE_USAGE = 2,
    SIMULATE_INTERRUPTED = 130, /* as a shell says it of ctrl-C */
};

/* argv[0] is "simulate".  Returns the exit status. */
int simulate_main(int argc, char **argv);

#endif
