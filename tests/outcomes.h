/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outcomes of scenarios: figures that must lie between two others.  Each is
 * printed.  One that does not is a failure, unless the program's list of what
 * is known to fall short names it: then that outcome is skipped, with the
 * reason, and the others of its scenario are not.
 *
 * Not by cmocka's skip(), which in TAP says "not ok".
 */
#ifndef BALLOON_TESTS_OUTCOMES_H
#define BALLOON_TESTS_OUTCOMES_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/steps.h"

struct known_short {
    const char *outcome; /* NULL: end of the list */
    const char *why;     /* what was seen, and what is in the way */
};

struct outcomes {
    const struct known_short *known;
    unsigned int failures;
    char first[160]; /* the first failure, in words */
};

#define OUTCOMES_NO_LIMIT UINT64_MAX

static inline const struct known_short *outcomes_known(
    const struct outcomes *outcomes, const char *outcome)
{
    const struct known_short *known = outcomes->known;

    while (known->outcome != NULL && strcmp(known->outcome, outcome) != 0) {
        known++;
    }
    return known->outcome != NULL ? known : NULL;
}

/* outcome: "NN what, unit"; unique in the program. */
static inline void outcomes_between(struct outcomes *outcomes,
                                    const char *outcome, uint64_t seen,
                                    uint64_t low, uint64_t high)
{
    const struct known_short *known = outcomes_known(outcomes, outcome);
    bool holds = seen >= low && seen <= high;
    char text[160];
    int len;

    len = snprintf(text, sizeof(text), "%s: %" PRIu64 ", wanted %s%" PRIu64,
                   outcome, seen, high == OUTCOMES_NO_LIMIT ? "at least " : "",
                   high == OUTCOMES_NO_LIMIT || low > 0 ? low : high);
    if (len > 0 && high != OUTCOMES_NO_LIMIT && low > 0 && low != high) {
        (void)snprintf(text + len, sizeof(text) - (size_t)len, " to %" PRIu64,
                       high);
    }
    print_message("# %s%s\n", text, holds ? "" : ": short");
    if (holds && known != NULL) {
        print_message("#   holds now, and is still listed: %s\n", known->why);
    } else if (!holds && known != NULL) {
        print_message("#   skipped: %s\n", known->why);
    } else if (!holds && outcomes->failures++ == 0) {
        (void)memcpy(outcomes->first, text, sizeof(text));
    }
}

static inline void outcomes_at_most(struct outcomes *outcomes,
                                    const char *outcome, uint64_t seen,
                                    uint64_t high)
{
    outcomes_between(outcomes, outcome, seen, 0, high);
}

static inline void outcomes_at_least(struct outcomes *outcomes,
                                     const char *outcome, uint64_t seen,
                                     uint64_t low)
{
    outcomes_between(outcomes, outcome, seen, low, OUTCOMES_NO_LIMIT);
}

static inline void outcomes_true(struct outcomes *outcomes, const char *outcome,
                                 bool is_true)
{
    outcomes_between(outcomes, outcome, is_true ? 1 : 0, 1, 1);
}

/* The last thing a test does, when its scenario is done with. */
static inline void outcomes_end(const struct outcomes *outcomes)
{
    if (outcomes->failures > 0) {
        fail_msg("%u outcomes: %s", outcomes->failures, outcomes->first);
    }
}

#endif
