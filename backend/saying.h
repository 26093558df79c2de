/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to say in the log of one device: a line for each change, but
 * no storm of them for a guest that comes and goes.  Of what changes too soon
 * after the last line, the last is said when it is time.
 */
#ifndef BALLOON_BACKEND_SAYING_H
#define BALLOON_BACKEND_SAYING_H

#include <stdint.h>

struct balancer_domain;

/* How often one line of the log may follow another about one device. */
#define SAYING_GAP_MS 10000

/* "because" and the longest of what an offer may lack, NUL included. */
#define SAYING_DETAIL_MAX 80

enum saying_word {
    SAYING_NOTHING,
    SAYING_CONNECTED,
    SAYING_LEFT,
    SAYING_UNKNOWN, /* its offer is not understood */
    SAYING_SILENT,
    SAYING_HEARD, /* again */
};

/* All zero: nothing was said. */
struct saying {
    enum saying_word said;
    uint64_t said_ms;
    enum saying_word due; /* to be said when it is time */
    const char *due_sentence;
    char due_detail[SAYING_DETAIL_MAX];
};

/*
 * This is so now, with detail as key=value or "".  sentence must outlive the
 * domain.
 */
void saying_say(struct balancer_domain *domain, enum saying_word word,
                const char *sentence, const char *detail, uint64_t now_ms);

/* It is heard: says so if its silence was said, and else forgets that. */
void saying_heard(struct balancer_domain *domain, uint64_t now_ms);

/*
 * Says what is due; *next_ms comes forward to when that would be.  To be called
 * in each tick.
 */
void saying_catch_up(struct balancer_domain *domain, uint64_t now_ms,
                     uint64_t *next_ms);

#endif
