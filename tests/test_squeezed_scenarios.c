/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scenarios of squeezed, XenServer's ballooning daemon: a to h of its own
 * test suite, and s1 to s9 that were found by running it.
 *
 * a to h are in KiB there and in MiB here, with speeds in MiB a second.  "Free
 * so much" is a reserve in backend.conf that is raised, or a domain whose
 * floor is.  Where squeezed succeeds, the time that it takes is the limit.
 */
#include "common/log.h"
#include "tests/outcomes.h"
#include "tests/peers.h"
#include "tests/world/rules.h"

static const struct known_short known_short[] = {
    {NULL, NULL},
};

#define RESERVE_A_KIB (128 * MIB)
#define SPEED_KIB_S (512 * MIB)

/* ---- a to h ------------------------------------------------------------- */

/* free_mib is free above the reserve and each guest's slack. */
static void squeezed(struct scenario *scenario, uint64_t guests_mib,
                     uint64_t free_mib)
{
    host(scenario, (512 + guests_mib + 3 + free_mib) * MIB + RESERVE_A_KIB,
         512 * MIB);
    scenario->world.settings.reserve_kib = RESERVE_A_KIB;
}

/* It uses little, so that nothing but its minimum is in the way. */
static struct model_nature *member(struct scenario *scenario, const char *name,
                                   uint64_t min_mib, uint64_t target_mib,
                                   uint64_t max_mib, uint64_t speed_mib_s)
{
    struct character *one = guest(scenario, name, min_mib * MIB,
                                  target_mib * MIB, max_mib * MIB, 300 * MIB);

    one->nature.up_kib_s = speed_mib_s * MIB;
    one->nature.down_kib_s = speed_mib_s * MIB;
    return &one->nature;
}

static void stops(struct model_nature *nature, uint64_t interval_ms)
{
    nature->stuck_period_ms = 2 * interval_ms;
    nature->stuck_for_ms = interval_ms;
}

/*
 * Asks for so much and returns how long it took; then a domain of 500 MiB is
 * built of it.
 */
static uint64_t free_and_build(struct scenario *scenario, uint64_t mib,
                               uint64_t most_ms, bool *ret_is_built)
{
    struct character late;
    struct gauge gauge;
    uint64_t ms;

    gauge_start(&gauge, scenario);
    ask_reserve(scenario, RESERVE_A_KIB + mib * MIB);
    ms = gauge_until_free(&gauge, RESERVE_A_KIB + mib * MIB, most_ms);
    ask_reserve(scenario, RESERVE_A_KIB);
    character_init(&late, "late", 500 * MIB, 500 * MIB, 100 * MIB);
    *ret_is_built = xl_create(&scenario->world, &late.config) != NULL;
    run(scenario, SECOND_MS);
    *ret_is_built = *ret_is_built && world_find(&scenario->world, "late") &&
                    world_find(&scenario->world, "late")->phase == DOMU_RUNNING;
    xl_destroy(&scenario->world, world_find(&scenario->world, "late"));
    run(scenario, SECOND_MS);
    return ms;
}

