/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered scenarios of peers.h, 8 to 14: what guests feel, what they say, and
 * who of them is asked.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/protocol.h"
#include "tests/outcomes.h"
#include "tests/peers.h"

static const struct known_short known_short[] = {
    {NULL, NULL},
};

/* ---- When something was felt, said and done ----------------------------- */

/* Times of one guest after its programs' step; UINT64_MAX: not yet. */
struct times {
    const char *name;
    uint64_t from_kib;  /* its target before */
    uint64_t stalls_ms; /* its programs first wait */
    uint64_t grant_ms;  /* its target is raised */
    uint64_t gib_ms;    /* by a GiB in all */
    uint64_t grows_ms;  /* it holds more */
};

static void times_start(struct times *times, const struct scenario *scenario,
                        const char *name)
{
    memset(times, 0xff, sizeof(*times));
    times->name = name;
    times->from_kib = scenario_target(scenario, name);
}

static void happens(uint64_t *ms, bool does, uint64_t now_ms)
{
    if (does && *ms == UINT64_MAX) {
        *ms = now_ms;
    }
}

static void times_read(struct times *times, const struct scenario *scenario)
{
    const struct domu *domu = world_find(&scenario->world, times->name);
    uint64_t now_ms = scenario->world.now_ms;

    happens(&times->stalls_ms, domu->model.waited_us > 0, now_ms);
    happens(&times->grant_ms, domu->target_kib > times->from_kib, now_ms);
    happens(&times->gib_ms, domu->target_kib >= times->from_kib + GIB, now_ms);
    happens(&times->grows_ms,
            scenario_held(scenario, times->name) > times->from_kib + 64 * MIB,
            now_ms);
}

/* From what was felt to what was done about it. */
static uint64_t after_stall(const struct times *times, uint64_t ms)
{
    return ms == UINT64_MAX ? UINT64_MAX : units_less(ms, times->stalls_ms);
}

/* When the guest first reported after it stalled. */
static uint64_t said_ms(const struct scenario *scenario,
                        const struct times *times)
{
    const struct writes *log = &scenario->world.store->log;
    uint32_t domid = world_find(&scenario->world, times->name)->domid;
    unsigned int i;

    for (i = 0; i < log->count; i++) {
        if (log->writes[i].domid == domid &&
            log->writes[i].ms >= times->stalls_ms) {
            return log->writes[i].ms;
        }
    }
    return UINT64_MAX;
}

/* ---- 8 ------------------------------------------------------------------ */

/*
 * Held at 3 GiB while 8 GiB belong to nobody, it suddenly needs 6: at ten
 * moments between two heartbeats, of which the worst counts.
 */
struct relief {
    uint64_t report_ms; /* from the first stall */
    uint64_t grant_ms;  /* of 1 GiB, from that report */
    uint64_t full_ms;   /* from the step */
    uint64_t swapped_kib;
    uint64_t kills;
};

