/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests share that play scenarios with figures: hosts and guests at
 * the size of real ones, how long something took, and who was moved how often.
 *
 * A scenario that the policy does not yet pass stands in a list at the top of
 * its file with what was seen; it is named and left out, unless
 * XENBALLOON_ALL is set.
 */
#ifndef BALLOON_TESTS_FIGURES_H
#define BALLOON_TESTS_FIGURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "tests/steps.h"

#define GIB (1024 * MIB)

/*
 * A balloon that moves single pages was measured at 0.95 GiB/s on a machine of
 * today; programs that allocate do not take more.
 */
#define BALLOON_KIB_S GIB

/* How exact a moment is measured. */
#define LOOK_MS 50

#define NEVER_MS UINT64_MAX

/* What all guests together may hold is total less dom0, to the MiB. */
static inline void host(struct scenario *scenario, uint64_t total_kib,
                        uint64_t dom0_kib)
{
    struct world_config config = {.seed = 1, .dom0_kib = dom0_kib};

    config.total_kib =
        total_kib + SETTINGS_RESERVE_DEFAULT_KIB + SCENARIO_GUESTS_MAX * MIB;
    memset(scenario, 0, sizeof(*scenario));
    world_init(&scenario->world, &config);
    scenario->world.build_kib_s = 64 * GIB;
}

/* With bounds as "min" and "max" of an operator who thinks in GiB. */
static inline struct character *guest(struct scenario *scenario,
                                      const char *name, uint64_t floor_kib,
                                      uint64_t memory_kib, uint64_t ceiling_kib,
                                      uint64_t wants_kib)
{
    struct character *character =
        scenario_add(scenario, name, memory_kib, ceiling_kib, wants_kib);

    scenario_bound(scenario, name, floor_kib, ceiling_kib);
    character->nature.growth_kib_s = GIB;
    character->nature.up_kib_s = BALLOON_KIB_S;
    character->nature.down_kib_s = BALLOON_KIB_S;
    return character;
}

/* As if so much more were asked for a domain that is about to be built. */
static inline void ask_for(struct scenario *scenario, uint64_t kib)
{
    scenario->world.settings.reserve_kib += kib;
    scenario->world.daemon.next_ms = scenario->world.now_ms;
}

static inline uint64_t free_kib(const struct scenario *scenario)
{
    return scenario->world.ledger.free_kib;
}

/* How long until that much is free, or held; NEVER_MS: longer than that. */
static inline uint64_t until_free(struct scenario *scenario, uint64_t kib,
                                  uint64_t most_ms)
{
    uint64_t ms;

    for (ms = 0; ms <= most_ms; ms += LOOK_MS) {
        if (free_kib(scenario) >= kib) {
            return ms;
        }
        run(scenario, LOOK_MS);
    }
    return NEVER_MS;
}

static inline uint64_t until_held(struct scenario *scenario, const char *name,
                                  uint64_t kib, uint64_t most_ms)
{
    uint64_t ms;

    for (ms = 0; ms <= most_ms; ms += LOOK_MS) {
        if (scenario_held(scenario, name) >= kib) {
            return ms;
        }
        run(scenario, LOOK_MS);
    }
    return NEVER_MS;
}

/* How often the backend has written the guest's target. */
static inline unsigned int moves_of(const struct scenario *scenario,
                                    const char *name, uint64_t since_ms)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/local/domain/%u/memory/target",
                   world_find(&scenario->world, name)->domid);
    return writes_since(scenario, since_ms, path);
}

static inline const struct model *model_of(const struct scenario *scenario,
                                           const char *name)
{
    return &world_find(&scenario->world, name)->model;
}

/* For the eye: what came out, beside what the test says of it. */
static inline void show(const struct scenario *scenario, const char *when)
{
    unsigned int i;

    print_message("# %s: free %llu MiB", when,
                  (unsigned long long)(free_kib(scenario) / MIB));
    for (i = 0; i < scenario->count; i++) {
        const char *name = scenario->guests[i].name;

        print_message(
            ", %s %llu", name,
            (unsigned long long)(scenario_held(scenario, name) / MIB));
    }
    print_message("\n");
}

static inline void show_ms(const char *what, uint64_t ms)
{
    if (ms == NEVER_MS) {
        print_message("# %s: not in time\n", what);
    } else {
        print_message("# %s: %llu ms\n", what, (unsigned long long)ms);
    }
}

struct figures_skip {
    const char *name; /* of the test; NULL ends the list */
    const char *seen; /* what came out instead */
};

static inline const struct figures_skip *skip_of(
    const struct figures_skip *skips, const char *name)
{
    while (skips->name != NULL && strcmp(skips->name, name) != 0) {
        skips++;
    }
    return skips;
}

/*
 * Runs the tests but for those in the list.  Not by cmocka's skip(), which its
 * TAP says in a way that counts as a failure.  A name in the list that is no
 * test's ends the program.
 */
static inline int run_but(const struct figures_skip *skips,
                          const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest kept[64];
    bool runs_all = getenv("XENBALLOON_ALL") != NULL;
    size_t kept_count = 0;
    size_t skipped = 0;
    size_t i;

    for (i = 0; i < count && i < sizeof(kept) / sizeof(kept[0]); i++) {
        const struct figures_skip *skip = skip_of(skips, tests[i].name);

        if (skip->name != NULL) {
            skipped++;
            print_message("# %s: %s: %s\n", runs_all ? "known" : "skipped",
                          skip->name, skip->seen);
        }
        if (skip->name == NULL || runs_all) {
            kept[kept_count++] = tests[i];
        }
    }
    if (skips[skipped].name != NULL || i < count) {
        (void)fprintf(stderr, "a skipped test does not exist\n");
        return EXIT_FAILURE;
    }
    return _cmocka_run_group_tests("tests", kept, kept_count, NULL, NULL);
}

#endif
