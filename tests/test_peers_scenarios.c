/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered scenarios of peers.h, 1 to 7: hosts that promise more than they
 * have, and guests that are asked for what they may not have.
 */
#include "common/log.h"
#include "common/units.h"
#include "tests/gauge.h"
#include "tests/outcomes.h"
#include "tests/peers.h"

/* None. */
static const struct known_short known_short[] = {
    {NULL, NULL},
};

/* ---- 1 ------------------------------------------------------------------ */

/*
 * Every minute another guest bursts, as slowly as 5 s allow.  The operator
 * keeps 2 % of the host free.  Each has swap, as large as its minimum.
 */
static void scenario_01_two_to_one_overcommit(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t slowest_ms = 0;
    struct scenario scenario;
    struct gauge gauge;
    unsigned int round;
    uint64_t i;

    (void)state;
    host(&scenario, 32 * GIB, 2 * GIB);
    scenario.world.settings.reserve_kib = 32 * GIB / 50;
    for (i = 0; i < 8; i++) {
        struct character *one =
            guest(&scenario, names[i], GIB, 3600 * MIB, 8 * GIB, 2 * GIB);

        one->nature.swap_kib = GIB;
        one->nature.has_tracepoints = true;
        one->nature.growth_kib_s = GIB + GIB / 16;
        character_wants(one, (i + 1) * MINUTE_MS, 7 * GIB);
        character_wants(one, (i + 1) * MINUTE_MS + 45 * SECOND_MS, 2 * GIB);
        one->nature.repeat_ms = 9 * MINUTE_MS;
    }
    start(&scenario);
    gauge_start(&gauge, &scenario);
    for (round = 0; round < 16; round++) {
        const char *name = names[round % 8];
        uint64_t ms = (round / 8) * 9 + round % 8 + 1;

        gauge_live(&gauge, name, ms * MINUTE_MS);
        ms = gauge_until_held(&gauge, name, 7 * GIB, 30 * SECOND_MS);
        slowest_ms = units_max(slowest_ms, ms);
    }
    outcomes_at_most(&outcomes, "01 burst served, ms", slowest_ms,
                     5 * SECOND_MS);
    outcomes_at_most(&outcomes, "01 programs killed", scenario_kills(&scenario),
                     0);
    outcomes_at_most(&outcomes, "01 worst full avg10, ppm", gauge.worst_ppm,
                     10000);
    outcomes_at_least(&outcomes, "01 least free, KiB", gauge.least_free_kib,
                      32 * GIB / 50);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 2 ------------------------------------------------------------------ */

/* How many guests are there with something to say why they stay. */
static unsigned int reasons_given(struct scenario *scenario)
{
    unsigned int given = 0;
    unsigned int i;

    for (i = 0; i < scenario->count; i++) {
        given += reason_of(scenario, scenario->guests[i].name) != REASON_NONE;
    }
    return given;
}

static uint64_t swapped_out_kib(const struct scenario *scenario)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < scenario->world.count; i++) {
        sum += scenario->world.domus[i]->model.swapped_out_kib;
    }
    return sum;
}

/*
 * Six guests without slack, in each of which 5 GiB are in use, the kernel's
 * own included, and 6 GiB are asked for: there is next to nothing to take.
 */
