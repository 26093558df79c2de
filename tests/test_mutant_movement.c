/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision, one rule of the policy at a time: who may be asked
 * at all, who is waited for, and what is worth asking for.
 */
#include "common/log.h"
#include "common/units.h"
#include "tests/spoilt.h"

/* ---- Rules that are lost -------------------------------------------------- */

/* When each domain last moved, as it is while a decision is not made. */
static uint64_t moved_ms[SPOILT_MAX];
static uint64_t lied_ms[SPOILT_MAX];

/* Whoever is not yet stuck has just moved. */
static void wait_for_laggards(struct snapshot *snapshot,
                              struct decide_host *host,
                              struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        uint64_t still_ms =
            units_less(snapshot->now_ms, memories[i].progress_ms);

        moved_ms[i] = lied_ms[i] = memories[i].progress_ms;
        if (still_ms >= DECIDE_LAGGARD_MS && still_ms < DECIDE_STUCK_MS) {
            lied_ms[i] = snapshot->now_ms - 1;
            memories[i].progress_ms = lied_ms[i];
        }
    }
}

static void remember_laggards(const struct snapshot *snapshot,
                              struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)plan;
    for (i = 0; i < snapshot->count; i++) {
        if (memories[i].progress_ms == lied_ms[i]) {
            memories[i].progress_ms = moved_ms[i];
        }
    }
}

static void trust_laggards(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = wait_for_laggards;
    spoilt_after = remember_laggards;
}

/* How often it was stuck, as it is while a decision is not made. */
static uint64_t retry_after_ms[SPOILT_MAX];
static uint64_t gap_kib[SPOILT_MAX];

/* Who was stuck is asked for, and promised, all of it at once. */
static void ask_without_trial(struct snapshot *snapshot,
                              struct decide_host *host,
                              struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        retry_after_ms[i] = 0;
        gap_kib[i] = memories[i].gap_kib;
        if (!memories[i].is_stuck) {
            retry_after_ms[i] = memories[i].retry_after_ms;
            memories[i].retry_after_ms = 0;
        }
    }
}

/* It is as patient as it was. */
static void remember_patience(const struct snapshot *snapshot,
                              struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    (void)plan;
    for (i = 0; i < snapshot->count; i++) {
        struct decide_memory *memory = &memories[i];

        if (retry_after_ms[i] == 0) {
            continue;
        }
        if (memory->is_stuck) {
            memory->retry_after_ms =
                units_min(2 * retry_after_ms[i], DECIDE_RETRY_MAX_MS);
            memory->retry_ms = snapshot->now_ms + memory->retry_after_ms;
        } else if (memory->gap_kib >= gap_kib[i]) {
            memory->retry_after_ms = retry_after_ms[i];
        }
    }
}

static void trust_the_stuck(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = ask_without_trial;
    spoilt_after = remember_patience;
}

/* Who is stuck is asked again as soon as the first time. */
static void ask_again_soon(struct snapshot *snapshot, struct decide_host *host,
                           struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        memories[i].retry_after_ms = 0;
    }
}

static void lose_patience(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = ask_again_soon;
}

/* A raise goes no further than what is needed and the operator's head-room. */
static void cut_what_is_coming(const struct snapshot *snapshot,
                               struct decide_memory *memories,
                               struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t level = units_whole_pages(
            step->need_kib +
            units_scale(step->need_kib, domain->headroom_permyriad, 10000));

        if (step->target_kib > domain->target_kib) {
            step->target_kib =
                units_clamp(step->target_kib, domain->target_kib,
                            units_max(level, domain->target_kib));
        }
    }
}

static void look_not_ahead(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = cut_what_is_coming;
}

/* No step is too small. */
static void step_without_deadband(const struct snapshot *snapshot,
                                  struct decide_memory *memories,
                                  struct plan *plan)
{
    unsigned int i;

    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t most = units_max(DECIDE_DEADBAND_KIB,
                                  domain->target_kib / DECIDE_DEADBAND_SHARE);

        if (step->state == DECIDE_MANAGED &&
            step->target_kib == domain->target_kib &&
            units_distance(step->demand_kib, domain->target_kib) <= most &&
            plan->spendable_kib > most) {
            step->target_kib = step->demand_kib;
            step->limit_kib = units_max(
                domain->limit_kib,
                step->target_kib + domain->videoram_kib + SNAPSHOT_SLACK_KIB);
        }
    }
}

static void forget_deadband(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = step_without_deadband;
}

static void take_service_for_guest(struct snapshot *snapshot,
                                   struct decide_host *host,
                                   struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        snapshot->domains[i].is_service = false;
    }
}

static void overlook_service(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = take_service_for_guest;
}

