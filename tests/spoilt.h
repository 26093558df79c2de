/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision, spoilt: what goes into it, what it remembers and what comes
 * out of it.  The linker puts __wrap_decide() where the backend calls
 * decide(); see local.mk.  To be included by one file of a program.
 */
#ifndef BALLOON_TESTS_SPOILT_H
#define BALLOON_TESTS_SPOILT_H

#include "tests/mutants.h"

#define SPOILT_MAX 16

void __real_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan);
void __wrap_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan);

/* What is done to each decision; NULL: nothing. */
static void (*spoilt_before)(struct snapshot *snapshot,
                             struct decide_host *host,
                             struct decide_memory *memories);
static void (*spoilt_after)(const struct snapshot *snapshot,
                            struct decide_memory *memories, struct plan *plan);

void __wrap_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan)
{
    struct snapshot_domain domains[SPOILT_MAX];
    struct snapshot seen = *snapshot;

    assert_in_range(snapshot->count, 0, SPOILT_MAX);
    memcpy(domains, snapshot->domains, snapshot->count * sizeof(domains[0]));
    seen.domains = domains;
    if (spoilt_before != NULL) {
        spoilt_before(&seen, host, memories);
    }
    __real_decide(&seen, host, memories, plan);
    if (spoilt_after != NULL) {
        spoilt_after(snapshot, memories, plan);
    }
}

/* For mutant_check(): no more is spoilt. */
static inline void spoilt_clear(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = NULL;
    spoilt_after = NULL;
}

static inline void spoilt_check(const struct mutant *mutants,
                                unsigned int count)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        spoilt_clear(NULL); /* for the start of the next one */
        mutant_check(&mutants[i], spoilt_clear);
    }
}

#endif
