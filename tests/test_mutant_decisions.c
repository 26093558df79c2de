/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision, one rule of the policy at a time: what is promised,
 * what is remembered, and calm.
 */
#include "common/log.h"
#include "common/units.h"
#include "tests/spoilt.h"

/* ---- Rules that are lost -------------------------------------------------- */

/* What shrinks counts as if it were there. */
static void count_on_its_way(struct snapshot *snapshot,
                             struct decide_host *host,
                             struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];

        if (domain->has_target && domain->claimed_kib == 0) {
            snapshot->free_kib += units_less(
                domain->current_kib, domain->target_kib + domain->videoram_kib);
        }
    }
}

static void spend_what_is_to_come(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = count_on_its_way;
}

/* Each decision is the first. */
static void clear_memory(struct snapshot *snapshot, struct decide_host *host,
                         struct decide_memory *memories)
{
    memset(host, 0, sizeof(*host));
    memset(memories, 0, snapshot->count * sizeof(*memories));
}

static void forget_the_past(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = clear_memory;
}

static void weigh_alike(struct snapshot *snapshot, struct decide_host *host,
                        struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        snapshot->domains[i].weight = SETTINGS_WEIGHT_DEFAULT;
    }
}

static void forget_weights(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = weigh_alike;
}

/* Whoever has more than it needs gives it at once, whether needed or not. */
static void shrink_to_demand(const struct snapshot *snapshot,
                             struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED && step->demand_kib > 0 &&
            step->target_kib > step->demand_kib) {
            step->target_kib =
                units_max(step->demand_kib, snapshot->domains[i].floor_kib);
            step->limit_kib = snapshot->domains[i].limit_kib;
            reason_set(&step->reason, REASON_GIVES, step->demand_kib, 4);
        }
    }
}

static void take_without_need(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = shrink_to_demand;
}

/* A step up is never more than a quarter of a MiB. */
static void raise_slowly(const struct snapshot *snapshot,
                         struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        step->target_kib = units_min(step->target_kib,
                                     snapshot->domains[i].target_kib + MIB / 4);
    }
}

static void grow_bit_by_bit(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = raise_slowly;
}

/* Whoever was stuck once keeps what it was promised then, for good. */
static uint64_t kept_kib[SPOILT_MAX];

static void leave_promises(const struct snapshot *snapshot,
                           struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_STUCK && kept_kib[i] == 0) {
            kept_kib[i] = snapshot->domains[i].target_kib;
        }
        if (kept_kib[i] != 0) {
            step->target_kib = kept_kib[i];
            step->limit_kib = snapshot->domains[i].limit_kib;
        }
    }
}

static void let_the_stuck_keep(struct scenario *scenario)
{
    (void)scenario;
    memset(kept_kib, 0, sizeof(kept_kib));
    spoilt_after = leave_promises;
}

static void clear_reasons(const struct snapshot *snapshot,
                          struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        reason_set(&plan->steps[i].reason, REASON_NONE, 0, 0);
    }
}

static void say_nothing(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = clear_reasons;
}

/* ---- Scenarios ------------------------------------------------------------ */

/* As in test_balancer.c. */
static void two_guests(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 600 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB);
    character_wants(taker, 20 * SECOND_MS, 700 * MIB);
}

/* What the donor gives is on its way for a long time. */
static void slow_donor(struct scenario *scenario)
{
    two_guests(scenario);
    character_turn(&scenario->guests[0], CHARACTER_SLOW);
    scenario->guests[1].nature.swap_kib = 1000 * MIB;
}

