/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants: the backend without one of its safeguards.  Each must break a rule
 * in the scenario that its safeguard is for; otherwise the rule, or the
 * scenario, would prove nothing.
 *
 * A safeguard is taken away at the seams: one call of the backend's bus or
 * hypervisor is replaced, so that what it should have seen or done is lost.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/units.h"
#include "tests/world/scenario.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

/* The tables of the backend that runs, and what they were. */
static struct bus_ops bus_now;
static struct bus_ops bus_was;
static struct hypervisor_ops hypervisor_now;
static struct hypervisor_ops hypervisor_was;

/* ---- Safeguards that are lost ------------------------------------------- */

static int host_without_claims(void *state, struct hypervisor_host *ret_host)
{
    int r = hypervisor_was.host(state, ret_host);

    ret_host->claimed_kib = 0;
    return r;
}

static int list_without_claims(void *state, uint32_t first,
                               struct hypervisor_domain *domains,
                               unsigned int max)
{
    int count = hypervisor_was.list(state, first, domains, max);
    int i;

    for (i = 0; i < count; i++) {
        if (domains[i].claimed_kib > 0) {
            /* Its limit would say as much. */
            domains[i].limit_kib = domains[i].current_kib;
            domains[i].claimed_kib = 0;
        }
    }
    return count;
}

static void forget_claims(struct scenario *scenario)
{
    (void)scenario;
    hypervisor_now.host = host_without_claims;
    hypervisor_now.list = list_without_claims;
}

static void forget_reserve(struct scenario *scenario)
{
    static struct settings settings;

    settings = scenario->world.settings;
    settings.reserve_kib = 0;
    scenario->world.daemon.balancer.settings = &settings;
}

/* Only what is held counts, not what may still be taken. */
static int list_without_promises(void *state, uint32_t first,
                                 struct hypervisor_domain *domains,
                                 unsigned int max)
{
    int count = hypervisor_was.list(state, first, domains, max);
    int i;

    for (i = 0; i < count; i++) {
        domains[i].limit_kib = domains[i].current_kib;
    }
    return count;
}

static void forget_promises(struct scenario *scenario)
{
    (void)scenario;
    hypervisor_now.list = list_without_promises;
}

static int list_without_death(void *state, uint32_t first,
                              struct hypervisor_domain *domains,
                              unsigned int max)
{
    int count = hypervisor_was.list(state, first, domains, max);
    int i;

    for (i = 0; i < count; i++) {
        domains[i].is_dying = false;
    }
    return count;
}

static void overlook_death(struct scenario *scenario)
{
    (void)scenario;
    hypervisor_now.list = list_without_death;
}

static int no_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    (void)state;
    (void)domid;
    (void)limit_kib;
    return 0;
}

static void set_no_limits(struct scenario *scenario)
{
    (void)scenario;
    hypervisor_now.set_limit = no_limit;
}

/* The limit after the target: what was to be set waits for the commit. */
static struct {
    void *state;
    uint32_t domid;
    uint64_t limit_kib;
} late;

static int late_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    late.state = state;
    late.domid = domid;
    late.limit_kib = limit_kib;
    return 0;
}

static int end_then_limit(void *state, bus_transaction t, bool commit)
{
    int r = bus_was.end(state, t, commit);

    if (late.state != NULL) {
        (void)hypervisor_was.set_limit(late.state, late.domid, late.limit_kib);
        late.state = NULL;
    }
    return r;
}

static void set_limits_late(struct scenario *scenario)
{
    (void)scenario;
    late.state = NULL;
    hypervisor_now.set_limit = late_limit;
    bus_now.end = end_then_limit;
}

/* xl mem-set is not heard of: its watch is silent, its node not there. */
static int event_without_vm(void *state, struct bus_event *ret_event)
{
    int r;

    do {
        r = bus_was.next_event(state, ret_event);
    } while (r > 0 && strncmp(ret_event->path, "/vm/", 4) == 0);
    return r;
}

static void overhear_mem_set(struct scenario *scenario)
{
    (void)scenario;
    bus_now.next_event = event_without_vm;
}

/* A frontend that hangs is heard again and again. */
static int event_as_if(void *state, struct bus_event *ret_event)
{
    static bool is_next;
    int r = bus_was.next_event(state, ret_event);

    if (r == 0 && (is_next = !is_next)) {
        (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s",
                       "/local/domain/1/data/balloon/report");
        (void)snprintf(ret_event->token, sizeof(ret_event->token), "d1:%u",
                       (unsigned int)BALANCER_REPORT);
        return 1;
    }
    return r;
}

