/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock of a program that may run once: a file that stays, and a lock on it
 * that goes with the process, however that dies.
 */
#ifndef BALLOON_COMMON_LOCKFILE_H
#define BALLOON_COMMON_LOCKFILE_H

/*
 * Makes the file where there is none; its directory must be there.  Returns a
 * descriptor that is to stay open as long as the lock is needed, -EWOULDBLOCK
 * when another holds it, or another negative errno.  Never waits.
 */
int lockfile_take(const char *path);

#endif
