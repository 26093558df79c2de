/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hooks of the guest's owner: programs in a directory that are told of a
 * large shrink before it comes, so that an application with a heap of its own
 * can shrink it.  One after the other, in the order of their names, beside the
 * daemon.
 *
 * Their names are as run-parts(8) has them, [A-Za-z0-9_-]+.  Directory and
 * hook must be the owner's and not writable by anybody else: the daemon is
 * root's.
 */
#ifndef BALLOON_FRONTEND_HOOKS_H
#define BALLOON_FRONTEND_HOOKS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frontend/child.h"

#define HOOKS_DIR "etc/xenballoon/hooks.d"

/* Of the directory's path, the root's part and the NUL included. */
#define HOOKS_DIR_MAX 512

/* More are not run: a directory in which somebody has dropped his home. */
#define HOOKS_MAX 64U

struct hooks {
    char dir[HOOKS_DIR_MAX];
    uid_t owner;
    struct child *child; /* the caller's; shared with what else he runs */
    bool is_at_work;
    char name[NAME_MAX + 1]; /* of the one that runs, or ran last; "": none */
    unsigned int run;
    uint64_t shrink_kib;
    uint64_t target_kib;
    uint64_t deadline_ms;
};

/* 0 or -ENAMETOOLONG. */
int hooks_init(struct hooks *hooks, const char *root, uid_t owner,
               struct child *child);

/* Whether there is any to run. */
bool hooks_are_there(const struct hooks *hooks);

/*
 * Begins with the first; they have until deadline_ms, but it is hooks_stop()
 * that ends them.
 */
void hooks_start(struct hooks *hooks, uint64_t shrink_kib, uint64_t target_kib,
                 uint64_t deadline_ms, uint64_t now_ms);

/*
 * The one that ran has ended with that status, or -1 when it was lost sight
 * of: logs it and starts the next.  False when that was the last.
 */
bool hooks_go_on(struct hooks *hooks, int status, uint64_t now_ms);

/* Kills the one that runs; no more will be. */
void hooks_stop(struct hooks *hooks);

#endif
