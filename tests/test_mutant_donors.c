/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision, one rule of the policy at a time: who is asked
 * again and again, and what is asked back.
 */
#include "common/log.h"
#include "common/units.h"
#include "tests/figures.h"
#include "tests/spoilt.h"

/* ---- Rules that are lost -------------------------------------------------- */

/* Who was granted what it had given may be asked again at once. */
static void hear_no_breath(struct snapshot *snapshot, struct decide_host *host,
                           struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        memories[i].breathes_ms = 0;
    }
}

static void follow_breaths(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = hear_no_breath;
}

/* What was granted is its own. */
static void lend_nothing(struct snapshot *snapshot, struct decide_host *host,
                         struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        memories[i].lent_kib = 0;
    }
}

static void ask_nothing_back(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = lend_nothing;
}

/* A shortage ends as soon as there is enough. */
static void forget_shortage(struct snapshot *snapshot, struct decide_host *host,
                            struct decide_memory *memories)
{
    (void)snapshot;
    (void)memories;
    if (host->mood == DECIDE_SHORT) {
        host->mood = DECIDE_PLENTY;
    }
}

static void end_shortage_at_once(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = forget_shortage;
}

/* ---- Scenarios ------------------------------------------------------------ */

#define BREATH_MS (20 * SECOND_MS)

/*
 * The 21st of the peers': from 2 to 5 GiB in 20 s and down at once, each a third
 * of that apart; not enough for the head-room of all.
 */
static void three_saws(struct scenario *scenario)
{
    static const char *const names[] = {"one", "two", "three"};
    unsigned int i;

    host(scenario, 18 * GIB, 2 * GIB);
    for (i = 0; i < 3; i++) {
        struct character *saw =
            guest(scenario, names[i], GIB, 53 * GIB / 10, 8 * GIB, 5 * GIB);
        const uint64_t falls_ms = i * BREATH_MS / 3;

        saw->nature.point_count = i > 0 ? 1 : 0;
        character_wants(saw, falls_ms, 2 * GIB);
        character_wants(saw, falls_ms + 100, 5 * GIB);
        saw->nature.repeat_ms = BREATH_MS;
        saw->nature.growth_kib_s = 3 * GIB / 20;
        saw->nature.swap_kib = 4 * GIB;
    }
}

/* Two a minute, as the peers' scenario allows; seen: 9. */
static void expect_calm(struct scenario *scenario)
{
    struct figures_moves moves;
    uint64_t since_ms, from_kib;

    (void)world_run_for(&scenario->world, 5 * MINUTE_MS); /* to learn */
    since_ms = scenario->world.now_ms;
    from_kib = scenario_target(scenario, "one");
    (void)world_run_for(&scenario->world, 10 * MINUTE_MS);
    moves = moves_between(scenario, "one", from_kib, since_ms,
                          scenario->world.now_ms);
    if (moves.reversals > 20) {
        world_break(&scenario->world, "each breath is followed: %u reversals",
                    moves.reversals);
    }
}

/* It takes what Xen has free, and soon has no use for it. */
static void one_burst(struct scenario *scenario)
{
    struct character *burster;

    scenario_init(scenario, (512 + 300 + 400 + 140) * MIB);
    burster = scenario_add(scenario, "one", 300 * MIB, 1000 * MIB, 150 * MIB);
    burster->nature.growth_kib_s = 100 * MIB;
    burster->nature.has_no_reflex = true;
    character_wants(burster, 10 * SECOND_MS, 500 * MIB);
    character_wants(burster, 15 * SECOND_MS, 150 * MIB);
}

/* All of the 400 MiB, but for what it now needs, and did not before. */
static void expect_free_again(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 3 * MINUTE_MS);
    if (scenario->world.ledger.free_kib < 400 * MIB) {
        world_break(&scenario->world, "what a burst took is not free again");
    }
}

/*
 * Both breathe by 10 MiB, and what they need is just what there is.  By weight,
 * one of them has half as much again.
 */
static void at_the_edge(struct scenario *scenario)
{
    unsigned int i;

    scenario_init(scenario, (512 + 2000 + 140) * MIB);
    for (i = 0; i < 2; i++) {
        struct character *one =
            scenario_add(scenario, i == 0 ? "heavy" : "light", 1000 * MIB,
                         2000 * MIB, 940 * MIB);

        character_wants(one, 7 * SECOND_MS, 950 * MIB);
        one->nature.repeat_ms = 14 * SECOND_MS;
        one->nature.growth_kib_s = 500 * MIB;
        one->nature.swap_kib = 2000 * MIB;
        one->nature.waits_for_swap = true;
        scenario_weigh(scenario, one->name, i == 0 ? 1000 : 100);
    }
}

static void expect_no_moves(struct scenario *scenario)
{
    uint64_t since_ms;
    unsigned int moves;

    (void)world_run_for(&scenario->world, 5 * MINUTE_MS);
    since_ms = scenario->world.now_ms;
    (void)world_run_for(&scenario->world, 10 * MINUTE_MS);
    moves = writes_count(&scenario->world.store->log, since_ms, DAEMON_NAME,
                         "memory/target");
    if (moves > 20) {
        world_break(&scenario->world, "shares go to and fro: %u targets",
                    moves);
    }
}

static const struct mutant mutants[] = {
    {"who breathes is asked again", follow_breaths, three_saws, expect_calm,
     "each breath"},
    {"bursts keep what they took", ask_nothing_back, one_burst,
     expect_free_again, "not free again"},
    {"a shortage ends at once", end_shortage_at_once, at_the_edge,
     expect_no_moves, "to and fro"},
};

/* ---- The tests ------------------------------------------------------------ */

static void each_rule_is_needed(void **state)
{
    (void)state;
    spoilt_check(mutants, sizeof(mutants) / sizeof(mutants[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_needed),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
