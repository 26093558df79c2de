/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is due when: each of a fixed number of ids has one time, and the
 * earliest is at hand.  A binary heap; of equal times, the lower id is first.
 */
#ifndef BALLOON_SIMULATE_QUEUE_H
#define BALLOON_SIMULATE_QUEUE_H

#include <stdint.h>

struct queue {
    uint64_t *due_ms;    /* by id */
    unsigned int *heap;  /* ids */
    unsigned int *place; /* in the heap, by id */
    unsigned int count;
};

/* All are due at UINT64_MAX, which is never.  0 or -ENOMEM. */
int queue_init(struct queue *queue, unsigned int count);
void queue_done(struct queue *queue);

void queue_set(struct queue *queue, unsigned int id, uint64_t due_ms);

/* UINT64_MAX: nobody; then there is no first, either. */
static inline uint64_t queue_first_ms(const struct queue *queue)
{
    return queue->count == 0 ? UINT64_MAX : queue->due_ms[queue->heap[0]];
}

static inline unsigned int queue_first(const struct queue *queue)
{
    return queue->heap[0];
}

#endif
