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
 * Both ways.  A balloon of single pages was measured at about 1 GiB/s when it
 * takes and 2 when it gives; the times that are asked for below leave hardly
 * anything to decide in at the first.
 */
#define BALLOON_KIB_S (2 * GIB)

/* How exact a moment is measured. */
#define LOOK_MS 50

#define NEVER_MS UINT64_MAX

/* What all guests together may hold is total less dom0, to the MiB. */
static inline void host(struct scenario *scenario, uint64_t total_kib,
                        uint64_t dom0_kib)
{
    scenario_init_host(scenario,
                       total_kib + SETTINGS_RESERVE_DEFAULT_KIB +
                           SCENARIO_GUESTS_MAX * MIB,
                       dom0_kib);
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
    character->nature.waits_for_swap = true;
    return character;
}

/* As if more than is free were asked for a domain that is about to be built. */
static inline void ask_for(struct scenario *scenario, uint64_t kib)
{
    scenario->world.settings.reserve_kib =
        scenario->world.ledger.free_kib + kib;
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

static inline uint64_t until_shrunk(struct scenario *scenario, const char *name,
                                    uint64_t kib, uint64_t most_ms)
{
    uint64_t ms;

    for (ms = 0; ms <= most_ms; ms += LOOK_MS) {
        if (scenario_held(scenario, name) <= kib) {
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

/* How the backend moved one guest's target. */
struct figures_moves {
    unsigned int up;
    unsigned int down;
    uint64_t up_kib;
    uint64_t down_kib;
    /* One that undoes at least half of the last in the other direction. */
    unsigned int reversals;
};

/* In [since_ms, until_ms), beginning at from_kib. */
static inline struct figures_moves moves_between(
    const struct scenario *scenario, const char *name, uint64_t from_kib,
    uint64_t since_ms, uint64_t until_ms)
{
    const struct writes *log = &scenario->world.store->log;
    struct figures_moves moves = {0};
    uint64_t last_kib = from_kib;
    uint64_t run_kib = 0;    /* of the movement that is going on ... */
    uint64_t before_kib = 0; /* ... and of the one before */
    bool rises = false;
    bool is_counted = true;
    char path[64];
    unsigned int i;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/memory/target",
                   world_find(&scenario->world, name)->domid);
    for (i = 0; i < log->count; i++) {
        const struct write *write = &log->writes[i];
        uint64_t kib;
        uint64_t step;

        if (write->ms < since_ms || write->ms >= until_ms ||
            write->value == NULL || strcmp(write->name, DAEMON_NAME) != 0 ||
            strcmp(write->path, path) != 0) {
            continue;
        }
        kib = strtoull(write->value, NULL, 10);
        step = units_distance(kib, last_kib);
        if ((kib > last_kib) != rises || moves.up + moves.down == 0) {
            before_kib = run_kib;
            run_kib = 0;
            is_counted = before_kib == 0;
            rises = kib > last_kib;
        }
        run_kib += step;
        if (!is_counted && run_kib >= before_kib / 2) {
            moves.reversals++;
            is_counted = true;
        }
        moves.up += rises;
        moves.down += !rises;
        *(rises ? &moves.up_kib : &moves.down_kib) += step;
        last_kib = kib;
    }
    return moves;
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
        const struct domu *domu = world_find(&scenario->world, name);
        const struct hypervisor_domain *domain =
            ledger_find(&scenario->world.ledger, domu->domid);

        print_message(", %s %llu", name,
                      (unsigned long long)(domain != NULL
                                               ? domain->current_kib / MIB
                                               : 0));
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
