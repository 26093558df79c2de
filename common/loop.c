/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poll(2), and signals as one more descriptor.  Nothing here knows what the
 * descriptors are for.
 */
#include "common/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void signals_ready(void *arg, short revents);

int loop_init(struct loop *loop)
{
    sigset_t signals;
    int fd;
    int r;

    memset(loop, 0, sizeof(*loop));
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGCHLD); /* to be awake, no more */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        return -errno;
    }
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return -errno;
    }
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    r = loop_add(loop, fd, POLLIN, signals_ready, loop);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    loop->signal_fd = fd;
    return 0;
}

void loop_done(struct loop *loop)
{
    /* The signals' own entry tells a loop in use from a zeroed one. */
    if (!loop || loop->count == 0) {
        return;
    }
    (void)close(loop->signal_fd);
    memset(loop, 0, sizeof(*loop));
}

static struct loop_entry *find_entry(struct loop *loop, int fd)
{
    for (unsigned int i = 0; i < loop->count; i++) {
        if (loop->entries[i].fd == fd) {
            return &loop->entries[i];
        }
    }
    return NULL;
}

int loop_add(struct loop *loop, int fd, short events, loop_fn *ready, void *arg)
{
    if (loop->count == LOOP_FDS_MAX) {
        return -ENOSPC;
    }
    loop->entries[loop->count] = (struct loop_entry){
        .fd = fd,
        .events = events,
        .ready = ready,
        .arg = arg,
    };
    loop->count++;
    return 0;
}

int loop_change(struct loop *loop, int fd, short events)
{
    struct loop_entry *entry = find_entry(loop, fd);

    if (!entry) {
        return -ENOENT;
    }
    entry->events = events;
    return 0;
}

void loop_remove(struct loop *loop, int fd)
{
    struct loop_entry *entry = find_entry(loop, fd);

    if (!entry) {
        return;
    }
    loop->count--;
    *entry = loop->entries[loop->count];
}

static struct loop_entry *next_ready(struct loop *loop)
{
    for (unsigned int i = 0; i < loop->count; i++) {
        if (loop->entries[i].revents) {
            return &loop->entries[i];
        }
    }
    return NULL;
}

/*
 * What was reported is kept in the entries themselves: ready() may remove any
 * of them, and add a new one under a number that has just become free, which
 * must not inherit the old one's events.
 */
static void call_ready(struct loop *loop)
{
    struct loop_entry *entry;

    while ((entry = next_ready(loop)) != NULL) {
        short revents = entry->revents;

        entry->revents = 0;
        entry->ready(entry->arg, revents);
    }
}

int loop_wait(struct loop *loop, uint64_t wait_ms)
{
    struct pollfd fds[LOOP_FDS_MAX];
    int timeout = wait_ms == UINT64_MAX ? -1
                  : wait_ms > INT_MAX   ? INT_MAX
                                        : (int)wait_ms;

    for (unsigned int i = 0; i < loop->count; i++) {
        fds[i] = (struct pollfd){
            .fd = loop->entries[i].fd,
            .events = loop->entries[i].events,
        };
    }
    if (poll(fds, loop->count, timeout) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    for (unsigned int i = 0; i < loop->count; i++) {
        loop->entries[i].revents = fds[i].revents;
    }
    call_ready(loop);
    return 0;
}

static void signals_ready(void *arg, short revents)
{
    struct loop *loop = arg;
    struct signalfd_siginfo info;

    (void)revents;
    while (read(loop->signal_fd, &info, sizeof(info)) ==
           (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            loop->reload = true;
        } else if (info.ssi_signo != SIGCHLD) {
            loop->stop = true;
        }
    }
}
