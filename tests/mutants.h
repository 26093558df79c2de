/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants: the backend without one of its safeguards.  Each must break a rule
 * in the scenario that its safeguard is for, or leave somebody there in want;
 * otherwise the rule, or the scenario, would prove nothing.
 */
#ifndef BALLOON_TESTS_MUTANTS_H
#define BALLOON_TESTS_MUTANTS_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/world/scenario.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

struct mutant {
    const char *why;
    void (*mutate)(struct scenario *scenario);
    void (*prepare)(struct scenario *scenario);
    /* World_break() says what a rule cannot: that somebody goes short. */
    void (*happen)(struct scenario *scenario);
    const char *broken; /* part of what the broken rule says */
};

/* Takes all mutations back; the backend has just been started. */
typedef void mutant_arm_fn(struct scenario *scenario);

/* Whether a rule was broken, and how. */
static inline bool mutant_breaks(const struct mutant *mutant, bool is_mutated,
                                 mutant_arm_fn *arm,
                                 char broken[WORLD_TEXT_MAX])
{
    struct scenario scenario;
    bool is_broken;

    mutant->prepare(&scenario);
    scenario.world.is_quiet = true;
    (void)scenario_start(&scenario);
    arm(&scenario);
    if (is_mutated) {
        mutant->mutate(&scenario);
    }
    mutant->happen(&scenario);
    is_broken = scenario.world.is_broken;
    (void)snprintf(broken, WORLD_TEXT_MAX, "%s", scenario.world.broken);
    scenario_done(&scenario);
    return is_broken;
}

/* Nothing breaks with the safeguard, and the right rule without. */
static inline void mutant_check(const struct mutant *mutant, mutant_arm_fn *arm)
{
    char broken[WORLD_TEXT_MAX];

    if (mutant_breaks(mutant, false, arm, broken)) {
        fail_msg("%s: breaks without it: %s", mutant->why, broken);
    }
    if (!mutant_breaks(mutant, true, arm, broken) ||
        strstr(broken, mutant->broken) == NULL) {
        fail_msg("%s: \"%s\", not \"%s\"", mutant->why, broken, mutant->broken);
    }
    print_message("# %s: %s\n", mutant->why, broken);
}

#endif
