/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How "xenballoon simulate" says that something is wrong: a line on standard
 * error, and the exit status to be handed on.
 */
#ifndef BALLOON_SIMULATE_FAILURE_H
#define BALLOON_SIMULATE_FAILURE_H

#define SIMULATE_PROGRAM "xenballoon simulate"

/* Documented in xenballoon-simulate(1). */
enum simulate_status {
    SIMULATE_OK = 0,
    SIMULATE_FAILED = 1, /* what was to be played cannot be */
    SIMULATE_USAGE = 2,
    SIMULATE_INTERRUPTED = 130, /* as a shell says it of ctrl-C */
};

/* One line, which needs no newline; with SIMULATE_OK a remark.  status. */
int failure(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of a command line that was not understood.  SIMULATE_USAGE. */
int failure_of_usage(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Where help is to be found, alone.  SIMULATE_USAGE. */
int failure_hint(void);

#endif
