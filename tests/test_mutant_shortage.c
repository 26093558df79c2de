/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision, one rule of the policy at a time: who yields when
 * there is too little, and what is kept for what may come.
 */
#include "common/log.h"
#include "common/units.h"
#include "tests/spoilt.h"

/* ---- Rules that are lost -------------------------------------------------- */

static void take_no_tax(struct snapshot *snapshot, struct decide_host *host,
                        struct decide_memory *memories)
{
    (void)host;
    (void)memories;
    snapshot->idle_tax_permyriad = 0;
}

static void forget_tax(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = take_no_tax;
}

/* 65 % of so large a maximum is more than anybody needs. */
static void swap_everything(struct snapshot *snapshot, struct decide_host *host,
                            struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    (void)memories;
    for (i = 0; i < snapshot->count; i++) {
        snapshot->domains[i].static_max_kib = UNITS_KIB_MAX;
    }
}

static void push_without_bound(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = swap_everything;
}

/* All of the reserve is precious. */
static void call_all_urgent(struct snapshot *snapshot, struct decide_host *host,
                            struct decide_memory *memories)
{
    (void)host;
    (void)memories;
    snapshot->emergency_permyriad = 10000;
}

static void take_needs_for_the_reserve(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = call_all_urgent;
}

static void call_nothing_urgent(struct snapshot *snapshot,
                                struct decide_host *host,
                                struct decide_memory *memories)
{
    (void)host;
    (void)memories;
    snapshot->emergency_permyriad = 0;
}

static void know_no_emergency(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = call_nothing_urgent;
}

static void learn_nothing(struct snapshot *snapshot, struct decide_host *host,
                          struct decide_memory *memories)
{
    (void)snapshot;
    (void)memories;
    host->burst_kib = 0;
    host->learned_kib = 0;
    host->is_refilling = false;
}

static void forget_bursts(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = learn_nothing;
}

/* Whoever is met was there all the time. */
static void call_all_old(struct snapshot *snapshot, struct decide_host *host,
                         struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        memories[i].is_newborn = false;
    }
}

static void spare_no_newborn(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = call_all_old;
}

/* Who hurt when it was asked may be asked again. */
static void hear_no_complaint(struct snapshot *snapshot,
                              struct decide_host *host,
                              struct decide_memory *memories)
{
    unsigned int i;

    (void)host;
    for (i = 0; i < snapshot->count; i++) {
        memories[i].shrunk_ms = 0;
        memories[i].hands_off_ms = 0;
    }
}

/* Whoever complained keeps all that it holds, whoever needs it. */
static void keep_hands_off(const struct snapshot *snapshot,
                           struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (memories[i].hands_off_ms > snapshot->now_ms &&
            step->target_kib < snapshot->domains[i].target_kib) {
            step->target_kib = snapshot->domains[i].target_kib;
            step->limit_kib = snapshot->domains[i].limit_kib;
        }
    }
}

static void heed_complaints(struct scenario *scenario)
{
    (void)scenario;
    spoilt_after = keep_hands_off;
}

static void overhear_complaints(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = hear_no_complaint;
}

/* ---- Scenarios ------------------------------------------------------------ */

/* From now on dom0 holds all that is free but this. */
static void leave_free(struct scenario *scenario, uint64_t left_kib)
{
    struct ledger *ledger = &scenario->world.ledger;
    uint64_t take = units_whole_pages(units_less(ledger->free_kib, left_kib));

    (void)ledger_set_limit(ledger, 0,
                           ledger_find(ledger, 0)->current_kib + take);
    (void)ledger_populate(ledger, 0, take);
    scenario->world.daemon.next_ms = scenario->world.now_ms; /* VIRQ_ENOMEM */
}

/* One needs 150 of its 900 MiB, the other more than there is. */
static void idle_and_busy(struct scenario *scenario)
{
    struct character *busy;

    scenario_init(scenario, (512 + 1800 + 140) * MIB);
    (void)scenario_add(scenario, "idle", 900 * MIB, 2000 * MIB, 100 * MIB);
    busy = scenario_add(scenario, "busy", 900 * MIB, 2000 * MIB, 500 * MIB);
    busy->nature.swap_kib = 2000 * MIB;
    character_wants(busy, 20 * SECOND_MS, 1800 * MIB);
}