static void hear_the_hung(struct scenario *scenario)
{
    (void)scenario;
    bus_now.next_event = event_as_if;
}

static void forget_settings(struct scenario *scenario)
{
    static struct settings settings;

    settings_init(&settings);
    settings.reserve_kib = scenario->world.settings.reserve_kib;
    scenario->world.daemon.balancer.settings = &settings;
}

/* ---- Scenarios ---------------------------------------------------------- */

/* As in test_balancer.c; the transfer is under way from 35 s on. */
static void two_guests(struct scenario *scenario)
{
    struct character *taker;

    scenario_init(scenario, (512 + 1000 + 300 + 140) * MIB);
    (void)scenario_add(scenario, "donor", 1000 * MIB, 1000 * MIB, 100 * MIB);
    taker = scenario_add(scenario, "taker", 300 * MIB, 1000 * MIB, 100 * MIB);
    taker->config.is_hvm = true;
    taker->nature.up_kib_s = 10 * MIB;
    character_wants(taker, 20 * SECOND_MS, 600 * MIB);
}

static void nothing_happens(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void one_is_being_built(struct scenario *scenario)
{
    static struct character character;

    (void)world_run_for(&scenario->world, 10 * SECOND_MS);
    scenario->world.build_kib_s = MIB;
    character_init(&character, "late", 130 * MIB, 130 * MIB, MIB);
    (void)xl_create(&scenario->world, &character.config);
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

static void donor_crashes(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 10 * SECOND_MS);
    xl_crash(&scenario->world, world_find(&scenario->world, "donor"));
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

static void donor_hangs(struct scenario *scenario)
{
    struct domu *donor = world_find(&scenario->world, "donor");

    donor->config.hangs_ms = scenario->world.now_ms - donor->unpaused_ms;
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void mem_set_says_what_is(struct scenario *scenario)
{
    (void)xl_mem_set(&scenario->world, world_find(&scenario->world, "taker"),
                     300 * MIB);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void donor_is_bounded(struct scenario *scenario)
{
    scenario_bound(scenario, "donor", 950 * MIB, 1000 * MIB);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static const struct mutant {
    const char *why;
    void (*mutate)(struct scenario *scenario);
    void (*happen)(struct scenario *scenario);
    const char *broken; /* part of what the broken rule says */
} mutants[] = {
    {"claims are not counted", forget_claims, one_is_being_built, "promised"},
    {"nothing is kept in reserve", forget_reserve, nothing_happens, "promised"},
    {"promises are not counted", forget_promises, nothing_happens, "promised"},
    {"dying domains look alive", overlook_death, donor_crashes, "is dying"},
    {"limits are not set", set_no_limits, nothing_happens, "limit"},
    {"limits come after targets", set_limits_late, nothing_happens, "limit"},
    {"xl mem-set is not heard", overhear_mem_set, mem_set_says_what_is,
     "is the operator's"},
    {"a hung frontend is heard", hear_the_hung, donor_hangs, "is silent"},
    {"settings are not known", forget_settings, donor_is_bounded, "below"},
};

/* ---- The tests ---------------------------------------------------------- */

/* Whether a rule was broken, and how. */
static bool breaks(const struct mutant *mutant, bool is_mutated,
                   char broken[WORLD_TEXT_MAX])
{
    struct scenario scenario;
    struct daemon *daemon = &scenario.world.daemon;
    bool is_broken;

    two_guests(&scenario);
    scenario.world.is_quiet = true;
    (void)scenario_start(&scenario);
    bus_was = bus_now = *daemon->bus.ops;
    hypervisor_was = hypervisor_now = *daemon->hypervisor.ops;
    if (is_mutated) {
        mutant->mutate(&scenario);
    }
    daemon->bus.ops = &bus_now;
    daemon->hypervisor.ops = &hypervisor_now;
    mutant->happen(&scenario);
    is_broken = scenario.world.is_broken;
    (void)snprintf(broken, WORLD_TEXT_MAX, "%s", scenario.world.broken);
    scenario_done(&scenario);
    return is_broken;
}

static void each_safeguard_is_needed(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
        char broken[WORLD_TEXT_MAX];

        if (breaks(&mutants[i], false, broken)) {
            fail_msg("%s: breaks without it: %s", mutants[i].why, broken);
        }
        if (!breaks(&mutants[i], true, broken) ||
            strstr(broken, mutants[i].broken) == NULL) {
            fail_msg("%s: \"%s\", not \"%s\"", mutants[i].why, broken,
                     mutants[i].broken);
        }
        print_message("# %s: %s\n", mutants[i].why, broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_safeguard_is_needed),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