/* As in test_difficult_guests.c. */
static void stuck_donor(struct scenario *scenario)
{
    scenario_init(scenario, (512 + 1000 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(scenario, "stuck", 1000 * MIB, 1000 * MIB, 100 * MIB),
        CHARACTER_STUCK);
    character_wants(
        scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB),
        20 * SECOND_MS, 800 * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
}

/* The first to ask cannot take what it is promised. */
static void stuck_taker(struct scenario *scenario)
{
    struct character *first;
    struct character *second;

    scenario_init(scenario, (512 + 600 + 600 + 440 + 140) * MIB);
    first = scenario_add(scenario, "first", 600 * MIB, 1200 * MIB, 100 * MIB);
    character_turn(first, CHARACTER_CEILINGED);
    character_wants(first, 20 * SECOND_MS, 1000 * MIB);
    first->nature.swap_kib = 1000 * MIB;
    second = scenario_add(scenario, "second", 600 * MIB, 1200 * MIB, 100 * MIB);
    second->nature.has_no_pressure = true; /* so it looks ahead */
    character_wants(second, 60 * SECOND_MS, 760 * MIB);
    (void)scenario_add(scenario, "donor", 440 * MIB, 440 * MIB, 100 * MIB);
}

static void breathing_guest(struct scenario *scenario)
{
    scenario_init(scenario, (512 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(scenario, "breathing", 600 * MIB, 1000 * MIB, 300 * MIB),
        CHARACTER_FLAPPING);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
}

/* As in test_balancer.c. */
static void short_by_weight(struct scenario *scenario)
{
    unsigned int i;

    scenario_init(scenario, (512 + 1800 + 140) * MIB);
    for (i = 0; i < 2; i++) {
        struct character *guest =
            scenario_add(scenario, i == 0 ? "light" : "heavy", 900 * MIB,
                         2000 * MIB, 100 * MIB);

        character_wants(guest, 5 * SECOND_MS, 1500 * MIB);
        guest->nature.swap_kib = 2000 * MIB;
        scenario_weigh(scenario, guest->name, i == 0 ? 100 : 200);
    }
}

static void nothing_happens(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void expect_content(struct scenario *scenario)
{
    nothing_happens(scenario);
    if (!scenario_is_content(scenario) || scenario_kills(scenario) > 0) {
        world_break(&scenario->world, "somebody goes short");
    }
}

static bool is_called_stuck(struct scenario *scenario, const char *name)
{
    return scenario_seen(scenario, name)->step.state == DECIDE_STUCK;
}

/* Whoever does not move is found out at one time or another, and nobody else. */
static void expect_named(struct scenario *scenario)
{
    bool is_named = false;
    unsigned int i;

    (void)world_run_for(&scenario->world, DAEMON_TICK_MAX_MS);
    for (i = 0; i < 120; i++) {
        (void)world_run_for(&scenario->world, SECOND_MS);
        is_named = is_named || is_called_stuck(scenario, "stuck");
        if (is_called_stuck(scenario, "donor")) {
            world_break(&scenario->world, "the wrong one is called stuck");
        }
    }
    if (!is_named) {
        world_break(&scenario->world, "nobody is called stuck");
    }
}

static void expect_second_content(struct scenario *scenario)
{
    const struct domu *second = world_find(&scenario->world, "second");

    nothing_happens(scenario);
    if (!domu_is_content(second) || second->model.oom_kills > 0) {
        world_break(&scenario->world, "somebody goes short");
    }
}

static void expect_calm(struct scenario *scenario)
{
    uint64_t since_ms;
    unsigned int writes;

    nothing_happens(scenario);
    since_ms = scenario->world.now_ms;
    (void)world_run_for(&scenario->world, 10 * MINUTE_MS);
    writes = writes_count(&scenario->world.store->log, since_ms, DAEMON_NAME,
                          "memory/target");
    if (writes >= 60) {
        world_break(&scenario->world, "no calm: %u targets in ten minutes",
                    writes);
    }
}

/* Up at once, down slowly: what a guest no longer uses, it may use again. */
static void expect_slow_fall(struct scenario *scenario)
{
    nothing_happens(scenario);
    scenario_want(scenario, "taker", 100 * MIB);
    /* It is noticed at the guest's heartbeat. */
    (void)world_run_for(&scenario->world, 12 * SECOND_MS);
    if (scenario_seen(scenario, "taker")->step.demand_kib < 500 * MIB) {
        world_break(&scenario->world, "its demand fell at once");
    }
}

static void expect_two_to_one(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 3 * MINUTE_MS);
    if (scenario_target(scenario, "heavy") <
        scenario_target(scenario, "light") * 3 / 2) {
        world_break(&scenario->world, "weights do not count");
    }
}

static const struct mutant mutants[] = {
    {"what is to come is spent", spend_what_is_to_come, slow_donor,
     nothing_happens, "promised"},
    {"the past is forgotten: who is stuck", forget_the_past, stuck_donor,
     expect_named, "is called stuck"},
    {"the past is forgotten: who grew", forget_the_past, two_guests,
     expect_slow_fall, "fell at once"},
    {"the stuck keep their promises", let_the_stuck_keep, stuck_taker,
     expect_second_content, "goes short"},
    {"what is spare is taken at once", take_without_need, breathing_guest,
     expect_calm, "no calm"},
    {"demand is met bit by bit", grow_bit_by_bit, two_guests, expect_content,
     "goes short"},
    {"weights are not known", forget_weights, short_by_weight,
     expect_two_to_one, "weights"},
    {"nothing is explained", say_nothing, two_guests, nothing_happens,
     "without a reason"},
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