/* 150 + (900 - 150) / 4 and a little: equal prices. */
static void expect_idle_to_yield(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 3 * MINUTE_MS);
    if (scenario_target(scenario, "idle") > 500 * MIB) {
        world_break(&scenario->world, "idle memory is kept");
    }
}

/* Both want far more than there is, and one weighs next to nothing. */
static void light_and_heavy(struct scenario *scenario)
{
    struct character *light;
    struct character *heavy;

    scenario_init(scenario, (512 + 2000 + 140) * MIB);
    light = scenario_add(scenario, "light", 1000 * MIB, 1000 * MIB, 900 * MIB);
    light->nature.swap_kib = 2000 * MIB;
    heavy = scenario_add(scenario, "heavy", 1000 * MIB, 4000 * MIB, 800 * MIB);
    heavy->nature.swap_kib = 4000 * MIB;
    character_wants(heavy, 20 * SECOND_MS, 3500 * MIB);
    scenario_weigh(scenario, "light", 1);
    scenario_weigh(scenario, "heavy", 10000);
}

/* It needs 950 MiB, and may have 650 of them in swap. */
static void expect_a_third_in_memory(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 5 * MINUTE_MS);
    if (scenario_target(scenario, "light") < 280 * MIB) {
        world_break(&scenario->world, "too much is in swap");
    }
}

/* Both need what they hold, and could live on less. */
static void full_host(struct scenario *scenario)
{
    unsigned int i;

    scenario_init(scenario, (512 + 3200 + 140) * MIB);
    for (i = 0; i < 2; i++) {
        scenario_add(scenario, i == 0 ? "one" : "two", 1600 * MIB, 1600 * MIB,
                     1500 * MIB)
            ->nature.swap_kib = 1600 * MIB;
    }
}

/* Of the 128 MiB of the reserve, 32 are precious. */
static void expect_needs_untouched(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, MINUTE_MS);
    leave_free(scenario, 40 * MIB);
    (void)world_run_for(&scenario->world, MINUTE_MS);
    if (!scenario_is_content(scenario)) {
        world_break(&scenario->world, "the reserve takes what is needed");
    }
}

static void expect_last_reserve_back(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, MINUTE_MS);
    leave_free(scenario, 4 * MIB);
    (void)world_run_for(&scenario->world, 10 * SECOND_MS);
    if (scenario->world.ledger.free_kib < 60 * MIB) {
        world_break(&scenario->world, "the emergency goes on");
    }
}

/* It grows when nobody is new any more. */
static void one_burst(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 3000 + 600 + 140) * MIB);
    /* What allowances need would be asked for, too. */
    scenario_add(scenario, "donor", 3000 * MIB, 3000 * MIB, 100 * MIB)
        ->nature.has_no_reflex = true;
    taker = scenario_add(scenario, "taker", 600 * MIB, 2000 * MIB, 100 * MIB);
    taker->nature.has_no_reflex = true; /* or it would ask for less */
    character_wants(taker, 2 * MINUTE_MS, 1000 * MIB);
}

/*
 * What was learned is asked for along with it, so that what comes next is
 * there: the donor is asked five times, instead of eleven.
 */
static void expect_one_asking_for_much(struct scenario *scenario)
{
    unsigned int writes;

    (void)world_run_for(&scenario->world, 5 * MINUTE_MS);
    writes = writes_count(&scenario->world.store->log, MINUTE_MS, DAEMON_NAME,
                          "domain/1/memory/target");
    if (writes > 8) {
        world_break(&scenario->world, "the donor is asked %u times", writes);
    }
}

static void taker_alone(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 600 + 600 + 140) * MIB);
    taker = scenario_add(scenario, "taker", 600 * MIB, 2000 * MIB, 100 * MIB);
    taker->nature.swap_kib = 2000 * MIB;
    taker->nature.growth_kib_s = 100 * MIB;
    character_wants(taker, 30 * SECOND_MS, 700 * MIB);
}

/* One that starts needs 500 MiB a little later, and has no swap. */
static void expect_start_in_peace(struct scenario *scenario)
{
    static struct character newborn;

    (void)world_run_for(&scenario->world, 5 * SECOND_MS);
    character_init(&newborn, "newborn", 600 * MIB, 600 * MIB, 50 * MIB);
    newborn.nature.growth_kib_s = 500 * MIB;
    character_wants(&newborn, 40 * SECOND_MS, 500 * MIB);
    if (xl_create(&scenario->world, &newborn.config) == NULL) {
        world_break(&scenario->world, "no memory to create it");
    }
    (void)world_run_for(&scenario->world, MINUTE_MS);
    if (scenario_kills(scenario) > 0) {
        world_break(&scenario->world, "the newborn is robbed");
    }
}

