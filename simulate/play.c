/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "simulate/child.h"
#include "simulate/failure.h"
#include "simulate/page.h"
#include "simulate/policy.h"
#include "simulate/run.h"
#include "simulate/search.h"

/* ---- One run ------------------------------------------------------------- */

static int choose(const struct play *play, struct run_policy *ret_policy)
{
    const struct wish *wish = play->wish;

    return wish->command != NULL
               ? child_policy_init(wish->command, play->course,
                                   CHILD_PATIENCE_MS, ret_policy)
               : policy_init(wish->policy, play->course->count, ret_policy);
}

static int run(const struct play *play, uint64_t host_memory_kib,
               unsigned int samples, struct outcome *ret_outcome)
{
    struct run_options options = {
        .host_memory_kib = host_memory_kib,
        .samples = samples,
        .is_wanted = progress_is_wanted,
        .state = play->progress,
    };
    char why[CHILD_ERROR_MAX] = "";
    int r = choose(play, &options.policy);

    play->progress->host_kib = host_memory_kib;
    if (r == 0) {
        r = run_course(play->course, &options, ret_outcome);
        (void)snprintf(why, sizeof(why), "%s",
                       child_policy_error(&options.policy));
        policy_done(&options.policy);
    }
    progress_wipe(play->progress);
    if (r < 0) {
        (void)failure(SIMULATE_FAILED, "cannot play it: %s",
                      why[0] != '\0' ? why : strerror(-r));
    }
    return r;
}

static unsigned int samples_for(const struct play *play)
{
    if (play->wish->html == NULL) {
        return 0;
    }
    return play->course->count < PAGE_DOMAINS_MANY ? PAGE_SAMPLES_FEW
                                                   : PAGE_SAMPLES_MANY;
}

int play_on(const struct play *play, uint64_t host_memory_kib,
            struct outcome *ret_outcome)
{
    return run(play, host_memory_kib, samples_for(play), ret_outcome);
}

/* ---- The smallest that is enough ----------------------------------------- */

static int play_tried(void *state, uint64_t host_memory_kib,
                      struct outcome *ret_outcome)
{
    return play_on(state, host_memory_kib, ret_outcome);
}

int play_find(const struct play *play, uint64_t guess_kib,
              struct outcome *ret_outcome)
{
    struct play tried = *play;
    const struct search search = {
        .course = play->course,
        .unmet_milli = play->wish->unmet_milli,
        .play = play_tried,
        .state = &tried,
    };
    int r = search_host(&search, guess_kib, ret_outcome);

    if (r == -ENOENT) {
        (void)failure(SIMULATE_FAILED,
                      "no host is large enough: more than that is unmet with "
                      "memory for all");
    }
    return r;
}

/* ---- Hosts to compare with ----------------------------------------------- */

/* Of the peak of what is needed, in percent. */
static const unsigned int percents[PLAY_SIZES_MAX - 1] = {90,  100, 115, 150,
                                                          200, 300, 400};

static int by_size(const void *a, const void *b)
{
    const struct plot_size *one = a;
    const struct plot_size *other = b;

    return (one->host_memory_kib > other->host_memory_kib) -
           (one->host_memory_kib < other->host_memory_kib);
}

static struct plot_size size_of(const struct outcome *outcome)
{
    return (struct plot_size){
        .host_memory_kib = outcome->host_memory_kib,
        .unmet_milli = outcome_unmet_millipermyriad(&outcome->all),
    };
}

/* Whether it was played to its end. */
static bool play_size(const struct play *play, uint64_t host_kib,
                      struct plot_size *ret_size)
{
    struct outcome outcome;
    bool is_whole;

    if (run(play, host_kib, 0, &outcome) < 0) {
        return false;
    }
    *ret_size = size_of(&outcome);
    is_whole = !outcome.is_interrupted;
    outcome_done(&outcome);
    return is_whole;
}

unsigned int play_sizes(const struct play *play, const struct outcome *outcome,
                        struct plot_size sizes[PLAY_SIZES_MAX])
{
    uint64_t peak_kib = course_peak_kib(play->course);
    bool goes_on = !outcome->is_interrupted;
    unsigned int count = 0;
    unsigned int i;

    sizes[count++] = size_of(outcome);
    for (i = 0; goes_on && i < PLAY_SIZES_MAX - 1; i++) {
        uint64_t host_kib =
            units_whole_pages(units_scale(peak_kib, percents[i], 100));

        if (host_kib != 0 && host_kib != outcome->host_memory_kib) {
            goes_on = play_size(play, host_kib, &sizes[count]);
            count += goes_on ? 1 : 0;
        }
    }
    qsort(sizes, count, sizeof(sizes[0]), by_size);
    return count;
}