/* One cannot go where it is asked to, the other stops now and then. */
static void scenario_a_hidden_floor_is_made_up_for(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    bool is_built;

    (void)state;
    squeezed(&scenario, 1500 + 3500, 0);
    member(&scenario, "d0", 1000, 1500, 2000, 100)->floor_kib = 1250 * MIB;
    stops(member(&scenario, "d1", 2500, 3500, 4500, 500), 250);
    start(&scenario);
    outcomes_at_most(&outcomes, "a freed, ms",
                     free_and_build(&scenario, 1000, 60 * SECOND_MS, &is_built),
                     10600);
    outcomes_true(&outcomes, "a the domain is built", is_built);
    outcomes_at_least(&outcomes, "a d0 keeps its floor, KiB",
                      scenario_held(&scenario, "d0"), 1250 * MIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* Two that stop for less than what makes them stuck. */
static void scenario_b_short_stalls_are_tolerated(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct gauge gauge;
    unsigned int stuck = 0;
    uint64_t ms = 0;

    (void)state;
    squeezed(&scenario, 3500 + 1500, 0);
    stops(member(&scenario, "d1", 500, 3500, 4500, 100), 3000);
    stops(member(&scenario, "d0", 500, 1500, 2500, 100), 1500);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    ask_reserve(&scenario, RESERVE_A_KIB + 1000 * MIB);
    while (scenario.world.ledger.free_kib < RESERVE_A_KIB + 1000 * MIB &&
           ms <= MINUTE_MS) {
        gauge_run(&gauge, 100);
        ms += 100;
        stuck += state_of(&scenario, "d0") == DECIDE_STUCK ||
                 state_of(&scenario, "d1") == DECIDE_STUCK;
    }
    outcomes_at_most(&outcomes, "b freed, ms", ms, 20000);
    outcomes_at_most(&outcomes, "b called stuck", stuck, 0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* 1500 are asked for, and floors leave 1000. */
static void scenario_c_floors_hold_what_cannot_be_freed(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    squeezed(&scenario, 1500 + 2500, 0);
    (void)member(&scenario, "d0", 1000, 1500, 2000, 100);
    (void)member(&scenario, "d1", 2000, 2500, 3000, 100);
    start(&scenario);
    ask_reserve(&scenario, RESERVE_A_KIB + 1500 * MIB);
    run(&scenario, MINUTE_MS);
    outcomes_between(&outcomes, "c d0, KiB", scenario_held(&scenario, "d0"),
                     1000 * MIB, 1016 * MIB);
    outcomes_between(&outcomes, "c d1, KiB", scenario_held(&scenario, "d1"),
                     2000 * MIB, 2032 * MIB);
    outcomes_true(&outcomes, "c nobody is blamed",
                  state_of(&scenario, "d0") == DECIDE_MANAGED &&
                      state_of(&scenario, "d1") == DECIDE_MANAGED);
    since_ms = scenario.world.now_ms;
    run(&scenario, 5 * MINUTE_MS);
    outcomes_at_most(&outcomes, "c writes in five minutes after",
                     writes_since(&scenario, since_ms, NULL), 0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* 1000 could be freed, but for one that refuses and is named. */
static void scenario_d_who_refuses_is_named(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    uint64_t ms = 0;

    (void)state;
    squeezed(&scenario, 1500 + 2500, 0);
    (void)member(&scenario, "d0", 1000, 1500, 2000, 100);
    member(&scenario, "d1", 2000, 2500, 3000, 100)->floor_kib = 2250 * MIB;
    start(&scenario);
    ask_reserve(&scenario, RESERVE_A_KIB + 1000 * MIB);
    while (state_of(&scenario, "d1") != DECIDE_STUCK && ms <= MINUTE_MS) {
        run(&scenario, 100);
        ms += 100;
    }
    outcomes_at_most(&outcomes, "d d1 is named, ms", ms, 10000);
    run(&scenario, 30 * SECOND_MS);
    outcomes_true(&outcomes, "d d0 is not",
                  state_of(&scenario, "d0") == DECIDE_MANAGED);
    outcomes_between(&outcomes, "d freed, KiB",
                     scenario.world.ledger.free_kib - RESERVE_A_KIB, 720 * MIB,
                     760 * MIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/*
 * One is stuck, another gives, and what it gives goes to a third, whose floor
 * is raised: it can only grow when the memory is there.
 */
static void scenario_e_grower_is_not_blamed(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    unsigned int blamed = 0;
    uint64_t ms = 0;

    (void)state;
    squeezed(&scenario, 7000 + 6000 + 1000, 0);
    member(&scenario, "d0", 5000, 7000, 7000, 100)->stuck_until_ms = UINT64_MAX;
    (void)member(&scenario, "d1", 5000, 6000, 11000, 100);
    (void)member(&scenario, "d2", 1000, 1000, 4000, 100);
    start(&scenario);
    scenario_bound(&scenario, "d2", 2000 * MIB, 4000 * MIB);
    scenario.world.daemon.next_ms = scenario.world.now_ms;
    while (scenario_held(&scenario, "d2") < 2000 * MIB && ms <= 2 * MINUTE_MS) {
        run(&scenario, 100);
        ms += 100;
        blamed += state_of(&scenario, "d2") == DECIDE_STUCK;
    }
    outcomes_at_most(&outcomes, "e grown, ms", ms, 26300);
    outcomes_at_most(&outcomes, "e the grower is blamed", blamed, 0);
    outcomes_between(&outcomes, "e d1, KiB", scenario_held(&scenario, "d1"),
                     5000 * MIB - MIB, 5128 * MIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* What every limit promises is not seen by the backend any more. */
static struct hypervisor_ops blind_ops;
static int (*sighted_list)(void *state, uint32_t first,
                           struct hypervisor_domain *domains, unsigned int max);

static int blind_list(void *state, uint32_t first,
                      struct hypervisor_domain *domains, unsigned int max)
{
    int count = sighted_list(state, first, domains, max);
    int i;

    for (i = 0; i < count; i++) {
        domains[i].limit_kib = domains[i].current_kib;
    }
    return count;
}

/* e without its safeguard, which here is that promises count as spent. */
static void scenario_f_e_fails_without_its_safeguard(void **state)
{
    struct daemon *daemon;
    struct scenario scenario;
    bool is_broken;

    (void)state;
    squeezed(&scenario, 6000 + 6000 + 1000, 600);
    (void)member(&scenario, "d0", 5000, 6000, 7000, 100);
    (void)member(&scenario, "d1", 5000, 6000, 11000, 100);
    (void)member(&scenario, "d2", 1000, 1000, 4000, 100);
    start(&scenario);
    daemon = &scenario.world.daemon;
    blind_ops = *daemon->hypervisor.ops;
    sighted_list = blind_ops.list;
    blind_ops.list = blind_list;
    daemon->hypervisor.ops = &blind_ops;
    scenario_bound(&scenario, "d2", 2000 * MIB, 4000 * MIB);
    daemon->next_ms = scenario.world.now_ms;
    (void)world_run_for(&scenario.world, 30 * SECOND_MS);
    is_broken = scenario.world.is_broken &&
                strstr(scenario.world.broken, "promised") != NULL;
    print_message("# f: %s\n", scenario.world.broken);
    scenario_done(&scenario);
    assert_true(is_broken);
}

/*
 * Guests rest off their targets: video memory, firmware holes, and what libxl
 * adds.  squeezed allows 8 KiB a guest for it; here the distance is measured
 * when a guest rests, so what is asked for is freed to the page.
 */
static void scenario_g_inaccuracy_is_made_up_for(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct model_nature *nature;
    struct gauge gauge;

    (void)state;
    squeezed(&scenario, 1500 + 3500, 0);
    nature = member(&scenario, "d0", 1000, 1500, 2000, 100);
    nature->floor_kib = 1250 * MIB;
    nature->extra_kib = 900;
    nature = member(&scenario, "d1", 2500, 3500, 4500, 500);
    nature->extra_kib = 900;
    nature->uncounted_kib = 20 * MIB;
    stops(nature, 250);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    ask_reserve(&scenario, RESERVE_A_KIB + 1000 * MIB);
    outcomes_at_most(
        &outcomes, "g freed, ms",
        gauge_until_free(&gauge, RESERVE_A_KIB + 1000 * MIB, MINUTE_MS), 10600);
    outcomes_true(&outcomes, "g d1 is not called stuck",
                  state_of(&scenario, "d1") != DECIDE_STUCK);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* On the giving side: what one cannot take, the other gets. */
static void scenario_h_hidden_ceiling_leaves_more_to_others(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct gauge gauge;
    unsigned int i;

    (void)state;
    squeezed(&scenario, 1500 + 1500, 500);
    member(&scenario, "d0", 1000, 1500, 2000, 100)->ceiling_kib = 1500 * MIB;
    (void)member(&scenario, "d1", 1000, 1500, 2000, 100);
    for (i = 0; i < 2; i++) {
        scenario.guests[i].nature.swap_kib = 1000 * MIB;
        character_wants(&scenario.guests[i], 20 * SECOND_MS, 1900 * MIB);
    }
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "d1", 20 * SECOND_MS);
    outcomes_at_most(&outcomes, "h d1 at its maximum, ms",
                     gauge_until_held(&gauge, "d1", 1960 * MIB, MINUTE_MS),
                     13000);
    outcomes_at_most(&outcomes, "h limit of d0, KiB",
                     ledger_find(&scenario.world.ledger, 1)->limit_kib,
                     1502 * MIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- s1 to s9 ----------------------------------------------------------- */

/* A host with so much free above 1 GiB for Xen and dom0's 2 GiB. */
static void real_host(struct scenario *scenario, uint64_t guests_kib,
                      uint64_t free_kib)
{
    host(scenario, 3 * GIB + guests_kib + 8 * MIB + free_kib, 2 * GIB);
    scenario->world.settings.reserve_kib = GIB;
}

static struct character *real_guest(struct scenario *scenario, const char *name,
                                    uint64_t memory_kib, uint64_t wants_kib)
{
    struct character *one =
        guest(scenario, name, GIB, memory_kib, 8 * GIB, wants_kib);

    one->nature.up_kib_s = SPEED_KIB_S;
    one->nature.down_kib_s = SPEED_KIB_S;
    one->nature.swap_kib = 2 * GIB;
    return one;
}

static void turn_stuck(struct character *one)
{
    character_turn(one, CHARACTER_STUCK);
}

/* Three want more than they have, and one of them never takes it. */
static void scenario_s1_stuck_grower_makes_no_cycle(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    uint64_t since_ms;
    unsigned int i;

    (void)state;
    real_host(&scenario, 6 * GIB, 6 * GIB);
    for (i = 0; i < 3; i++) {
        character_wants(real_guest(&scenario, names[i], 2 * GIB, GIB),
                        20 * SECOND_MS, 7 * GIB / 2);
    }
    turn_stuck(&scenario.guests[0]);
    start(&scenario);
    since_ms = scenario.world.now_ms;
    run(&scenario, 2 * MINUTE_MS); /* what growth was over is returned */
    outcomes_at_most(&outcomes, "s1 changes of healthy ones at first",
                     writes_since(&scenario, since_ms, "/2/memory/target") +
                         writes_since(&scenario, since_ms, "/3/memory/target"),
                     80);
    since_ms = scenario.world.now_ms;
    run(&scenario, 5 * MINUTE_MS);
    outcomes_at_most(&outcomes, "s1 changes of healthy ones in 300 s",
                     writes_since(&scenario, since_ms, "/2/memory/target") +
                         writes_since(&scenario, since_ms, "/3/memory/target"),
                     0);
    outcomes_true(&outcomes, "s1 healthy ones have what they want",
                  domu_is_content(world_find(&scenario.world, "vm2")) &&
                      domu_is_content(world_find(&scenario.world, "vm3")));
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* It holds 6 GiB that others lack, and gives none. */
static void scenario_s2_stuck_shrinker_is_left_in_peace(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    uint64_t since_ms;
    unsigned int i;

    (void)state;
    real_host(&scenario, 10 * GIB, 0);
    turn_stuck(real_guest(&scenario, "vm1", 6 * GIB, GIB));
    for (i = 1; i < 3; i++) {
        character_wants(real_guest(&scenario, names[i], 2 * GIB, GIB),
                        20 * SECOND_MS, 3 * GIB);
    }
    start(&scenario);
    run(&scenario, MINUTE_MS);
    outcomes_true(&outcomes, "s2 it is called stuck",
                  state_of(&scenario, "vm1") == DECIDE_STUCK);
    since_ms = scenario.world.now_ms;
    run(&scenario, 5 * MINUTE_MS);
    outcomes_at_most(&outcomes, "s2 changes of healthy ones in 300 s",
                     writes_since(&scenario, since_ms, "/2/memory/target") +
                         writes_since(&scenario, since_ms, "/3/memory/target"),
                     0);
    /* Asked again after 10, 20, 40, 80 and 160 s: there and back. */
    outcomes_at_most(&outcomes, "s2 attempts in 300 s",
                     writes_since(&scenario, since_ms, "/1/memory/target"), 10);
    outcomes_at_most(&outcomes, "s2 programs killed", scenario_kills(&scenario),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* Free memory goes up and down by 40 KiB, around the reserve. */
static void scenario_s3_jitter_is_no_reason(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct ledger *ledger;
    uint64_t since_ms;
    unsigned int i;

    (void)state;
    real_host(&scenario, 4 * GIB, 0);
    (void)real_guest(&scenario, "vm1", 2 * GIB, GIB);
    (void)real_guest(&scenario, "vm2", 2 * GIB, GIB);
    start(&scenario);
    /* Once settled, what allowances are made of included. */
    run(&scenario, 2 * MINUTE_MS);
    since_ms = scenario.world.now_ms;
    ledger = &scenario.world.ledger;
    /* What guests may take above their targets is promised, too. */
    scenario.world.settings.reserve_kib =
        ledger->free_kib - rules_promised_kib(&scenario.world);
    (void)ledger_set_limit(ledger, 0, 3 * GIB);
    for (i = 0; i < 30; i++) {
        if (i % 2 == 0) {
            (void)ledger_populate(ledger, 0, i == 0 ? 40 : 80);
        } else {
            ledger_give_back(ledger, 0, 80);
        }
        run(&scenario, 10 * SECOND_MS);
    }
    outcomes_at_most(&outcomes, "s3 writes", moves_since(&scenario, since_ms),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* 8 KiB every 4 s, of 2 GiB; another could give all. */
static void scenario_s4_trickler_keeps_nobody_waiting(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character *one;
    struct gauge gauge;

    (void)state;
    real_host(&scenario, 12 * GIB, 0);
    one = real_guest(&scenario, "vm1", 6 * GIB, GIB);
    one->nature.down_kib_s = 80;
    one->nature.stuck_period_ms = 4000;
    one->nature.stuck_for_ms = 3900;
    (void)real_guest(&scenario, "vm2", 4 * GIB, GIB);
    character_wants(real_guest(&scenario, "vm3", 2 * GIB, GIB), 20 * SECOND_MS,
                    7 * GIB / 2);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm3", 20 * SECOND_MS);
    outcomes_at_most(
        &outcomes, "s4 another served, ms",
        gauge_until_held(&gauge, "vm3", 7 * GIB / 2, 2 * MINUTE_MS), 12000);
    outcomes_true(&outcomes, "s4 nobody waits for the trickler",
                  scenario_seen(&scenario, "vm1")->step.trust == DECIDE_SLOW);
    run(&scenario, 5 * SECOND_MS);
    outcomes_true(&outcomes, "s4 the trickler is called stuck",
                  state_of(&scenario, "vm1") == DECIDE_STUCK);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* Xen's claim refuses a domain that is too large, and nobody is touched. */
static void scenario_s5_infeasible_request_touches_nobody(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character late;
    uint64_t since_ms;
    unsigned int i;

    (void)state;
    real_host(&scenario, 12 * GIB, 0);
    for (i = 0; i < 3; i++) {
        (void)real_guest(&scenario, names[i], 4 * GIB, GIB);
    }
    start(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    since_ms = scenario.world.now_ms;
    character_init(&late, "late", 20 * GIB, 20 * GIB, GIB);
    outcomes_true(&outcomes, "s5 refused at once",
                  xl_create(&scenario.world, &late.config) == NULL);
    run(&scenario, MINUTE_MS);
    outcomes_at_most(&outcomes, "s5 writes", moves_since(&scenario, since_ms),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* 2 GiB of three, one of whom is stuck; then another, and another. */
static void scenario_s6_stuck_is_remembered(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct gauge gauge;
    unsigned int i;

    (void)state;
    real_host(&scenario, 18 * GIB, 0);
    for (i = 0; i < 3; i++) {
        (void)real_guest(&scenario, names[i], 6 * GIB, GIB);
    }
    turn_stuck(&scenario.guests[0]);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    ask_reserve(&scenario, 3 * GIB);
    outcomes_at_most(&outcomes, "s6 first request, ms",
                     gauge_until_free(&gauge, 3 * GIB, MINUTE_MS), 7000);
    ask_reserve(&scenario, 4 * GIB);
    outcomes_at_most(&outcomes, "s6 second request, ms",
                     gauge_until_free(&gauge, 4 * GIB, MINUTE_MS), 2000);
    gauge_run(&gauge, 2 * MINUTE_MS);
    ask_reserve(&scenario, 5 * GIB);
    outcomes_at_most(&outcomes, "s6 third request, ms",
                     gauge_until_free(&gauge, 5 * GIB, MINUTE_MS), 2000);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* Asked at 20 s, one does nothing until 26 s. */
static void scenario_s7_late_starter_ends_at_its_share(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character *one;
    struct gauge gauge;

    (void)state;
    real_host(&scenario, 8 * GIB, 0);
    one = real_guest(&scenario, "vm1", 6 * GIB, 5 * GIB);
    one->nature.swap_kib = 6 * GIB;
    one->nature.stuck_from_ms = 20 * SECOND_MS;
    one->nature.stuck_until_ms = 26 * SECOND_MS;
    one = real_guest(&scenario, "vm2", 2 * GIB, GIB);
    one->nature.swap_kib = 6 * GIB;
    character_wants(one, 20 * SECOND_MS, 5 * GIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm2", 20 * SECOND_MS);
    outcomes_at_most(
        &outcomes, "s7 at its share, ms",
        gauge_until_held(&gauge, "vm2", 4 * GIB - 100 * MIB, 2 * MINUTE_MS),
        30000);
    run(&scenario, MINUTE_MS);
    outcomes_between(&outcomes, "s7 the late one, KiB",
                     scenario_held(&scenario, "vm1"), 4 * GIB - 100 * MIB,
                     4 * GIB + 100 * MIB);
    outcomes_true(&outcomes, "s7 it is trusted again",
                  state_of(&scenario, "vm1") == DECIDE_MANAGED);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* One holds 1 GiB more than its target and does not move. */
static void scenario_s8_over_allocated_guest_is_not_counted_on(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    const uint64_t target_kib = 2 * GIB;
    char text[24];
    struct scenario scenario;
    struct gauge gauge;
    uint64_t free_kib;
    unsigned int i;

    (void)state;
    real_host(&scenario, 9 * GIB, 0);
    for (i = 0; i < 3; i++) {
        (void)real_guest(&scenario, names[i], 3 * GIB, GIB);
    }
    turn_stuck(&scenario.guests[0]);
    start(&scenario);
    daemon_kill(&scenario.world.daemon);
    (void)snprintf(text, sizeof(text), "%" PRIu64, target_kib);
    (void)bus_write(&scenario.world.xl, BUS_NO_TRANSACTION,
                    "/local/domain/1/memory/target", text, strlen(text));
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    gauge_start(&gauge, &scenario);
    free_kib = scenario.world.ledger.free_kib;
    ask_reserve(&scenario, 2 * GIB);
    outcomes_at_most(&outcomes, "s8 freed, ms",
                     gauge_until_free(&gauge, 2 * GIB, MINUTE_MS), 8000);
    run(&scenario, MINUTE_MS);
    outcomes_between(&outcomes, "s8 freed in all, KiB",
                     scenario.world.ledger.free_kib - free_kib, GIB - 8 * MIB,
                     GIB + 128 * MIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* 10 GiB are free, and 2 are asked for. */
static void scenario_s9_plenty_moves_nobody(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct gauge gauge;
    unsigned int i;

    (void)state;
    real_host(&scenario, 12 * GIB, 10 * GIB);
    for (i = 0; i < 3; i++) {
        (void)real_guest(&scenario, names[i], 4 * GIB, GIB);
    }
    start(&scenario);
    gauge_start(&gauge, &scenario);
    ask_reserve(&scenario, 3 * GIB);
    outcomes_at_most(&outcomes, "s9 waited, ms",
                     gauge_until_free(&gauge, 3 * GIB, MINUTE_MS), 0);
    run(&scenario, MINUTE_MS);
    outcomes_at_most(&outcomes, "s9 writes", moves_since(&scenario, 0), 0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_a_hidden_floor_is_made_up_for),
        cmocka_unit_test(scenario_b_short_stalls_are_tolerated),
        cmocka_unit_test(scenario_c_floors_hold_what_cannot_be_freed),
        cmocka_unit_test(scenario_d_who_refuses_is_named),
        cmocka_unit_test(scenario_e_grower_is_not_blamed),
        cmocka_unit_test(scenario_f_e_fails_without_its_safeguard),
        cmocka_unit_test(scenario_g_inaccuracy_is_made_up_for),
        cmocka_unit_test(scenario_h_hidden_ceiling_leaves_more_to_others),
        cmocka_unit_test(scenario_s1_stuck_grower_makes_no_cycle),
        cmocka_unit_test(scenario_s2_stuck_shrinker_is_left_in_peace),
        cmocka_unit_test(scenario_s3_jitter_is_no_reason),
        cmocka_unit_test(scenario_s4_trickler_keeps_nobody_waiting),
        cmocka_unit_test(scenario_s5_infeasible_request_touches_nobody),
        cmocka_unit_test(scenario_s6_stuck_is_remembered),
        cmocka_unit_test(scenario_s7_late_starter_ends_at_its_share),
        cmocka_unit_test(scenario_s8_over_allocated_guest_is_not_counted_on),
        cmocka_unit_test(scenario_s9_plenty_moves_nobody),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