static void relieve(struct relief *worst, uint64_t step_ms)
{
    struct scenario scenario;
    struct character *one;
    struct times times;
    struct gauge gauge;
    uint64_t full_ms = UINT64_MAX;
    uint64_t said;

    host(&scenario, 16 * GIB, 2 * GIB);
    one = guest(&scenario, "vm", GIB, 3 * GIB, 8 * GIB, 2 * GIB);
    one->nature.swap_kib = 8 * GIB;
    character_wants(one, step_ms, 6 * GIB);
    (void)guest(&scenario, "other", 3 * GIB, 3 * GIB, 3 * GIB, GIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm", step_ms);
    times_start(&times, &scenario, "vm");
    step_ms = scenario.world.now_ms;
    while (scenario.world.now_ms < step_ms + 10 * SECOND_MS) {
        run(&scenario, 10);
        times_read(&times, &scenario);
        happens(&full_ms, scenario_held(&scenario, "vm") >= 6 * GIB,
                scenario.world.now_ms);
    }
    if (times.stalls_ms != UINT64_MAX) {
        said = said_ms(&scenario, &times);
        worst->report_ms =
            units_max(worst->report_ms, units_less(said, times.stalls_ms));
        worst->grant_ms =
            units_max(worst->grant_ms, units_less(times.gib_ms, said));
    }
    worst->full_ms = units_max(worst->full_ms, full_ms - step_ms);
    worst->swapped_kib =
        units_max(worst->swapped_kib,
                  world_find(&scenario.world, "vm")->model.swapped_out_kib);
    worst->kills += scenario_kills(&scenario);
    scenario_done(&scenario);
}

static void scenario_08_over_inflated_guest_is_relieved(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct relief worst = {0};
    unsigned int i;

    (void)state;
    for (i = 0; i < 10; i++) {
        relieve(&worst, 30 * SECOND_MS + i * 1070);
    }
    outcomes_at_most(&outcomes, "08 pressure to report, ms", worst.report_ms,
                     500);
    outcomes_at_most(&outcomes, "08 report to 1 GiB granted, ms",
                     worst.grant_ms, 250);
    outcomes_at_most(&outcomes, "08 step to 6 GiB held, ms", worst.full_ms,
                     3 * SECOND_MS);
    outcomes_at_most(&outcomes, "08 swapped out, KiB", worst.swapped_kib,
                     256 * MIB);
    outcomes_at_most(&outcomes, "08 programs killed", worst.kills, 0);
    outcomes_end(&outcomes);
}

/* ---- 9 ------------------------------------------------------------------ */

/*
 * The host needs 2 GiB of a guest of 4 that uses 3.  Returns what it keeps,
 * and, in ret_hurt, how long its programs waited and how many were killed.
 */
static uint64_t keeps_kib(uint64_t swap_kib, uint64_t *ret_hurt)
{
    struct scenario scenario;
    struct gauge gauge;
    uint64_t held_kib;

    host(&scenario, 6 * GIB + RESERVE_KIB + 2 * MIB, 2 * GIB);
    guest(&scenario, "vm", GIB, 4 * GIB, 4 * GIB, 3 * GIB)->nature.swap_kib =
        swap_kib;
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm", 30 * SECOND_MS);
    ask_reserve(&scenario, RESERVE_KIB + 2 * GIB);
    gauge_run(&gauge, 2 * MINUTE_MS);
    held_kib = scenario_held(&scenario, "vm");
    *ret_hurt = world_find(&scenario.world, "vm")->model.waited_us +
                scenario_kills(&scenario);
    scenario_done(&scenario);
    return held_kib;
}

static void scenario_09_no_swap_no_standstill(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t with_kib;
    uint64_t kib;
    uint64_t hurt;

    (void)state;
    with_kib = keeps_kib(4 * GIB, &hurt);
    kib = keeps_kib(0, &hurt);
    outcomes_at_most(&outcomes, "09 yields, KiB", 4 * GIB - kib, 7 * GIB / 10);
    outcomes_at_most(&outcomes, "09 waiting and kills", hurt, 0);
    outcomes_at_least(&outcomes, "09 keeps more than one with swap, KiB",
                      units_less(kib, with_kib), MIB);
    outcomes_end(&outcomes);
}

/* ---- 10 ----------------------------------------------------------------- */

/* How often targets went back on what they did before, of all domains. */
static unsigned int reversals(const struct scenario *scenario,
                              uint64_t since_ms)
{
    const struct writes *log = &scenario->world.store->log;
    unsigned int count = 0;
    unsigned int i;

    for (i = 1; i <= scenario->world.last_domid; i++) {
        char path[64];
        uint64_t last = 0;
        int direction = 0;
        unsigned int j;

        (void)snprintf(path, sizeof(path), "/local/domain/%u/memory/target", i);
        for (j = 0; j < log->count; j++) {
            const struct write *write = &log->writes[j];
            uint64_t value;
            int now;

            if (strcmp(write->path, path) != 0 || write->value == NULL) {
                continue;
            }
            value = strtoull(write->value, NULL, 10);
            now = value > last ? 1 : -1;
            if (last != 0 && write->ms >= since_ms) {
                count += direction != 0 && now != direction;
                direction = now;
            }
            last = value;
        }
    }
    return count;
}

/*
 * The most nodes that the backend wrote at one time, without those that it
 * writes once in a domain's life.
 */
static unsigned int most_writes(const struct scenario *scenario,
                                uint64_t since_ms)
{
    const struct writes *log = &scenario->world.store->log;
    unsigned int most = 0;
    unsigned int count = 0;
    uint64_t ms = 0;
    unsigned int i;

    for (i = 0; i < log->count; i++) {
        const struct write *write = &log->writes[i];

        if (write->ms < since_ms || strcmp(write->name, DAEMON_NAME) != 0 ||
            strncmp(write->path, "limit/", 6) == 0 ||
            strstr(write->path, "/reason") != NULL ||    /* with its target, */
            strstr(write->path, "/allowance") != NULL || /* and after it */
            strstr(write->path, "/uuid") != NULL) {
            continue;
        }
        count = write->ms == ms ? count + 1 : 1;
        ms = write->ms;
        most = count > most ? count : most;
    }
    return most;
}

/* Six of twelve want 10 GiB at once: 42 more, and there are 22. */
static void scenario_10_several_ask_at_once(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    uint64_t grant_ms = 0;
    uint64_t starved_ms = 0;
    struct scenario scenario;
    struct times times[6];
    struct gauge gauge;
    uint64_t step_ms;
    unsigned int i;

    (void)state;
    host(&scenario, 64 * GIB, 4 * GIB);
    scenario.world.settings.reserve_kib = 2 * GIB;
    for (i = 0; i < 12; i++) {
        struct character *one =
            guest(&scenario, names[i], 2 * GIB, 4 * GIB, 12 * GIB, 3 * GIB);

        one->nature.swap_kib = 8 * GIB;
        if (i < 6) {
            character_wants(one, 30 * SECOND_MS, 10 * GIB);
        }
    }
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm1", 30 * SECOND_MS);
    step_ms = scenario.world.now_ms;
    scenario.world.daemon.ticks = 0;
    for (i = 0; i < 6; i++) {
        times_start(&times[i], &scenario, names[i]);
    }
    while (scenario.world.now_ms < step_ms + 30 * SECOND_MS) {
        run(&scenario, 20);
        for (i = 0; i < 6; i++) {
            times_read(&times[i], &scenario);
        }
    }
    outcomes_at_most(&outcomes, "10 ticks in 30 s", scenario.world.daemon.ticks,
                     600);
    gauge_run(&gauge, MINUTE_MS);

    for (i = 0; i < 6; i++) {
        grant_ms =
            units_max(grant_ms, after_stall(&times[i], times[i].grant_ms));
        starved_ms =
            units_max(starved_ms, after_stall(&times[i], times[i].grows_ms));
        low = units_min(low, scenario_target(&scenario, names[i]));
        high = units_max(high, scenario_target(&scenario, names[i]));
    }
    outcomes_at_most(&outcomes, "10 stall to grant, ms", grant_ms, 500);
    outcomes_at_most(&outcomes, "10 stall to growth, ms", starved_ms,
                     2 * SECOND_MS);
    outcomes_at_least(&outcomes, "10 smallest share, permyriad of the largest",
                      units_scale(low, 10000, high), 9800);
    outcomes_between(&outcomes, "10 largest share, KiB", high, 5800 * MIB,
                     6656 * MIB);
    outcomes_at_most(&outcomes, "10 writes at one time",
                     most_writes(&scenario, step_ms), 24);
    /* Once each: when head-room is no more what is lacking, but needs are. */
    outcomes_at_most(&outcomes, "10 reversals", reversals(&scenario, step_ms),
                     12);
    for (i = 6; i < 12; i++) {
        outcomes_true(&outcomes, "10 a donor has what it wants",
                      domu_is_content(world_find(&scenario.world, names[i])));
    }
    outcomes_at_most(&outcomes, "10 programs killed", scenario_kills(&scenario),
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 12 ----------------------------------------------------------------- */

static uint64_t free_in_guest_kib(const struct scenario *scenario,
                                  const char *name)
{
    const struct domu *domu = world_find(&scenario->world, name);
    struct guest_sample sample;

    (void)domu->guest.ops->sample(domu->guest.state, &sample);
    return sample.free_kib;
}

/* Both have little free: one is full of files read once, one of hot memory. */
static void scenario_12_only_the_guest_knows(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character *one;
    struct gauge gauge;
    uint64_t cache;
    uint64_t hot;

    (void)state;
    host(&scenario, 15 * GIB + RESERVE_KIB, 2 * GIB);
    one = guest(&scenario, "cache", GIB, 6400 * MIB, 8 * GIB, 64 * MIB);
    one->nature.cold_kib = 6 * GIB;
    one->nature.swap_kib = 2 * GIB;
    one = guest(&scenario, "hot", GIB, 6400 * MIB, 8 * GIB, 6 * GIB);
    one->nature.swap_kib = 2 * GIB;
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "cache", 100 * SECOND_MS);
    outcomes_at_most(&outcomes, "12 free in the first, KiB",
                     free_in_guest_kib(&scenario, "cache"), 300 * MIB);
    outcomes_at_least(&outcomes, "12 free in the second, KiB",
                      free_in_guest_kib(&scenario, "hot"),
                      free_in_guest_kib(&scenario, "cache"));
    cache = scenario_held(&scenario, "cache");
    hot = scenario_held(&scenario, "hot");
    ask_reserve(&scenario, scenario.world.ledger.free_kib + 3 * GIB);
    gauge_run(&gauge, MINUTE_MS);

    cache = units_less(cache, scenario_held(&scenario, "cache"));
    hot = units_less(hot, scenario_held(&scenario, "hot"));
    outcomes_at_least(&outcomes, "12 taken, KiB", cache + hot, 3 * GIB);
    outcomes_at_least(&outcomes, "12 taken from cache, permyriad",
                      units_scale(cache, 10000, cache + hot), 9000);
    outcomes_at_most(&outcomes, "12 swapped out, KiB",
                     world_find(&scenario.world, "hot")->model.swapped_out_kib,
                     0);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

/* ---- 13 ----------------------------------------------------------------- */

#define OWN(node) PROTOCOL_FRONTEND "/" node
#define REPORT OWN(PROTOCOL_NODE_REPORT)

/*
 * More than ten writes, some of which must be refused; returns how many of
 * those were not.
 */
static unsigned int attack(const struct bus *bus, unsigned int round)
{
    static char large[1024 * 1024];
    static const char absurd[] =
        "version=1 state=running balloon=idle heartbeat_ms=10000 "
        "current_kib=1099511627776 balloon_target_kib=1 target_kib=1 "
        "total_kib=1099511627776 available_kib=0 free_kib=0 "
        "committed_kib=1099511627776 pressure_some_us=999999999999 "
        "pressure_full_us=999999999999";
    static const struct {
        const char *text;
        size_t len;
    } reports[] = {
        {absurd, sizeof(absurd) - 1},
        {"version=1 \xff\xfe\xc0\x80 state=running", 28},
        {"\0\n%n", 4},
    };
    static const char *const forbidden[] = {
        "/local/domain/2/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_REPORT,
        "/local/domain/3/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_STATE,
        PROTOCOL_BACKEND_DIR "/1/0/" PROTOCOL_NODE_ALLOWANCE,
        ("/local/domain/2/" PROTOCOL_TARGET),
        "/local/domain/3/data",
        "/local/domain/0/xenballoon/2/operator",
        "/local/domain/0/xenballoon/1/floor",
        PROTOCOL_TARGET,
    };
    unsigned int done = 0;
    unsigned int i;

    for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        done += bus_write(bus, BUS_NO_TRANSACTION, forbidden[i], absurd,
                          sizeof(absurd) - 1) == 0;
    }
    if (round % 16 == 0) {
        done += bus_write(bus, BUS_NO_TRANSACTION, REPORT, large,
                          sizeof(large)) == 0;
    }
    /* It keeps its end of the device open, as far as its garbage lets it. */
    (void)bus_write(bus, BUS_NO_TRANSACTION, OWN(PROTOCOL_NODE_VERSION),
                    round % 32 == 0 ? "2" : "1", 1);
    (void)bus_write(bus, BUS_NO_TRANSACTION, OWN(PROTOCOL_NODE_TRANSPORT),
                    round % 64 < 48 ? PROTOCOL_TRANSPORT_RECORD
                                    : PROTOCOL_TRANSPORT_PAGE,
                    round % 64 < 48 ? 6 : 4);
    (void)bus_write(bus, BUS_NO_TRANSACTION, OWN(PROTOCOL_NODE_PAGE_REF), "7",
                    1);
    (void)bus_write(bus, BUS_NO_TRANSACTION, OWN(PROTOCOL_NODE_STATE), "3", 1);
    for (i = 0; i < 3; i++) {
        (void)bus_write(bus, BUS_NO_TRANSACTION, REPORT,
                        reports[(round + i) % 3].text,
                        reports[(round + i) % 3].len);
    }
    if (round % 1000 == 0) {
        (void)bus_remove(bus, BUS_NO_TRANSACTION, PROTOCOL_FRONTEND);
    }
    return done;
}

/*
 * How long it takes until a guest that wants 2 GiB more holds them, next to a
 * guest that is quiet or hostile for ten seconds, at more than ten writes
 * a millisecond.
 */
static uint64_t served_ms(struct outcomes *outcomes, bool is_hostile)
{
    struct scenario scenario;
    struct character *one;
    struct bus bus = {NULL, NULL};
    unsigned int done = 0;
    uint64_t ms = UINT64_MAX;
    uint64_t demand = 0;
    uint64_t step_ms;
    unsigned int i;

    host(&scenario, 2 * GIB + 3 * GIB + 6 * GIB + RESERVE_KIB + 8 * MIB,
         2 * GIB);
    one = guest(&scenario, "hostile", GIB, 3 * GIB, 3 * GIB, GIB);
    one->config.frontend_ms = DOMU_NEVER;
    one = guest(&scenario, "taker", GIB, 2 * GIB, 4 * GIB, GIB);
    one->nature.swap_kib = 2 * GIB;
    character_wants(one, 20 * SECOND_MS, 3 * GIB);
    (void)guest(&scenario, "donor", GIB, 4 * GIB, 4 * GIB, GIB);
    start(&scenario);
    store_connect(scenario.world.store, 1, "hostile", &bus);
    scenario.world.daemon.ticks = 0;
    step_ms =
        world_find(&scenario.world, "taker")->model.boot_ms + 20 * SECOND_MS;
    for (i = 0; i < 15 * SECOND_MS; i++) {
        if (is_hostile && i >= 2 * SECOND_MS && i < 12 * SECOND_MS) {
            done += attack(&bus, i);
        }
        run(&scenario, 1);
        if (scenario_held(&scenario, "taker") >= 3 * GIB &&
            scenario.world.now_ms >= step_ms) {
            happens(&ms, true, scenario.world.now_ms);
        }
        if (scenario_seen(&scenario, "hostile") != NULL) {
            demand = units_max(
                demand, scenario_seen(&scenario, "hostile")->step.demand_kib);
        }
    }
    if (is_hostile) {
        outcomes_at_most(outcomes, "13 writes not refused", done, 0);
        outcomes_at_most(outcomes, "13 ticks in 15 s",
                         scenario.world.daemon.ticks, 15 * SECOND_MS / 20);
        outcomes_at_most(outcomes, "13 demand believed, KiB", demand, 3 * GIB);
        outcomes_at_most(outcomes, "13 held by it, KiB",
                         scenario_held(&scenario, "hostile"), 3 * GIB + MIB);
    }
    store_disconnect(&bus);
    scenario_done(&scenario);
    return ms == UINT64_MAX ? ms : ms - step_ms;
}

static void scenario_13_hostile_guest_harms_itself(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    uint64_t quiet_ms;
    uint64_t hostile_ms;

    (void)state;
    quiet_ms = served_ms(&outcomes, false);
    hostile_ms = served_ms(&outcomes, true);
    outcomes_at_most(&outcomes, "13 served beside a quiet one, ms", quiet_ms,
                     5 * SECOND_MS);
    /* A tenth, or the world's own step. */
    outcomes_between(&outcomes, "13 served beside a hostile one, ms",
                     hostile_ms, quiet_ms - units_max(quiet_ms / 10, 100),
                     units_add(quiet_ms, units_max(quiet_ms / 10, 100)));
    outcomes_end(&outcomes);
}

/* ---- 14 ----------------------------------------------------------------- */

/* The host needs 4 GiB, and only two of four guests can be asked. */
static void scenario_14_static_domains_are_counted_not_touched(void **state)
{
    struct outcomes outcomes = {.known = known_short};
    struct scenario scenario;
    struct character *one;
    struct gauge gauge;
    unsigned int i;

    (void)state;
    host(&scenario, 34 * GIB + RESERVE_KIB + 8 * MIB, 2 * GIB);
    one = guest(&scenario, "pv", GIB, 8 * GIB, 8 * GIB, GIB);
    one->nature.has_no_balloon = true;
    one = guest(&scenario, "hvm", GIB, 8 * GIB, 8 * GIB, GIB);
    one->config.is_hvm = true;
    one->config.frontend_ms = DOMU_NEVER;
    (void)guest(&scenario, "vm3", GIB, 8 * GIB, 8 * GIB, 3 * GIB);
    (void)guest(&scenario, "vm4", GIB, 8 * GIB, 8 * GIB, 3 * GIB);
    start(&scenario);
    gauge_start(&gauge, &scenario);
    gauge_live(&gauge, "vm4", 30 * SECOND_MS);
    ask_reserve(&scenario, RESERVE_KIB + 4 * GIB);
    outcomes_at_most(
        &outcomes, "14 4 GiB found, ms",
        gauge_until_free(&gauge, RESERVE_KIB + 4 * GIB, 30 * SECOND_MS),
        10 * SECOND_MS);
    gauge_run(&gauge, MINUTE_MS);

    outcomes_true(&outcomes, "14 pv is static",
                  state_of(&scenario, "pv") == DECIDE_STATIC);
    outcomes_true(&outcomes, "14 hvm is static",
                  state_of(&scenario, "hvm") == DECIDE_STATIC);
    outcomes_at_most(&outcomes, "14 writes for pv and hvm",
                     writes_since(&scenario, 0, "/1/memory") +
                         writes_since(&scenario, 0, "/2/memory") +
                         writes_since(&scenario, 0, "/xenballoon/1/") +
                         writes_since(&scenario, 0, "/xenballoon/2/") +
                         writes_since(&scenario, 0, "limit/1") +
                         writes_since(&scenario, 0, "limit/2"),
                     0);
    for (i = 2; i < 4; i++) {
        outcomes_between(&outcomes, "14 held by vm3 or vm4, KiB",
                         scenario_held(&scenario, names[i]), 5 * GIB, 7 * GIB);
    }
    outcomes_between(&outcomes, "14 spare told, KiB",
                     scenario.world.daemon.balancer.plan.spare_kib, 3 * GIB,
                     6 * GIB);
    scenario_done(&scenario);
    outcomes_end(&outcomes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_08_over_inflated_guest_is_relieved),
        cmocka_unit_test(scenario_09_no_swap_no_standstill),
        cmocka_unit_test(scenario_10_several_ask_at_once),
        cmocka_unit_test(scenario_12_only_the_guest_knows),
        cmocka_unit_test(scenario_13_hostile_guest_harms_itself),
        cmocka_unit_test(scenario_14_static_domains_are_counted_not_touched),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