/*
 * Both donors have needed much lately, so both are asked.  The first wakes as
 * soon as that is done, and hurts.
 */
static void waking_donor(struct scenario *scenario)
{
    unsigned int i;
    struct character *taker;

    scenario_init(scenario, (512 + 800 + 800 + 500 + 140) * MIB);
    for (i = 0; i < 2; i++) {
        struct character *donor =
            scenario_add(scenario, i == 0 ? "waking" : "sleeping", 800 * MIB,
                         1000 * MIB, 500 * MIB);

        donor->nature.swap_kib = 500 * MIB;
        donor->nature.growth_kib_s = 800 * MIB;
        character_wants(donor, 30 * SECOND_MS, 200 * MIB);
    }
    character_wants(&scenario->guests[0], 95400, 720 * MIB);
    character_wants(&scenario->guests[0], 97 * SECOND_MS, 200 * MIB);
    taker = scenario_add(scenario, "taker", 500 * MIB, 2000 * MIB, 200 * MIB);
    taker->nature.growth_kib_s = 200 * MIB;
    taker->nature.has_no_pressure = true; /* so it looks ahead */
    taker->nature.swap_kib = 500 * MIB;   /* and its life is not at stake */
    character_wants(taker, 93 * SECOND_MS, 450 * MIB);
    character_wants(taker, 115 * SECOND_MS, 700 * MIB);
}

/*
 * The same, when all is over: it holds far more than it needs, and another,
 * which has no swap and no reflex, is about to need some of it.
 */
static void complaining_holder(struct scenario *scenario)
{
    struct character *taker = &scenario->guests[2];

    waking_donor(scenario);
    taker->nature.swap_kib = 0;
    taker->nature.has_no_reflex = true;
    taker->nature.growth_kib_s = 50 * MIB;
    character_wants(&scenario->guests[1], 100 * SECOND_MS, 700 * MIB);
    taker->points[taker->nature.point_count - 1].anonymous_kib = 880 * MIB;
}

/* Long enough for that; returns the target that it then has. */
static uint64_t wake(struct scenario *scenario)
{
    (void)world_run(&scenario->world, 110 * SECOND_MS);
    return scenario_target(scenario, "waking");
}

static void expect_hands_off(struct scenario *scenario)
{
    uint64_t target = wake(scenario);

    (void)world_run_for(&scenario->world, 15 * SECOND_MS);
    if (scenario_target(scenario, "waking") < target) {
        world_break(&scenario->world, "who hurt is asked again");
    }
}

static void expect_nobody_killed(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
    if (scenario_kills(scenario) > 0) {
        world_break(&scenario->world, "somebody is killed");
    }
}

static void expect_no_gentleness(struct scenario *scenario)
{
    uint64_t target;

    (void)wake(scenario);
    (void)world_run_for(&scenario->world,
                        10 * SECOND_MS); /* its growth fades */
    target = scenario_target(scenario, "waking");
    leave_free(scenario, 4 * MIB);
    (void)world_run_for(&scenario->world, SECOND_MS);
    if (scenario_target(scenario, "waking") == target) {
        world_break(&scenario->world, "who hurt is spared in an emergency");
    }
}

static const struct mutant mutants[] = {
    {"idle memory is not taxed", forget_tax, idle_and_busy,
     expect_idle_to_yield, "is kept"},
    {"all may be pushed to swap", push_without_bound, light_and_heavy,
     expect_a_third_in_memory, "in swap"},
    {"the reserve takes needs", take_needs_for_the_reserve, full_host,
     expect_needs_untouched, "takes what is needed"},
    {"nothing is an emergency", know_no_emergency, full_host,
     expect_last_reserve_back, "goes on"},
    {"bursts are forgotten", forget_bursts, one_burst,
     expect_one_asking_for_much, "is asked"},
    {"complaints cost others their lives", heed_complaints, complaining_holder,
     expect_nobody_killed, "is killed"},
    {"complaints are not heard", overhear_complaints, waking_donor,
     expect_hands_off, "is asked again"},
    {"donors are spared in an emergency", know_no_emergency, waking_donor,
     expect_no_gentleness, "is spared"},
    {"newborns are asked", spare_no_newborn, taker_alone, expect_start_in_peace,
     "is robbed"},
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