static void believe_in_balloons(struct snapshot *snapshot,
                                struct decide_host *host,
                                struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        struct report *report = &snapshot->domains[i].report;

        if (report->balloon == REPORT_BALLOON_ABSENT) {
            report->balloon = REPORT_BALLOON_IDLE;
        }
    }
}

static void overlook_kernels(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = believe_in_balloons;
}

/* ---- Scenarios ------------------------------------------------------------ */

static struct character *two_guests(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 600 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB);
    character_wants(taker, 20 * SECOND_MS, 700 * MIB);
    return taker;
}

static void donor_and_taker(struct scenario *scenario)
{
    (void)two_guests(scenario);
}

static void donor_without_balloon(struct scenario *scenario)
{
    (void)two_guests(scenario);
    scenario->guests[0].nature.has_no_balloon = true;
}

static void expect_donor_untouched(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
    if (writes_count(&scenario->world.store->log, 0, DAEMON_NAME,
                     "domain/1/memory/target") > 0) {
        world_break(&scenario->world, "the donor is asked");
    }
}

static void donor_is_service(struct scenario *scenario)
{
    struct domu *donor = world_find(&scenario->world, "donor");

    ledger_find(&scenario->world.ledger, donor->domid)->is_service = true;
    expect_donor_untouched(scenario);
}

/* Two donors are asked, and one of them does not move. */
static void stuck_donor(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 600 + 1000 + 140) * MIB);
    character_turn(
        scenario_add(scenario, "stuck", 1000 * MIB, 1000 * MIB, 100 * MIB),
        CHARACTER_STUCK);
    taker = scenario_add(scenario, "taker", 600 * MIB, 1000 * MIB, 100 * MIB);
    taker->nature.growth_kib_s = 60 * MIB;
    taker->nature.has_no_pressure = true; /* so it looks ahead */
    character_wants(taker, 20 * SECOND_MS, 800 * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
}

static void expect_no_kill(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 5 * MINUTE_MS);
    if (scenario_kills(scenario) > 0) {
        world_break(&scenario->world, "somebody is killed");
    }
}

/*
 * The first to ask can take nothing.  The second asks just when the first is
 * asked to take it again, for the third time.
 */
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
    second->nature.has_no_reflex = true; /* it waits for others */
    second->nature.growth_kib_s = 40 * MIB;
    character_wants(second, 81 * SECOND_MS, 700 * MIB);
    (void)scenario_add(scenario, "donor", 440 * MIB, 440 * MIB, 100 * MIB);
}

/* All is free that it could ask for, but it is to have little head-room. */
static void fast_grower(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 300 + 3000 + 140) * MIB);
    scenario->world.settings.headroom_permyriad =
        SETTINGS_HEADROOM_MIN_PERMYRIAD;
    taker = scenario_add(scenario, "taker", 300 * MIB, 3000 * MIB, 100 * MIB);
    taker->nature.growth_kib_s = 60 * MIB;
    taker->nature.has_no_pressure = true; /* so it looks ahead */
    taker->nature.has_no_reflex = true;
    character_wants(taker, 20 * SECOND_MS, 2000 * MIB);
}

/* It has got what it needs, and breathes a MiB or two. */
static void breathing_guest(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 300 + 1000 + 140) * MIB);
    taker = scenario_add(scenario, "taker", 300 * MIB, 1000 * MIB, 400 * MIB);
    taker->config.heartbeat_ms = 1000;
    taker->nature.repeat_ms = 10 * SECOND_MS;
    character_wants(taker, 5 * SECOND_MS, 402 * MIB);
}

static void expect_calm(struct scenario *scenario)
{
    uint64_t since_ms;
    unsigned int writes;

    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
    since_ms = scenario->world.now_ms;
    (void)world_run_for(&scenario->world, 10 * MINUTE_MS);
    writes = writes_count(&scenario->world.store->log, since_ms, DAEMON_NAME,
                          "memory/target");
    if (writes > 0) {
        world_break(&scenario->world, "no calm: %u targets in ten minutes",
                    writes);
    }
}

static const struct mutant mutants[] = {
    {"laggards are waited for", trust_laggards, stuck_donor, expect_no_kill,
     "is killed"},
    {"the stuck are trusted at once", trust_the_stuck, stuck_taker,
     expect_no_kill, "is killed"},
    {"the stuck are asked again and again", lose_patience, stuck_taker,
     expect_no_kill, "is killed"},
    {"growth is not looked ahead", look_not_ahead, fast_grower, expect_no_kill,
     "is killed"},
    {"no step is too small", forget_deadband, breathing_guest, expect_calm,
     "no calm"},
    {"service domains are guests", overlook_service, donor_and_taker,
     donor_is_service, "is asked"},
    {"every kernel has a balloon", overlook_kernels, donor_without_balloon,
     expect_donor_untouched, "is asked"},
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
