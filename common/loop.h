/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only place that waits: poll(2) over a few descriptors, a deadline, and
 * the signals of a daemon.
 */
#ifndef BALLOON_COMMON_LOOP_H
#define BALLOON_COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * In dom0 xenstore, signals, a listening socket and 16 clients; in a guest the
 * alarms of up to 64 CPUs (frontend/alarm_linux.h).
 */
#define LOOP_FDS_MAX 96

/* revents is poll(2)'s. */
typedef void loop_fn(void *arg, short revents);

struct loop_entry {
    int fd;
    short events;
    short revents; /* reported and not yet handed to ready() */
    loop_fn *ready;
    void *arg;
};

struct loop {
    struct loop_entry entries[LOOP_FDS_MAX];
    unsigned int count;
    int signal_fd;
    bool stop;   /* SIGTERM or SIGINT came */
    bool reload; /* SIGHUP came; the caller clears it */
};

/*
 * Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD in the process, to be seen here
 * only, and ignores SIGPIPE.  A child's end is for the caller to ask about when
 * loop_wait() has returned.  Call before any thread is started (libxenstore starts
 * one).
 */
int loop_init(struct loop *loop);
void loop_done(struct loop *loop);

/* 0, or -ENOSPC.  events and what ready() gets are poll(2)'s. */
int loop_add(struct loop *loop, int fd, short events, loop_fn *ready,
             void *arg);
/* Changes what an entry waits for; -ENOENT when fd is not there. */
int loop_change(struct loop *loop, int fd, short events);
/* May be called from ready(), for its own descriptor too. */
void loop_remove(struct loop *loop, int fd);

/*
 * Waits at most wait_ms (UINT64_MAX: for ever), then calls ready() for each
 * descriptor that is.  Returns 0 also when a signal came, or a negative errno.
 */
int loop_wait(struct loop *loop, uint64_t wait_ms);

#endif
