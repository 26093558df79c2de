/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches of the simulated store, and the events that wait for each of its
 * ends.  Watches are found by their path: a change looks up its own path and
 * each one above it, so a host of thousands of domains costs no more than a
 * small one.
 */
#ifndef BALLOON_TESTS_WORLD_EVENTS_H
#define BALLOON_TESTS_WORLD_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "tests/world/tree.h"

/* Lists of watches; a power of two, for hosts of a few thousand domains. */
#define EVENTS_LISTS 4096U

/*
 * Events that wait for one guest; more are dropped, as oxenstored does
 * (xenstored drops repetitions instead).
 */
#define EVENTS_GUEST_MAX 1024U

struct events_waiting;
struct events_watch;

/* Zeroed, but for domid: no events. */
struct events_queue {
    uint32_t domid; /* what it may not read, it is not told of */
    struct events_waiting *first;
    struct events_waiting *last;
    unsigned int count;
    unsigned int watches;
    uint64_t lost;
};

/* Zeroed: no watches. */
struct events {
    struct events_watch *watches[EVENTS_LISTS];
};

/*
 * The first shown bytes of path are not known to the one who watches: events
 * come without them.  An event follows at once.  0, or -EEXIST.
 */
int events_watch(struct events *events, struct events_queue *queue,
                 const char *path, size_t shown, const char *token);

/* 0, or -ENOENT.  What waits already still comes, as from libxenstore. */
int events_unwatch(struct events *events, struct events_queue *queue,
                   const char *path, const char *token);

/*
 * All watches of queue, which now belongs to domain domid, start anew:
 * relative ones below the new prefix.
 */
void events_move(struct events *events, struct events_queue *queue,
                 const char *prefix);

/* Forgets the watches of queue and what waits in it. */
void events_drop(struct events *events, struct events_queue *queue);

/* The node at path has changed, or is about to be removed. */
void events_changed(struct events *events, const struct tree *tree,
                    const char *path);
void events_removing(struct events *events, const struct tree *tree,
                     const char *path);

/* "@introduceDomain" and "@releaseDomain". */
void events_special(struct events *events, const char *special);

/* 1 and the event, or 0. */
int events_next(struct events_queue *queue, struct bus_event *ret_event);

#endif
