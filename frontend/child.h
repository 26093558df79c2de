/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that is run beside the daemon, in a process group of its own.  The
 * daemon is locked in memory and must not be copied for it, so it is started by
 * posix_spawn(3), which shares the memory until the program begins.
 */
#ifndef BALLOON_FRONTEND_CHILD_H
#define BALLOON_FRONTEND_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* All zero: none runs.  A process has one of these: it reaps all children. */
struct child {
    pid_t pid;           /* 0: none runs */
    unsigned int killed; /* and not yet reaped */
};

/*
 * Starts the program at path, with arguments and environment as of execve(2),
 * its standard input from /dev/null, its signals and its scheduling as they are
 * by default.  None may run.  0 or a negative errno.
 */
int child_start(struct child *child, const char *path,
                const char *const arguments[], const char *const environment[]);

/*
 * Whether it still runs; does not block.  When it has just ended, how, as of
 * waitpid(2), in *ret_status, which is -1 otherwise.
 */
bool child_runs(struct child *child, int *ret_status);

/*
 * Kills it with all of its group and thinks no more of it; does not wait, as
 * what is stuck in the kernel may end late.  Accepts none.
 */
void child_stop(struct child *child);

#endif
