/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/search.h"

#include <errno.h>
#include <stdbool.h>

#include "backend/snapshot.h"
#include "common/units.h"

static bool is_enough(const struct search *search,
                      const struct outcome *outcome)
{
    return outcome_unmet_millipermyriad(&outcome->all) <= search->unmet_milli;
}

/* On a host of so much, nobody could be given more. */
static uint64_t plenty_kib(const struct course *course)
{
    uint64_t plenty = course->reserve_kib == UINT64_MAX
                          ? SETTINGS_RESERVE_DEFAULT_KIB
                          : course->reserve_kib;
    unsigned int i;

    for (i = 0; i < course->count; i++) {
        plenty = units_add(plenty,
                           course->domains[i].ceiling_kib + SNAPSHOT_SLACK_KIB);
    }
    return plenty;
}

/* Doubles *high_kib until it is enough; *low_kib is not. */
static int search_enough(const struct search *search, uint64_t *low_kib,
                         uint64_t *high_kib, struct outcome *ret_outcome)
{
    uint64_t most_kib = units_max(plenty_kib(search->course), *high_kib);
    int r;

    for (;;) {
        r = search->play(search->state, *high_kib, ret_outcome);
        if (r < 0 || ret_outcome->is_interrupted ||
            is_enough(search, ret_outcome)) {
            return r;
        }
        outcome_done(ret_outcome);
        if (*high_kib >= most_kib) {
            return -ENOENT;
        }
        *low_kib = *high_kib;
        *high_kib = units_min(*high_kib * 2, most_kib);
    }
}

int search_host(const struct search *search, uint64_t guess_kib,
                struct outcome *ret_outcome)
{
    uint64_t low_kib = 0;
    uint64_t high_kib = units_max(guess_kib, SEARCH_SHARE * UNITS_KIB_PER_PAGE);
    struct outcome enough, outcome;
    int r = search_enough(search, &low_kib, &high_kib, &enough);

    if (r < 0) {
        return r;
    }
    while (!enough.is_interrupted &&
           high_kib - low_kib > high_kib / SEARCH_SHARE) {
        uint64_t middle_kib =
            units_whole_pages(low_kib + (high_kib - low_kib) / 2);

        r = search->play(search->state, middle_kib, &outcome);
        if (r < 0) {
            outcome_done(&enough);
            return r;
        }
        if (outcome.is_interrupted || is_enough(search, &outcome)) {
            outcome_done(&enough);
            enough = outcome;
            high_kib = middle_kib;
        } else {
            outcome_done(&outcome);
            low_kib = middle_kib;
        }
    }
    *ret_outcome = enough;
    return 0;
}
