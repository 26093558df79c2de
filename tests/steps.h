/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests that play scenarios share: the steps of a scenario that must
 * not break a rule, and what is asked of the backend meanwhile.
 */
#ifndef BALLOON_TESTS_STEPS_H
#define BALLOON_TESTS_STEPS_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/world/scenario.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

static inline void start(struct scenario *scenario)
{
    scenario->world.is_quiet = true;
    if (!scenario_start(scenario)) {
        fail_msg("%s", scenario->world.broken);
    }
}

static inline void run(struct scenario *scenario, uint64_t duration_ms)
{
    if (!world_run_for(&scenario->world, duration_ms)) {
        world_print(&scenario->world);
        fail_msg("%s", scenario->world.broken);
    }
}

static inline unsigned int writes_since(const struct scenario *scenario,
                                        uint64_t ms, const char *part)
{
    return writes_count(&scenario->world.store->log, ms, DAEMON_NAME, part);
}

/* Of targets, limits and records: not those that make a device. */
static inline unsigned int moves_since(const struct scenario *scenario,
                                       uint64_t ms)
{
    return writes_since(scenario, ms, "memory/target") +
           writes_since(scenario, ms, "limit/") +
           writes_since(scenario, ms, "/xenballoon/");
}

static inline enum decide_state state_of(struct scenario *scenario,
                                         const char *name)
{
    const struct balancer_domain *domain = scenario_seen(scenario, name);

    return domain != NULL ? domain->step.state : DECIDE_STATES;
}

static inline enum reason_code reason_of(struct scenario *scenario,
                                         const char *name)
{
    const struct balancer_domain *domain = scenario_seen(scenario, name);

    return domain != NULL ? domain->step.reason.code : REASON_NONE;
}

/*
 * The scenario of most tests: two guests of 1000 and 600 MiB fill the host up
 * to its reserve, and at 20 s of its life the second wants 700 MiB.
 */
static inline void two_guests(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 600 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB);
    character_wants(taker, 20 * SECOND_MS, 700 * MIB);
}

#endif
