/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the host: how short of memory it is, and how much of it is to be
 * kept free for what may come.  Part of the decision, and as pure.
 */
#ifndef BALLOON_BACKEND_HOST_H
#define BALLOON_BACKEND_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"

/* Sums over all domains; the last ones over managed ones alone. */
struct host_sums {
    uint64_t promised_kib;    /* limits above what is held */
    int64_t spendable_kib;    /* below zero: the reserve is short */
    uint64_t incoming_kib;    /* limits above what targets need: on its way */
    uint64_t soon_kib;        /* of that, what can be counted on */
    uint64_t wanted_kib;      /* takers lack it of their demand */
    uint64_t raises_kib;      /* granting that would cost so much */
    uint64_t coming_lack_kib; /* of that, of what they are about to need */
    uint64_t untried_kib;     /* they lack more, but were stuck: told only */
    uint64_t spare_kib;       /* donors */
    uint64_t
        allowances_kib;   /* what all that may have one are to have at most */
    uint64_t allowed_kib; /* and have of it, and have not taken */
    uint64_t targets_kib;
    uint64_t need_kib;
    uint64_t coming_kib;
    uint64_t demand_kib;
    bool has_unswapped;  /* somebody has nothing but memory */
    bool has_allowances; /* somebody has one, or may */
};

/* What is free above the reserve, */
static inline uint64_t host_free_kib(const struct host_sums *sums)
{
    return sums->spendable_kib > 0 ? (uint64_t)sums->spendable_kib : 0;
}

/* or what the reserve lacks. */
static inline uint64_t host_owed_kib(const struct host_sums *sums)
{
    return sums->spendable_kib < 0 ? (uint64_t)-sums->spendable_kib : 0;
}

/*
 * All that managed domains can hold together, once all is where it should.  A
 * reserve that is short is filled from what they can spare, not from what they
 * need, but for as much as ends an emergency.
 */
uint64_t host_pool_kib(const struct host_sums *sums,
                       const struct decide_host *host);

/*
 * What is to be free above the reserve for allowances: all that they may be, as
 * long as head-room in guests is as much in all; less what the reserve lacks,
 * which is filled first.  It is had at once by whoever turns out to need it,
 * which a donor's head-room is not.
 */
uint64_t host_standby_kib(const struct host_sums *sums,
                          const struct decide_host *host);

/*
 * Takes in how things are now, and what was granted, or taken by domains that
 * started, since the last call; sets host->mood.
 */
void host_follow(const struct snapshot *snapshot, struct decide_host *host,
                 const struct host_sums *sums, uint64_t spent_kib);

/*
 * What is to be asked for along with a burst, so that the next one or a start
 * finds memory free above the reserve; 0 while enough of it is.
 */
uint64_t host_refill_kib(const struct decide_host *host,
                         const struct host_sums *sums);

#endif
