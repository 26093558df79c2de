/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gentle reclaim: memory.reclaim of cgroup v2 (Linux 5.19 and later), which
 * takes what is coldest and stops when it becomes hard.  The root's own group
 * has none, so it is asked of those below it (systemd's slices), of each by
 * what it holds.
 */
#ifndef BALLOON_FRONTEND_RECLAIM_H
#define BALLOON_FRONTEND_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the kernel at root, "/" or a test's, has any group to ask. */
bool reclaim_is_there(const char *root);

/*
 * Asks for about kib, and blocks until that is done or given up: for a process
 * of its own.  0, or -ENOENT when there is nobody to ask; a group that gives
 * less than it is asked for is no error.
 */
int reclaim_now(const char *root, uint64_t kib);

#endif