static void scenario_02_no_slack_no_swap_storm(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character late;
    struct gauge gauge;
    unsigned int i;

    (void)state;
    host(&scenario, 32 * GIB, 2 * GIB);
    scenario.world.settings.reserve_kib = 128 * MIB;
    /* A request is no emergency, although a reserve stands for it here. */
    scenario.world.settings.emergency_permyriad = 0;
    for (i = 0; i < 6; i++) {
        struct character *one = guest(&scenario, names[i], 2 * GIB, 5080 * MIB,
                                      6 * GIB, 4900 * MIB);

        one->nature.swap_kib = 4 * GIB;
    }
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm1", 30 * SECOND_MS);
    ask_reserve(&scenario, 6 * GIB);
    gauge_run(&gauge, 30 * SECOND_MS);
    outcomes_between(&outcomes, "02 reasons given", reasons_given(&scenario), 6,
                     6);
    character_init(&late, "late", 6 * GIB, 6 * GIB, GIB);
    outcomes_true(&outcomes, "02 the domain is refused",
                  xl_create(&scenario.world, &late.config) == NULL);
    gauge_run(&gauge, MINUTE_MS);

    outcomes_at_most(&outcomes, "02 swapped out, KiB",
                     swapped_out_kib(&scenario), 64 * MIB);
    outcomes_at_most(&outcomes, "02 guests swapping at once",
                     gauge.most_swapping, 1);
    outcomes_at_most(&outcomes, "02 programs killed", scenario_kills(&scenario),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 3 ------------------------------------------------------------------ */

/*
 * 36 GiB are wanted and 30 are there, of which half of the guests begin with
 * more than the others.  Returns the sum of the work of all from 90 to 300 s,
 * with the backend or with equal sizes.
 */
static uint64_t saturated(struct scenario *scenario, bool is_static,
                          unsigned int *ret_most_changes)
{
    uint64_t waited_us[6];
    uint64_t work = 0;
    unsigned int window;
    unsigned int i;

    host(scenario, 32 * GIB, 2 * GIB);
    scenario->world.settings.reserve_kib = 128 * MIB;
    for (i = 0; i < 6; i++) {
        uint64_t memory = (is_static ? 5096 : i % 2 == 0 ? 4092 : 6100) * MIB;
        struct character *one =
            guest(scenario, names[i], 2 * GIB, memory, 6 * GIB, GIB);

        one->nature.growth_kib_s = 128 * MIB;
        one->nature.swap_kib = 4 * GIB;
        character_wants(one, 20 * SECOND_MS, 5900 * MIB);
    }
    start(scenario);
    if (is_static) {
        daemon_kill(&scenario->world.daemon);
    }
    run(scenario, 75 * SECOND_MS);
    for (i = 0; i < 6; i++) {
        waited_us[i] = world_find(&scenario->world, names[i])->model.waited_us;
    }
    *ret_most_changes = 0;
    for (window = 0; window < 7; window++) {
        uint64_t since_ms = scenario->world.now_ms;
        char path[] = "/local/domain/1/memory/target";

        run(scenario, 30 * SECOND_MS);
        for (i = 0; i < 6; i++) {
            unsigned int changes;

            path[strlen("/local/domain/")] = (char)('1' + i);
            changes = writes_since(scenario, since_ms + 1, path);
            *ret_most_changes =
                changes > *ret_most_changes ? changes : *ret_most_changes;
        }
    }
    for (i = 0; i < 6; i++) {
        work += work_done(&world_find(&scenario->world, names[i])->model,
                          waited_us[i], 210 * SECOND_MS);
    }
    return work;
}

static void scenario_03_saturated_host_is_not_made_worse(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    struct scenario scenario;
    unsigned int changes;
    uint64_t fixed;
    uint64_t work;
    unsigned int i;

    (void)state;
    fixed = saturated(&scenario, true, &changes);
    scenario_done(&scenario);
    work = saturated(&scenario, false, &changes);

    for (i = 0; i < 6; i++) {
        low = units_min(low, scenario_target(&scenario, names[i]));
        high = units_max(high, scenario_target(&scenario, names[i]));
    }
    outcomes_at_most(&outcomes, "03 most changes in 30 s", changes, 1);
    outcomes_at_least(&outcomes, "03 smallest share, permyriad of the largest",
                      units_scale(low, 10000, high), 9800);
    outcomes_between(&outcomes, "03 shortfall told, KiB",
                     scenario.world.daemon.balancer.plan.wanted_kib, 4 * GIB,
                     8 * GIB);
    outcomes_at_least(&outcomes, "03 work, permyriad of fixed sizes",
                      units_scale(work, 10000, fixed), 9000);
    outcomes_at_most(&outcomes, "03 programs killed", scenario_kills(&scenario),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 4 ------------------------------------------------------------------ */

/* MemTotal, as the frontend sees it. */
static uint64_t sees_kib(const struct scenario *scenario, const char *name)
{
    const struct domu *domu = world_find(&scenario->world, name);
    struct guest_sample sample;

    (void)domu->guest.ops->sample(domu->guest.state, &sample);
    return sample.total_kib;
}

/* The target goes from 8 to 4 and back to 8 GiB, by xl or by backend.conf. */
static void scenario_04_exact_amounts(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct gauge gauge;
    uint64_t total_kib;
    uint64_t free_kib;
    unsigned int way;

    (void)state;
    for (way = 0; way < 2; way++) {
        host(&scenario, 16 * GIB, 2 * GIB);
        (void)guest(&scenario, "vm", GIB, 8 * GIB, 8 * GIB, GIB);
        start(&scenario);
        gauge_start(&gauge, &scenario);
        free_kib = scenario.world.ledger.free_kib;
        total_kib = sees_kib(&scenario, "vm");

        if (way == 0) {
            (void)xl_mem_set(&scenario.world, world_find(&scenario.world, "vm"),
                             4 * GIB);
        } else {
            scenario_bound(&scenario, "vm", GIB, 4 * GIB);
        }
        gauge_run(&gauge, 20 * SECOND_MS);
        outcomes_at_most(
            &outcomes,
            way == 0 ? "04 off 4 GiB by xl, KiB"
                     : "04 off 4 GiB by ceiling, KiB",
            units_distance(scenario_held(&scenario, "vm"), 4 * GIB),
            UNITS_KIB_PER_PAGE);
        outcomes_at_most(
            &outcomes, "04 off 4 GiB more free, KiB",
            units_distance(scenario.world.ledger.free_kib, free_kib + 4 * GIB),
            UNITS_KIB_PER_PAGE);
        outcomes_at_most(
            &outcomes, "04 off 4 GiB less in the guest, KiB",
            units_distance(sees_kib(&scenario, "vm"), total_kib - 4 * GIB),
            UNITS_KIB_PER_PAGE);

        if (way == 0) {
            (void)xl_mem_set(&scenario.world, world_find(&scenario.world, "vm"),
                             8 * GIB);
        } else {
            scenario_bound(&scenario, "vm", 8 * GIB - UNITS_KIB_PER_PAGE,
                           8 * GIB);
            scenario.world.daemon.next_ms = scenario.world.now_ms;
        }
        outcomes_at_most(
            &outcomes, way == 0 ? "04 back by xl, ms" : "04 back by floor, ms",
            gauge_until_held(&gauge, "vm", 8 * GIB - UNITS_KIB_PER_PAGE,
                             10 * SECOND_MS),
            2 * SECOND_MS);
        scenario_done(&scenario);
    }
    outcomes_end(&outcomes);
}

/* ---- 5 and 6 ------------------------------------------------------------ */

/* Ten guests of 16 GiB at most, 7 in use, on 120 GiB and dom0's 4. */
static void ten_guests(struct scenario *scenario, uint64_t swap_kib)
{
    unsigned int i;

    host(scenario, 124 * GIB, 4 * GIB);
    for (i = 0; i < 10; i++) {
        struct character *one =
            guest(scenario, names[i], 4 * GIB, 11600 * MIB, 16 * GIB, 7 * GIB);

        one->nature.swap_kib = swap_kib;
        one->nature.has_tracepoints = true;
        one->nature.step_ms = 10; /* or they would ring late */
    }
}

/* The worst of all runs. */
struct burst {
    uint64_t vm3_ms;
    uint64_t vm5_ms;
    uint64_t kept_kib;  /* by vm3, ten seconds after it needs it no more */
    uint64_t waited_us; /* by those who give */
    uint64_t kills;
};

static void one_of_ten_needs_more(struct burst *worst, uint64_t swap_kib,
                                  uint64_t later_ms)
{
    struct scenario scenario;
    struct gauge gauge;
    unsigned int i;

    ten_guests(&scenario, swap_kib);
    character_wants(&scenario.guests[2], later_ms + 60 * SECOND_MS, 15 * GIB);
    character_wants(&scenario.guests[2], later_ms + 180 * SECOND_MS, 7 * GIB);
    character_wants(&scenario.guests[4], later_ms + 240 * SECOND_MS, 15 * GIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm3", later_ms + 60 * SECOND_MS);
    worst->vm3_ms =
        units_max(worst->vm3_ms,
                  gauge_until_held(&gauge, "vm3", 15 * GIB, 30 * SECOND_MS));
    gauge_live(&gauge, "vm3", later_ms + 190 * SECOND_MS);
    worst->kept_kib =
        units_min(worst->kept_kib, scenario_held(&scenario, "vm3"));
    gauge_live(&gauge, "vm5", later_ms + 240 * SECOND_MS);
    worst->vm5_ms =
        units_max(worst->vm5_ms,
                  gauge_until_held(&gauge, "vm5", 15 * GIB, 30 * SECOND_MS));
    gauge_run(&gauge, MINUTE_MS);

    for (i = 0; i < 10; i++) {
        if (i != 2 && i != 4) {
            worst->waited_us = units_max(
                worst->waited_us, scenario.world.domus[i]->model.waited_us);
        }
    }
    worst->kills += scenario_kills(&scenario);
    scenario_done(&scenario);
}

/* At five moments between two heartbeats, with swap and without. */
static void scenario_05_one_of_ten_needs_more(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct burst with = {.kept_kib = UINT64_MAX};
    struct burst without = {.kept_kib = UINT64_MAX};
    unsigned int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        one_of_ten_needs_more(&with, 2 * GIB, i * 2170);
        one_of_ten_needs_more(&without, 0, i * 2170);
    }
    outcomes_at_most(&outcomes, "05 vm3 served, ms", with.vm3_ms,
                     5 * SECOND_MS);
    outcomes_at_most(&outcomes, "05 vm5 served, ms", with.vm5_ms,
                     10 * SECOND_MS);
    outcomes_at_least(&outcomes, "05 vm3 is not torn back, KiB", with.kept_kib,
                      15 * GIB);
    outcomes_at_most(&outcomes, "05 donors' waiting, us", with.waited_us, 0);
    outcomes_at_most(&outcomes, "05 programs killed", with.kills, 0);
    outcomes_at_most(&outcomes, "05 vm3 served, without swap, ms",
                     without.vm3_ms, 5 * SECOND_MS);
    outcomes_at_most(&outcomes, "05 donors' waiting, without swap, us",
                     without.waited_us, 0);
    outcomes_at_most(&outcomes, "05 programs killed, without swap",
                     without.kills, 0);
    outcomes_end(&outcomes);
}

/*
 * The host asks for what two domains of 8 GiB will be built with, and xl
 * builds them as soon as it is there.
 */
static void scenario_06_two_more_are_admitted(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t waited_us = 0;
    struct scenario scenario;
    struct character late[2];
    struct gauge gauge;
    uint64_t ms;
    unsigned int i;

    (void)state;
    ten_guests(&scenario, 2 * GIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm1", 60 * SECOND_MS);

    ask_reserve(&scenario, RESERVE_KIB + 16 * GIB);
    ms = gauge_until_free(&gauge, RESERVE_KIB + 16 * GIB, 30 * SECOND_MS);
    outcomes_at_most(&outcomes, "06 16 GiB found, ms", ms, 5 * SECOND_MS);
    scenario.world.build_kib_s = GIB;
    ask_reserve(&scenario, RESERVE_KIB);
    for (i = 0; i < 2; i++) {
        struct domu *domu;

        character_init(&late[i], names[10 + i], 8 * GIB, 16 * GIB, 6 * GIB);
        late[i].nature.growth_kib_s = STEP_KIB_S;
        domu = xl_create(&scenario.world, &late[i].config);
        outcomes_true(&outcomes, "06 admitted", domu != NULL);
        gauge_run(&gauge, 2 * SECOND_MS);
        if (domu != NULL) {
            outcomes_between(
                &outcomes, "06 reserved before it is built, KiB",
                ledger_find(&scenario.world.ledger, domu->domid)->claimed_kib +
                    scenario_held(&scenario, names[10 + i]),
                8 * GIB, 8 * GIB);
        }
    }
    gauge_run(&gauge, MINUTE_MS);
    outcomes_true(&outcomes, "06 all have what they want",
                  scenario_is_content(&scenario));

    for (i = 0; i < 10; i++) {
        waited_us =
            units_max(waited_us, scenario.world.domus[i]->model.waited_us);
    }
    outcomes_at_most(&outcomes, "06 work lost, permyriad",
                     units_scale(waited_us, 10, MINUTE_MS), 300);
    outcomes_at_most(&outcomes, "06 programs killed", scenario_kills(&scenario),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 7 ------------------------------------------------------------------ */

/*
 * The host asks for 4 GiB of a guest that cannot give them.  "Refused" is the
 * floor in its report.
 */
static void scenario_07_gives_what_is_available(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t nearest_ms = UINT64_MAX;
    uint64_t last_ms = 0;
    struct scenario scenario;
    struct gauge gauge;
    uint64_t since_ms;
    unsigned int i;

    (void)state;
    host(&scenario, 10 * GIB + RESERVE_KIB + 2 * MIB, 2 * GIB);
    (void)guest(&scenario, "vm", GIB, 8 * GIB, 8 * GIB, 6656 * MIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm", 30 * SECOND_MS);
    since_ms = scenario.world.now_ms;
    ask_reserve(&scenario, RESERVE_KIB + 4 * GIB);
    gauge_run(&gauge, 2 * SECOND_MS);
    outcomes_between(&outcomes, "07 settles at, KiB",
                     scenario_held(&scenario, "vm"), 6656 * MIB, 7700 * MIB);
    outcomes_at_least(&outcomes, "07 floor in its report, KiB",
                      scenario_seen(&scenario, "vm")->seen.report.floor_kib,
                      6656 * MIB);
    gauge_run(&gauge, 2 * MINUTE_MS);

    for (i = 0; i < scenario.world.store->log.count; i++) {
        const struct write *write = &scenario.world.store->log.writes[i];

        if (write->ms < since_ms || strcmp(write->name, DAEMON_NAME) != 0 ||
            strstr(write->path, "memory/target") == NULL) {
            continue;
        }
        if (last_ms != 0) {
            nearest_ms = units_min(nearest_ms, write->ms - last_ms);
        }
        last_ms = write->ms;
    }
    outcomes_at_least(&outcomes, "07 between two attempts, ms", nearest_ms,
                      10 * SECOND_MS);
    outcomes_at_most(&outcomes, "07 attempts",
                     writes_since(&scenario, since_ms, "memory/target"), 3);
    outcomes_at_most(&outcomes, "07 programs killed", scenario_kills(&scenario),
                     0);
    outcomes_at_most(&outcomes, "07 waiting, us",
                     world_find(&scenario.world, "vm")->model.waited_us, 0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_01_two_to_one_overcommit),
        cmocka_unit_test(scenario_02_no_slack_no_swap_storm),
        cmocka_unit_test(scenario_03_saturated_host_is_not_made_worse),
        cmocka_unit_test(scenario_04_exact_amounts),
        cmocka_unit_test(scenario_05_one_of_ten_needs_more),
        cmocka_unit_test(scenario_06_two_more_are_admitted),
        cmocka_unit_test(scenario_07_gives_what_is_available),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
