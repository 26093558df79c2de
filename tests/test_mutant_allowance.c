/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision: what is promised to guests that help themselves.
 * The frontend's own rules are switched off in test_reflex.c.
 */
#include "backend/share.h"
#include "common/log.h"
#include "common/units.h"
#include "tests/spoilt.h"

/* ---- Rules that are lost -------------------------------------------------- */

static void allow(const struct snapshot_domain *domain,
                  struct decide_step *step, uint64_t kib)
{
    step->allowance_kib = kib;
    step->limit_kib = units_max(
        step->limit_kib, share_limit_kib(domain, step->target_kib) + kib);
}

/* Whether it is free or not. */
static void allow_all(const struct snapshot *snapshot,
                      struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_MANAGED) {
            allow(&snapshot->domains[i], &plan->steps[i], DECIDE_ALLOWANCE_KIB);
        }
    }
}

static void allow_without_cover(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = allow_all;
}

/* Whoever was given one has it for good, however little it is trusted. */
static void keep_allowances(const struct snapshot *snapshot,
                            struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->trust == DECIDE_SLOW || step->trust == DECIDE_IMMOBILE) {
            step->allowance_kib = snapshot->domains[i].allowance_kib;
            step->limit_kib = snapshot->domains[i].limit_kib;
        }
    }
}

static void let_the_stuck_keep(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = keep_allowances;
}

/* Those of the silent, too. */
static void keep_silent_ones(const struct snapshot *snapshot,
                             struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_SILENT) {
            plan->steps[i].limit_kib = snapshot->domains[i].limit_kib;
        }
    }
}

static void let_the_silent_keep(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = keep_silent_ones;
}

/*
 * The first is a guest that takes all it may between what the backend sees of
 * it and what the backend does about it, when its allowance goes.  Returns what
 * was withdrawn.
 */
static struct world *raced;

static uint64_t race(const struct snapshot *snapshot, const struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];

        if (domain->domid == world_find(raced, "one")->domid &&
            plan->steps[i].allowance_kib < domain->allowance_kib) {
            return ledger_populate(
                &raced->ledger, domain->domid,
                units_less(domain->limit_kib, domain->current_kib));
        }
    }
    return 0;
}

static void only_race(const struct snapshot *snapshot,
                      struct decide_memory *memories, struct plan *plan)
{
    (void)memories;
    (void)race(snapshot, plan);
}

/* What is withdrawn from one is the other's at once. */
static void hand_on(const struct snapshot *snapshot,
                    struct decide_memory *memories, struct plan *plan)
{
    uint64_t taken = race(snapshot, plan);
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        if (snapshot->domains[i].domid == world_find(raced, "other")->domid &&
            taken > 0) {
            plan->steps[i].limit_kib =
                units_max(plan->steps[i].limit_kib,
                          snapshot->domains[i].limit_kib) +
                taken;
        }
    }
}

static void grant_what_is_withdrawn(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = hand_on;
}

/* At rest nobody is asked for anything: what is not free is not lent. */
static void refill_nothing(const struct snapshot *snapshot,
                           struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->reason.code == REASON_READIES) {
            step->target_kib = snapshot->domains[i].target_kib;
            step->limit_kib = snapshot->domains[i].limit_kib;
        }
    }
}

static void keep_nothing_free(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = refill_nothing;
}

/* ---- Scenarios ------------------------------------------------------------ */

/* One may take all that is free, and the other will lack as much. */
static void one_and_other(struct scenario *scenario)
{
    struct character *other;

    scenario_init(scenario, (512 + 300 + 300 + 70 + 140) * MIB);
    (void)scenario_add(scenario, "one", 300 * MIB, 1000 * MIB, 100 * MIB);
    scenario_bound(scenario, "one", 300 * MIB, 1000 * MIB);
    other = scenario_add(scenario, "other", 300 * MIB, 1000 * MIB, 100 * MIB);
    other->nature.has_no_reflex = true;
    other->nature.swap_kib = 500 * MIB;
    character_wants(other, 60 * SECOND_MS, 400 * MIB);
}

/* One took what it was allowed, by its owner's hand, and cannot move back. */
static void one_is_stuck(struct scenario *scenario)
{
    one_and_other(scenario);
    scenario->guests[0].nature.stuck_from_ms = 50 * SECOND_MS;
    scenario->guests[0].nature.stuck_until_ms = UINT64_MAX;
    scenario->guests[1].nature.point_count = 1;
}

/* All is held, and most of it by one who has no use for it. */
static void full_host(struct scenario *scenario)
{
    struct character *one;

    scenario_init(scenario, (512 + 1000 + 300 + 140) * MIB);
    (void)scenario_add(scenario, "idle", 1000 * MIB, 1000 * MIB, 100 * MIB);
    one = scenario_add(scenario, "one", 300 * MIB, 1000 * MIB, 200 * MIB);
    one->nature.has_tracepoints = true;
    one->nature.step_ms = 5;
    one->nature.up_kib_s = 1000 * MIB;
    one->nature.growth_kib_s = 500 * MIB;
}

static void nothing_happens(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void one_takes_it_meanwhile(struct scenario *scenario)
{
    raced = &scenario->world;
    if (spoilt_after == NULL) {
        spoilt_after = only_race;
    }
    nothing_happens(scenario);
}

/* While dom0 has no time for anybody. */
static void one_bursts(struct scenario *scenario)
{
    struct world *world = &scenario->world;

    (void)world_run_for(world, 2 * MINUTE_MS);
    world->daemon.last_ms = world->now_ms + SECOND_MS;
    scenario_want(scenario, "one", 300 * MIB);
    (void)world_run_for(world, 10 * SECOND_MS);
    if (scenario_kills(scenario) > 0) {
        world_break(world, "somebody is killed");
    }
}

static void expect_withdrawn(struct scenario *scenario, const char *why)
{
    const struct balancer_domain *one;

    one = scenario_seen(scenario, "one");
    if (one->seen.limit_kib >
        units_max(one->seen.current_kib,
                  one->seen.target_kib + SNAPSHOT_SLACK_KIB)) {
        world_break(&scenario->world, "%s", why);
    }
}

static void one_goes_astray(struct scenario *scenario)
{
    struct domu *one = world_find(&scenario->world, "one");

    (void)world_run_for(&scenario->world, 30 * SECOND_MS);
    one->model.target_kib += 40 * MIB;
    one->due_ms = scenario->world.now_ms;
    (void)world_run_for(&scenario->world, MINUTE_MS);
    expect_withdrawn(scenario, "who is stuck may take more");
}

static void one_falls_silent(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 30 * SECOND_MS);
    domu_kill_frontend(world_find(&scenario->world, "one"));
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
    expect_withdrawn(scenario, "who is silent may take more");
}

static const struct mutant mutants[] = {
    {"allowances have no cover", allow_without_cover, one_and_other,
     nothing_happens, "promised"},
    {"what is withdrawn is granted in the same plan", grant_what_is_withdrawn,
     one_and_other, one_takes_it_meanwhile, "promised"},
    {"the stuck keep their allowances", let_the_stuck_keep, one_is_stuck,
     one_goes_astray, "stuck may take more"},
    {"the silent keep their limits", let_the_silent_keep, one_and_other,
     one_falls_silent, "silent may take more"},
    {"nothing is kept free for them", keep_nothing_free, full_host, one_bursts,
     "is killed"},
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
