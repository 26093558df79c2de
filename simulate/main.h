/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "xenballoon simulate": a program in a program, with options of its own.
 */
#ifndef BALLOON_SIMULATE_MAIN_H
#define BALLOON_SIMULATE_MAIN_H

/* argv[0] is "simulate".  Returns the exit status, see failure.h. */
int simulate_main(int argc, char **argv);

#endif
