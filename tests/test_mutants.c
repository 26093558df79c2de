/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants at the seams: one call of the backend's bus or hypervisor is
 * replaced, so that what it should have seen or done is lost.
 */
#include <errno.h>

#include "common/log.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/report.h"
#include "common/units.h"
#include "tests/mutants.h"

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

static int list_without_savers(void *state, uint32_t first,
                               struct hypervisor_domain *domains,
                               unsigned int max)
{
    int count = hypervisor_was.list(state, first, domains, max);
    int i;

    for (i = 0; i < count; i++) {
        domains[i].is_saving = false;
    }
    return count;
}

static void overlook_savers(struct scenario *scenario)
{
    (void)scenario;
    hypervisor_now.list = list_without_savers;
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

#define END_OF_1 "/local/domain/1/" PROTOCOL_FRONTEND "/"
#define REPORT_OF_1 END_OF_1 PROTOCOL_NODE_REPORT
#define STATE_OF_1 END_OF_1 PROTOCOL_NODE_STATE

/* A frontend that hangs is heard again and again. */
static int event_as_if(void *state, struct bus_event *ret_event)
{
    static bool is_next;
    int r = bus_was.next_event(state, ret_event);

    if (r == 0 && (is_next = !is_next)) {
        (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s",
                       REPORT_OF_1);
        (void)snprintf(ret_event->token, sizeof(ret_event->token), "d1:%u",
                       (unsigned int)BALANCER_DEVICE);
        return 1;
    }
    return r;
}

static void hear_the_hung(struct scenario *scenario)
{
    (void)scenario;
    bus_now.next_event = event_as_if;
}

/* The donor is at Initialised, and has just written that. */
static int read_as_offered(void *state, bus_transaction t, const char *path,
                           char *value, size_t size)
{
    if (strcmp(path, STATE_OF_1) == 0) {
        return snprintf(value, size, "%d", (int)PROTOCOL_INITIALISED);
    }
    return bus_was.read(state, t, path, value, size);
}

static int event_as_offered(void *state, struct bus_event *ret_event)
{
    static bool is_next;
    int r = bus_was.next_event(state, ret_event);

    if (r == 0 && (is_next = !is_next)) {
        (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s",
                       STATE_OF_1);
        (void)snprintf(ret_event->token, sizeof(ret_event->token), "d1:%u",
                       (unsigned int)BALANCER_DEVICE);
        return 1;
    }
    return r;
}

static void take_old_for_new(struct scenario *scenario)
{
    (void)scenario;
    bus_now.read = read_as_offered;
    bus_now.next_event = event_as_offered;
}

static void forget_settings(struct scenario *scenario)
{
    static struct settings settings;

    settings_init(&settings);
    settings.reserve_kib = scenario->world.settings.reserve_kib;
    scenario->world.daemon.balancer.settings = &settings;
}

/* xl mem-max is not heard of: what was the most is still. */
static int read_old_maximum(void *state, bus_transaction t, const char *path,
                            char *value, size_t size)
{
    if (strstr(path, "/memory/static-max") != NULL) {
        return snprintf(value, size, "%llu", (unsigned long long)(1000 * MIB));
    }
    return bus_was.read(state, t, path, value, size);
}

static void overhear_mem_max(struct scenario *scenario)
{
    (void)scenario;
    bus_now.read = read_old_maximum;
}

/* The donor's last report that was one. */
static struct {
    char text[PROTOCOL_REPORT_MAX];
    int len;
} heard;

/*
 * Whatever the donor writes now, its last good report is what is read, and it
 * is there.
 */
static int read_last_report(void *state, bus_transaction t, const char *path,
                            char *value, size_t size)
{
    int len = bus_was.read(state, t, path, value, size);
    struct report report;

    if (strcmp(path, STATE_OF_1) == 0) {
        return snprintf(value, size, "%d", (int)PROTOCOL_CONNECTED);
    }
    if (strcmp(path, REPORT_OF_1) != 0) {
        return len;
    }
    if (len > 0 && report_parse(value, (size_t)len, &report) == 0 &&
        report.state == REPORT_RUNNING) {
        (void)memcpy(heard.text, value, (size_t)len + 1);
        heard.len = len;
    }
    (void)memcpy(value, heard.text, (size_t)heard.len + 1);
    return heard.len;
}

static void hear_what_was(struct scenario *scenario)
{
    (void)scenario;
    bus_now.read = read_last_report;
}

/* The report without the guest's own floor. */
static int read_without_floor(void *state, bus_transaction t, const char *path,
                              char *value, size_t size)
{
    int len = bus_was.read(state, t, path, value, size);
    char *floor = len > 0 ? strstr(value, " floor_kib=") : NULL;

    if (floor != NULL) {
        floor[1] = 'x'; /* a name that nobody knows */
    }
    return len;
}

static void forget_guests_floor(struct scenario *scenario)
{
    (void)scenario;
    bus_now.read = read_without_floor;
}

/* Domain 0 looks like a guest with much to give. */
static int read_for_dom0(void *state, bus_transaction t, const char *path,
                         char *value, size_t size)
{
    if (strcmp(path, "/local/domain/0/" PROTOCOL_TARGET) == 0 ||
        strcmp(path, "/local/domain/0/" PROTOCOL_STATIC_MAX) == 0) {
        return snprintf(value, size, "%llu", (unsigned long long)(512 * MIB));
    }
    return bus_was.read(state, t, path, value, size);
}

static void see_dom0_as_guest(void *arg, const struct balancer *balancer)
{
    struct snapshot_domain *dom0 = &balancer->snapshot.domains[0];

    (void)arg;
    dom0->has_target = true;
    dom0->target_kib = 512 * MIB;
    dom0->ceiling_kib = 512 * MIB;
    dom0->voice = SNAPSHOT_VOICE_GOOD;
    dom0->reported_ms = balancer->snapshot.now_ms;
    dom0->report = (struct report){.heartbeat_ms = 60000,
                                   .current_kib = 512 * MIB,
                                   .balloon_target_kib = 512 * MIB,
                                   .target_kib = 512 * MIB,
                                   .total_kib = 508 * MIB,
                                   .available_kib = 400 * MIB};
}

static void take_dom0_for_a_guest(struct scenario *scenario)
{
    struct balancer *balancer = &scenario->world.daemon.balancer;

    scenario->world.settings.dom0_floor_kib = 128 * MIB;
    balancer->domains[0].target_kib = 512 * MIB;
    balancer->witness.before = see_dom0_as_guest;
    bus_now.read = read_for_dom0;
}

/*
 * A target is not looked at again before it is written: the transaction shows
 * the donor's as it was.
 */
static char donor_target[24];

static int read_old_target(void *state, bus_transaction t, const char *path,
                           char *value, size_t size)
{
    if (t != BUS_NO_TRANSACTION &&
        strcmp(path, "/local/domain/1/" PROTOCOL_TARGET) == 0) {
        return snprintf(value, size, "%s", donor_target);
    }
    return bus_was.read(state, t, path, value, size);
}

static void look_only_once(struct scenario *scenario)
{
    (void)snprintf(donor_target, sizeof(donor_target), "%llu",
                   (unsigned long long)scenario_target(scenario, "donor"));
    bus_now.read = read_old_target;
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
    /* Reports come by the store, where a mutant can change them. */
    scenario->guests[0].nature.has_no_grants = true;
    scenario->guests[1].nature.has_no_grants = true;
    taker->nature.up_kib_s = 10 * MIB;
    character_wants(taker, 20 * SECOND_MS, 600 * MIB);
}

/* And more when a frontend that hangs has long been silent. */
static void taker_wants_more(struct scenario *scenario)
{
    two_guests(scenario);
    character_wants(&scenario->guests[1], 100 * SECOND_MS, 800 * MIB);
}

/* Both want far more than there is, and one weighs next to nothing. */
static void unequal_guests(struct scenario *scenario)
{
    unsigned int i;

    two_guests(scenario);
    for (i = 0; i < 2; i++) {
        scenario->guests[i].nature.point_count = 0;
        character_wants(&scenario->guests[i], 0, 250 * MIB);
        character_wants(&scenario->guests[i], 20 * SECOND_MS, 1500 * MIB);
        scenario->guests[i].nature.swap_kib = 600 * MIB;
    }
    scenario->guests[1].config.maxmem_kib = 2000 * MIB;
    scenario_weigh(scenario, "donor", 1);
    scenario_weigh(scenario, "taker", 10000);
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

/* Suspended in the midst of the transfer. */
static void donor_migrates(struct scenario *scenario)
{
    uint64_t target = scenario_target(scenario, "donor");
    unsigned int i;

    for (i = 0; i < 600 && scenario_target(scenario, "donor") == target; i++) {
        (void)world_run_for(&scenario->world, SECOND_MS / 10);
    }
    xl_migrate(&scenario->world, world_find(&scenario->world, "donor"));
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

/* Both can swap all that they may hold. */
static void swapping_guests(struct scenario *scenario)
{
    two_guests(scenario);
    scenario->guests[0].nature.swap_kib = 2000 * MIB;
    scenario->guests[1].nature.swap_kib = 2000 * MIB;
}

/* Begins when the taker has not yet asked for what the donor has. */
static void donor_is_copied(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 15 * SECOND_MS);
    xl_migrate_live(&scenario->world, world_find(&scenario->world, "donor"));
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
                     scenario_target(scenario, "taker"));
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void donor_is_bounded(struct scenario *scenario)
{
    scenario_bound(scenario, "donor", 950 * MIB, 1000 * MIB);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void max_is_lowered(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, 2 * SECOND_MS);
    (void)xl_mem_max(&scenario->world, world_find(&scenario->world, "taker"),
                     450 * MIB);
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

/* A heartbeat, and a little. */
#define HEARD_MS (11 * SECOND_MS)

static void donor_takes_leave(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, HEARD_MS);
    domu_stop_frontend(world_find(&scenario->world, "donor"));
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

/* And then writes no more, as far as the taker's need is from that. */
static void donor_writes_garbage(struct scenario *scenario)
{
    struct domu *donor = world_find(&scenario->world, "donor");

    (void)world_run_for(&scenario->world, HEARD_MS);
    (void)bus_write(&donor->frontend_bus, BUS_NO_TRANSACTION, REPORT_OF_1,
                    "\xff", 1);
    donor_hangs(scenario);
}

/* Its reports are there, and from before this backend's time. */
static void backend_starts_after_donor_hung(struct scenario *scenario)
{
    struct world *world = &scenario->world;
    struct domu *donor = world_find(world, "donor");

    donor->config.hangs_ms = world->now_ms - donor->unpaused_ms;
    (void)world_run_for(world, SECOND_MS);
    daemon_start(&world->daemon, world->now_ms);
    world->daemon.bus.ops = &bus_now;
    (void)world_run_for(world, MINUTE_MS);
}

static void donor_is_left_alone(struct scenario *scenario)
{
    struct settings_domain entry = {.leave_alone = true};

    (void)snprintf(entry.name, sizeof(entry.name), "%s", "donor");
    (void)settings_add(&scenario->world.settings, &entry);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void donor_is_fixed(struct scenario *scenario)
{
    scenario_bound(scenario, "donor", 1000 * MIB, 1000 * MIB);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

static void taker_is_bounded(struct scenario *scenario)
{
    scenario_bound(scenario, "taker", 100 * MIB, 400 * MIB);
    (void)world_run_for(&scenario->world, 2 * MINUTE_MS);
}

/*
 * Between looking and writing, once: when the donor's target is read again in
 * the transaction that is to write it.
 */
static struct {
    struct world *world;
    bool destroys;
    int (*read)(void *state, bus_transaction t, const char *path, char *value,
                size_t size);
} meddler;

static void meddle(struct world *world)
{
    struct domu *donor = world_find(world, "donor");

    meddler.world = NULL;
    world->meddled_ms = world->now_ms;
    world->ledger.is_raced = true;
    if (meddler.destroys) {
        xl_destroy(world, donor);
    } else {
        (void)xl_mem_set(world, donor, donor->target_kib - 4 * MIB);
    }
}

static int read_meddled(void *state, bus_transaction t, const char *path,
                        char *value, size_t size)
{
    if (meddler.world != NULL && t != BUS_NO_TRANSACTION &&
        strcmp(path, "/local/domain/1/" PROTOCOL_TARGET) == 0) {
        meddle(meddler.world);
    }
    return meddler.read(state, t, path, value, size);
}

static void mem_set_meddles(struct scenario *scenario)
{
    meddler.world = &scenario->world;
    meddler.destroys = false;
    meddler.read = bus_now.read;
    bus_now.read = read_meddled;
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

static void destroy_meddles(struct scenario *scenario)
{
    meddler.world = &scenario->world;
    meddler.destroys = true;
    meddler.read = bus_now.read;
    bus_now.read = read_meddled;
    (void)world_run_for(&scenario->world, MINUTE_MS);
}

static const struct mutant mutants[] = {
    /* What is free */
    {"claims are not counted", forget_claims, two_guests, one_is_being_built,
     "promised"},
    {"nothing is kept in reserve", forget_reserve, two_guests, nothing_happens,
     "promised"},
    {"promises are not counted", forget_promises, two_guests, nothing_happens,
     "promised"},

    /* Bounds */
    {"limits are not set", set_no_limits, two_guests, nothing_happens, "limit"},
    {"limits come after targets", set_limits_late, two_guests, nothing_happens,
     "limit"},
    {"floors are not known", forget_settings, two_guests, donor_is_bounded,
     "below"},
    {"ceilings are not known", forget_settings, two_guests, taker_is_bounded,
     "above"},
    {"xl mem-max is not heard", overhear_mem_max, two_guests, max_is_lowered,
     "above"},
    {"a guest's own floor is not heard", forget_guests_floor, unequal_guests,
     nothing_happens, "cannot go below"},

    /* Hands off */
    {"dying domains look alive", overlook_death, two_guests, donor_crashes,
     "is dying"},
    {"suspended domains look alive", overlook_death, two_guests, donor_migrates,
     "is not there"},
    {"who is migrated is moved like others", overlook_savers, swapping_guests,
     donor_is_copied, "is being saved"},
    {"xl mem-set is not heard", overhear_mem_set, two_guests,
     mem_set_says_what_is, "is the operator's"},
    {"nobody is fixed", forget_settings, two_guests, donor_is_fixed,
     "is fixed"},
    {"nobody is left alone", forget_settings, two_guests, donor_is_left_alone,
     "is to be left alone"},
    {"a hung frontend is heard", hear_the_hung, taker_wants_more, donor_hangs,
     "is silent"},
    {"one that took leave is heard", hear_what_was, two_guests,
     donor_takes_leave, "has no frontend"},
    {"what was there before is heard", take_old_for_new, two_guests,
     backend_starts_after_donor_hung, "has not reported to this backend"},
    {"garbage is heard as what was", hear_what_was, two_guests,
     donor_writes_garbage, "is not understood"},
    {"dom0 is a guest", take_dom0_for_a_guest, two_guests, nothing_happens,
     "is not xl's"},
    {"a foreign target is overwritten", look_only_once, two_guests,
     mem_set_meddles, "is the operator's"},
    {"a node of the dead is written", look_only_once, two_guests,
     destroy_meddles, "is not there"},
};

/* ---- The tests ---------------------------------------------------------- */

static void arm(struct scenario *scenario)
{
    struct daemon *daemon = &scenario->world.daemon;

    bus_was = bus_now = *daemon->bus.ops;
    hypervisor_was = hypervisor_now = *daemon->hypervisor.ops;
    daemon->bus.ops = &bus_now;
    daemon->hypervisor.ops = &hypervisor_now;
}

static void each_safeguard_is_needed(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
        mutant_check(&mutants[i], arm);
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
