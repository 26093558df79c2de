/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches and events of the simulated store; see events.h.
 */
#include "tests/world/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/memory.h"

struct events_watch {
    struct events_watch *next;
    struct events_queue *queue;
    char *path;
    size_t shown;
    char *token;
};

struct events_waiting {
    struct events_waiting *next;
    char *path;
    char *token;
};

/* ---- The queue --------------------------------------------------------- */

static void add(const struct events_watch *watch, const char *path)
{
    struct events_queue *queue = watch->queue;
    size_t hidden = strlen(path) >= watch->shown ? watch->shown : 0;
    struct events_waiting *event;

    if (queue->domid != 0 && queue->count >= EVENTS_GUEST_MAX) {
        queue->lost++;
        return;
    }
    event = memory_zeroed(sizeof(*event));
    event->path = memory_copy(path + hidden, strlen(path + hidden));
    event->token = memory_copy(watch->token, strlen(watch->token));
    if (queue->last != NULL) {
        queue->last->next = event;
    } else {
        queue->first = event;
    }
    queue->last = event;
    queue->count++;
}

static struct events_waiting *take(struct events_queue *queue)
{
    struct events_waiting *event = queue->first;

    if (event != NULL) {
        queue->first = event->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        queue->count--;
    }
    return event;
}

static void event_free(struct events_waiting *event)
{
    free(event->path);
    free(event->token);
    free(event);
}

int events_next(struct events_queue *queue, struct bus_event *ret_event)
{
    struct events_waiting *event = take(queue);

    if (event == NULL) {
        return 0;
    }
    /* Longer ones are cut, as bus.h says. */
    (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s", event->path);
    (void)snprintf(ret_event->token, sizeof(ret_event->token), "%s",
                   event->token);
    event_free(event);
    return 1;
}

/* ---- Watches ----------------------------------------------------------- */

static struct events_watch **list_of(struct events *events, const char *path,
                                     size_t len)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    size_t i;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)path[i]) * 16777619U;
    }
    return &events->watches[hash & (EVENTS_LISTS - 1)];
}

static struct events_watch **find(struct events *events,
                                  const struct events_queue *queue,
                                  const char *path, const char *token)
{
    struct events_watch **link = list_of(events, path, strlen(path));

    while (*link != NULL &&
           ((*link)->queue != queue || strcmp((*link)->path, path) != 0 ||
            strcmp((*link)->token, token) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

int events_watch(struct events *events, struct events_queue *queue,
                 const char *path, size_t shown, const char *token)
{
    struct events_watch **link = find(events, queue, path, token);
    struct events_watch *watch;

    if (*link != NULL) {
        return -EEXIST;
    }
    watch = memory_zeroed(sizeof(*watch));
    watch->queue = queue;
    watch->path = memory_copy(path, strlen(path));
    watch->shown = shown;
    watch->token = memory_copy(token, strlen(token));
    *link = watch;
    queue->watches++;
    add(watch, watch->path);
    return 0;
}

static void watch_free(struct events_watch *watch)
{
    free(watch->path);
    free(watch->token);
    free(watch);
}

int events_unwatch(struct events *events, struct events_queue *queue,
                   const char *path, const char *token)
{
    struct events_watch **link = find(events, queue, path, token);
    struct events_watch *watch = *link;

    if (watch == NULL) {
        return -ENOENT;
    }
    *link = watch->next;
    queue->watches--;
    watch_free(watch);
    return 0;
}

/* Takes all watches of queue out of the lists. */
static struct events_watch *take_watches(struct events *events,
                                         struct events_queue *queue)
{
    struct events_watch *taken = NULL;
    unsigned int i;

    queue->watches = 0;
    for (i = 0; i < EVENTS_LISTS; i++) {
        struct events_watch **link = &events->watches[i];

        while (*link != NULL) {
            struct events_watch *watch = *link;

            if (watch->queue == queue) {
                *link = watch->next;
                watch->next = taken;
                taken = watch;
            } else {
                link = &watch->next;
            }
        }
    }
    return taken;
}

void events_move(struct events *events, struct events_queue *queue,
                 const char *prefix)
{
    struct events_watch *watch = take_watches(events, queue);

    while (watch != NULL) {
        struct events_watch *next = watch->next;
        char path[BUS_PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s%s",
                       watch->shown > 0 ? prefix : "",
                       watch->path + watch->shown);
        (void)events_watch(events, queue, path,
                           watch->shown > 0 ? strlen(prefix) : 0, watch->token);
        watch_free(watch);
        watch = next;
    }
}

void events_drop(struct events *events, struct events_queue *queue)
{
    struct events_watch *watch = take_watches(events, queue);

    while (watch != NULL) {
        struct events_watch *next = watch->next;

        watch_free(watch);
        watch = next;
    }
    while (queue->first != NULL) {
        event_free(take(queue));
    }
}

/* ---- Changes ----------------------------------------------------------- */

/* Those who watch just the first len bytes of path; node is what changed. */
static void fire(struct events *events, const struct tree_node *node,
                 const char *path, size_t len)
{
    const struct events_watch *watch;

    for (watch = *list_of(events, path, len); watch != NULL;
         watch = watch->next) {
        if (strlen(watch->path) == len && memcmp(watch->path, path, len) == 0 &&
            (node == NULL || tree_may(node, watch->queue->domid, TREE_READ))) {
            add(watch, path);
        }
    }
}

void events_changed(struct events *events, const struct tree *tree,
                    const char *path)
{
    const struct tree_node *node = tree_nearest(tree, path);
    size_t len = strlen(path);

    while (len > 0) {
        fire(events, node, path, len);
        do {
            len--;
        } while (len > 0 && path[len] != '/');
    }
    if (strcmp(path, "/") != 0) {
        fire(events, node, "/", 1);
    }
}

void events_removing(struct events *events, const struct tree *tree,
                     const char *path)
{
    const struct events_watch *watch;
    unsigned int i;

    /* A node below is gone, too: whoever watches it is told its own path. */
    for (i = 0; i < EVENTS_LISTS; i++) {
        for (watch = events->watches[i]; watch != NULL; watch = watch->next) {
            if (watch->path[0] == '/' && strcmp(watch->path, path) != 0 &&
                tree_is_below(watch->path, path) &&
                tree_find(tree, watch->path) != NULL) {
                add(watch, watch->path);
            }
        }
    }
    events_changed(events, tree, path);
}

void events_special(struct events *events, const char *special)
{
    fire(events, NULL, special, strlen(special));
}
