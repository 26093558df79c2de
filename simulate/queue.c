/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int queue_init(struct queue *queue, unsigned int count)
{
    unsigned int i;

    *queue = (struct queue){
        .due_ms = calloc(count, sizeof(*queue->due_ms)),
        .heap = calloc(count, sizeof(*queue->heap)),
        .place = calloc(count, sizeof(*queue->place)),
    };
    if (count > 0 && (queue->due_ms == NULL || queue->heap == NULL ||
                      queue->place == NULL)) {
        queue_done(queue);
        return -ENOMEM;
    }
    for (i = 0; i < count; i++) {
        queue->due_ms[i] = UINT64_MAX;
        queue->heap[i] = i;
        queue->place[i] = i;
    }
    queue->count = count;
    return 0;
}

void queue_done(struct queue *queue)
{
    free(queue->due_ms);
    free(queue->heap);
    free(queue->place);
    *queue = (struct queue){0};
}

static bool is_before(const struct queue *queue, unsigned int a, unsigned int b)
{
    return queue->due_ms[a] != queue->due_ms[b]
               ? queue->due_ms[a] < queue->due_ms[b]
               : a < b;
}

static void put(struct queue *queue, unsigned int place, unsigned int id)
{
    queue->heap[place] = id;
    queue->place[id] = place;
}

static unsigned int sift_up(struct queue *queue, unsigned int place,
                            unsigned int id)
{
    while (place > 0) {
        unsigned int parent = (place - 1) / 2;

        if (!is_before(queue, id, queue->heap[parent])) {
            break;
        }
        put(queue, place, queue->heap[parent]);
        place = parent;
    }
    return place;
}

static unsigned int sift_down(struct queue *queue, unsigned int place,
                              unsigned int id)
{
    for (;;) {
        unsigned int child = 2 * place + 1;

        if (child >= queue->count) {
            return place;
        }
        if (child + 1 < queue->count &&
            is_before(queue, queue->heap[child + 1], queue->heap[child])) {
            child++;
        }
        if (!is_before(queue, queue->heap[child], id)) {
            return place;
        }
        put(queue, place, queue->heap[child]);
        place = child;
    }
}

void queue_set(struct queue *queue, unsigned int id, uint64_t due_ms)
{
    unsigned int place = queue->place[id];

    if (queue->due_ms[id] == due_ms) {
        return;
    }
    queue->due_ms[id] = due_ms;
    place = sift_up(queue, place, id);
    put(queue, sift_down(queue, place, id), id);
}
