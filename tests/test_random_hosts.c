/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random hosts: guests of any character, an operator and a toolstack that do
 * anything at any time, a backend that is killed and whose calls fail.  The
 * rules hold at every step, and a host that is left in peace comes to rest.
 *
 * A failure names its seed; XENBALLOON_SEED repeats it, and
 * XENBALLOON_SEEDS says how many to try.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/units.h"
#include "tests/world/character.h"
#include "tests/world/world.h"
#include "tests/world/xl.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

#define GUESTS_MAX 24
#define SEEDS 80

struct host {
    struct world world;
    struct dice dice; /* for what happens to the host */
    struct dice wire; /* for how its guests speak */
    struct character guests[GUESTS_MAX];
    unsigned int count;
    bool is_restless; /* has a guest that never comes to rest */
};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- The decision ------------------------------------------------------- */

/*
 * The linker puts __wrap_decide() where the backend calls decide(): each
 * decision is made a second time with the domains the other way round, and
 * must be the same.
 */
void __real_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan);
void __wrap_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan);

static struct world *decided; /* the one whose backend decides */

/* One that leaves may meet its successor; and dom0. */
#define DECIDED_MAX (2 * GUESTS_MAX + 1)

static bool is_same(const struct decide_step *a, const struct decide_step *b)
{
    return a->domid == b->domid && a->state == b->state &&
           a->demand_kib == b->demand_kib && a->least_kib == b->least_kib &&
           a->goal_kib == b->goal_kib && a->target_kib == b->target_kib &&
           a->limit_kib == b->limit_kib && a->reason.code == b->reason.code;
}

void __wrap_decide(const struct snapshot *snapshot, struct decide_host *host,
                   struct decide_memory *memories, struct plan *plan)
{
    struct snapshot_domain domains[DECIDED_MAX];
    struct decide_memory other_memories[DECIDED_MAX];
    struct decide_step steps[DECIDED_MAX];
    struct snapshot other = *snapshot;
    struct decide_host other_host = *host;
    struct plan other_plan = {.steps = steps};
    unsigned int count = snapshot->count;
    unsigned int i;

    assert_in_range(count, 0, DECIDED_MAX);
    other.domains = domains;
    for (i = 0; i < count; i++) {
        domains[i] = snapshot->domains[count - 1 - i];
        other_memories[i] = memories[count - 1 - i];
    }
    __real_decide(&other, &other_host, other_memories, &other_plan);
    __real_decide(snapshot, host, memories, plan);
    for (i = 0; i < count; i++) {
        if (!is_same(&plan->steps[i], &steps[count - 1 - i])) {
            world_break(decided,
                        "domain %u: another plan in another order of domains",
                        plan->steps[i].domid);
        }
    }
}

/* ---- What a host is ----------------------------------------------------- */

static void draw_settings(struct host *host, const struct character *guest)
{
    struct settings_domain entry = {.has = 0};
    uint64_t max = guest->config.maxmem_kib;

    (void)snprintf(entry.name, sizeof(entry.name), "%s", guest->name);
    if (dice_chance(&host->dice, 30)) {
        entry.has |= SETTINGS_HAS_FLOOR;
        entry.floor_kib = dice_between(&host->dice, 64 * MIB, max);
    }
    if (dice_chance(&host->dice, 30)) {
        entry.has |= SETTINGS_HAS_CEILING;
        entry.ceiling_kib =
            dice_between(&host->dice, units_max(entry.floor_kib, 64 * MIB),
                         units_max(max + 64 * MIB, entry.floor_kib));
        if (dice_chance(&host->dice, 20) && entry.floor_kib != 0) {
            entry.ceiling_kib = entry.floor_kib;
        }
    }
    if (dice_chance(&host->dice, 30)) {
        entry.has |= SETTINGS_HAS_WEIGHT;
        entry.weight =
            dice_between(&host->dice, SETTINGS_WEIGHT_MIN, SETTINGS_WEIGHT_MAX);
    }
    entry.leave_alone = dice_chance(&host->dice, 5);
    (void)settings_add(&host->world.settings, &entry);
}

static void create(struct host *host)
{
    struct character *guest = &host->guests[host->count];

    if (host->count == GUESTS_MAX) {
        return;
    }
    character_draw(guest, &host->dice, host->count, 1500 * MIB);
    guest->nature.has_no_grants = dice_chance(&host->wire, 40);
    guest->config.has_bell = dice_chance(&host->wire, 50);
    host->count++;
    host->is_restless =
        host->is_restless || guest->nature.repeat_ms != 0 ||
        guest->nature.stuck_period_ms != 0 || guest->config.writes_garbage ||
        (guest->config.life_ms != 0 && guest->config.end != DOMU_CRASHES);
    draw_settings(host, guest);
    (void)xl_create(&host->world, &guest->config);
}

static void draw_host(struct host *host, uint64_t seed)
{
    struct world_config config = {.seed = seed, .dom0_kib = 300 * MIB};
    uint64_t guests;

    memset(host, 0, sizeof(*host));
    dice_init(&host->dice, seed, 2);
    dice_init(&host->wire, seed, 4);
    config.total_kib =
        units_whole_pages(dice_between(&host->dice, 1000 * MIB, 6000 * MIB));
    config.reserve_kib =
        units_whole_pages(dice_between(&host->dice, 4, 300 * MIB));
    config.dom0_limit_kib =
        dice_chance(&host->dice, 30) ? UINT32_MAX * UINT64_C(4) : 0;
    world_init(&host->world, &config);
    host->world.ledger.has_no_grants = dice_chance(&host->wire, 15);
    decided = &host->world;
    host->world.is_quiet = true;
    guests = dice_between(&host->dice, 1, 8);
    while (guests-- > 0) {
        create(host);
    }
    host->world.ledger.has_no_bells = dice_chance(&host->wire, 15);
    daemon_start(&host->world.daemon, 0);
}

/* ---- What happens to it ------------------------------------------------- */

static struct domu *any_domu(struct host *host)
{
    return host->world.count == 0 ? NULL
                                  : host->world.domus[dice_between(
                                        &host->dice, 0, host->world.count - 1)];
}

static uint64_t any_size(struct host *host, const struct domu *domu)
{
    return units_whole_pages(dice_between(&host->dice, 128 * MIB,
                                          domu->config.maxmem_kib + 64 * MIB));
}

static void restart_frontend(struct host *host, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING || domu->kernel_bus.ops == NULL) {
        return;
    }
    if (dice_chance(&host->dice, 50)) {
        if (dice_chance(&host->wire, 50)) {
            domu_kill_frontend(domu);
        } else {
            domu_stop_frontend(domu);
        }
    } else {
        domu_start_frontend(domu, host->world.store, host->world.now_ms);
    }
}

static void disturb_backend(struct host *host)
{
    /* Not -ENOENT: that would be an answer, and a wrong one. */
    static const int errors[] = {-EAGAIN, -ENOMEM, -EIO, -EACCES, -ENOTCONN};
    struct daemon *daemon = &host->world.daemon;
    struct fault *fault = &daemon->fault;

    if (!daemon->is_running) {
        daemon_start(daemon, host->world.now_ms);
        return;
    }
    fault->has_struck = false;
    fault->at = fault->calls + dice_between(&host->dice, 1, 60);
    fault->kind = dice_chance(&host->dice, 50) ? FAULT_DIE : FAULT_FAIL;
    fault->error = errors[dice_between(&host->dice, 0,
                                       sizeof(errors) / sizeof(errors[0]) - 1)];
    if (dice_chance(&host->dice, 10)) {
        daemon_kill(daemon);
    }
}

static void happen(struct host *host)
{
    struct domu *domu = any_domu(host);

    switch (dice_between(&host->dice, 0, 11)) {
    case 0:
    case 1:
        create(host);
        break;
    case 2:
        xl_destroy(&host->world, domu);
        break;
    case 3:
        xl_crash(&host->world, domu);
        break;
    case 4:
        xl_save(&host->world, domu);
        break;
    case 5:
        (void)xl_restore(&host->world, domu);
        break;
    case 6:
        (void)xl_mem_set(&host->world, domu, any_size(host, domu));
        break;
    case 7:
        (void)xl_mem_max(&host->world, domu, any_size(host, domu));
        break;
    case 8:
        restart_frontend(host, domu);
        break;
    default:
        disturb_backend(host);
        break;
    }
}

static void expect_unbroken(const struct host *host)
{
    if (host->world.is_broken) {
        world_print(&host->world);
        fail_msg("XENBALLOON_SEED=%llu: %s",
                 (unsigned long long)host->world.seed, host->world.broken);
    }
}

static void live(struct host *host, bool has_trouble)
{
    uint64_t end_ms = 2 * MINUTE_MS;

    while (host->world.now_ms < end_ms && !host->world.is_broken) {
        (void)world_run_for(&host->world,
                            dice_between(&host->dice, 1, 8 * SECOND_MS));
        if (has_trouble && !host->world.is_broken) {
            happen(host);
        }
    }
    expect_unbroken(host);
}

/* ---- The tests ---------------------------------------------------------- */

static void each_seed(void (*test)(struct host *host))
{
    static struct host host;
    uint64_t seed = from_environment("XENBALLOON_SEED", 1);
    uint64_t count = from_environment(
        "XENBALLOON_SEEDS", getenv("XENBALLOON_SEED") != NULL ? 1 : SEEDS);
    uint64_t i;

    for (i = 0; i < count; i++) {
        draw_host(&host, seed + i);
        test(&host);
        world_done(&host.world);
    }
    print_message("# seeds %llu to %llu\n", (unsigned long long)seed,
                  (unsigned long long)(seed + count - 1));
}

/* How many guests of each kind there were. */
static unsigned int drawn[CHARACTER_KINDS];

static void trouble(struct host *host)
{
    unsigned int i;

    live(host, true);
    for (i = 0; i < host->count; i++) {
        unsigned int kind;

        for (kind = 0; kind < CHARACTER_KINDS; kind++) {
            drawn[kind] += host->guests[i].nature.word ==
                           character_word((enum character_kind)kind);
        }
    }
}

static void rules_hold_whatever_happens(void **state)
{
    unsigned int kind;

    (void)state;
    each_seed(trouble);
    for (kind = 0;
         kind < CHARACTER_KINDS && getenv("XENBALLOON_SEED") == NULL &&
         getenv("XENBALLOON_SEEDS") == NULL;
         kind++) {
        print_message("# %u %s\n", drawn[kind],
                      character_word((enum character_kind)kind));
        assert_int_not_equal(drawn[kind], 0);
    }
}

static uint64_t kills(const struct host *host)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < host->world.count; i++) {
        sum += host->world.domus[i]->model.oom_kills;
    }
    return sum;
}

/*
 * Programs want the same from here on, and every guest has had its time.  Only
 * where one is killed and starts again for ever there is no peace.
 */
static void peace(struct host *host)
{
    uint64_t before;
    bool is_at_rest;

    live(host, false);
    (void)world_run_for(&host->world, 3 * MINUTE_MS);
    if (host->is_restless) {
        return;
    }
    before = kills(host);
    is_at_rest = world_settle(&host->world, 2 * MINUTE_MS, 240 * MINUTE_MS);
    if (!is_at_rest && kills(host) - before < 100 && !host->world.is_broken) {
        writes_print(&host->world.store->log,
                     host->world.now_ms - 2 * MINUTE_MS, DAEMON_NAME, NULL);
        world_print(&host->world);
        fail_msg("XENBALLOON_SEED=%llu: does not come to rest",
                 (unsigned long long)host->world.seed);
    }
    expect_unbroken(host);
}

static void host_that_is_left_in_peace_comes_to_rest(void **state)
{
    (void)state;
    each_seed(peace);
}

/* ---- Plenty ------------------------------------------------------------- */

/* What the backend wants for a guest whose programs hold that much. */
static uint64_t demand_kib(uint64_t programs_kib)
{
    uint64_t used_kib = programs_kib + 64 * MIB; /* with its kernel */

    return used_kib + used_kib / 8 + 64 * MIB;
}

/* Some with faults, who want little and may keep all that they were given. */
static uint64_t draw_difficult(struct host *host)
{
    uint64_t guests = dice_between(&host->dice, 0, 3);
    uint64_t built_kib = 0;

    while (guests-- > 0) {
        struct character *guest = &host->guests[host->count];
        uint64_t memory_kib =
            units_whole_pages(dice_between(&host->dice, 200 * MIB, 700 * MIB));
        char name[DOMU_NAME_MAX];

        (void)snprintf(name, sizeof(name), "guest-%u", host->count++);
        character_init(guest, name, memory_kib, memory_kib, 30 * MIB);
        character_turn(guest, (enum character_kind)dice_between(
                                  &host->dice, CHARACTER_WILLING + 1,
                                  CHARACTER_KINDS - 1));
        built_kib += memory_kib;
    }
    return built_kib;
}

/*
 * Willing guests that grow at an ordinary pace, on a host that has what all of
 * them want at their largest, though it was given out badly at first.
 */
static uint64_t draw_plenty(struct host *host)
{
    uint64_t guests = dice_between(&host->dice, 2, 8);
    uint64_t difficult_kib = draw_difficult(host);
    uint64_t built_kib = 0;
    uint64_t wanted_kib = 0;

    while (guests-- > 0) {
        struct character *guest = &host->guests[host->count];
        uint64_t first_kib = dice_between(&host->dice, 0, 400 * MIB);
        uint64_t last_kib = dice_between(&host->dice, 0, 700 * MIB);
        uint64_t most_kib = demand_kib(units_max(first_kib, last_kib));
        uint64_t memory_kib = units_whole_pages(
            demand_kib(first_kib) + dice_between(&host->dice, 0, 400 * MIB));
        char name[DOMU_NAME_MAX];

        (void)snprintf(name, sizeof(name), "guest-%u", host->count++);
        character_init(
            guest, name, memory_kib,
            units_whole_pages(units_max(memory_kib, most_kib) + 400 * MIB),
            first_kib);
        character_wants(guest, dice_between(&host->dice, 0, MINUTE_MS),
                        last_kib);
        guest->config.is_hvm = dice_chance(&host->dice, 50);
        guest->nature.has_no_grants = dice_chance(&host->wire, 40);
        guest->config.has_bell = dice_chance(&host->wire, 50);
        built_kib += memory_kib;
        wanted_kib += most_kib;
    }
    return difficult_kib + units_max(built_kib, wanted_kib);
}

static void plenty(struct host *host)
{
    struct world_config config = {.seed = host->world.seed,
                                  .dom0_kib = 300 * MIB,
                                  .reserve_kib = 128 * MIB};
    unsigned int i;

    world_done(&host->world);
    memset(host, 0, sizeof(*host));
    dice_init(&host->dice, config.seed, 3);
    dice_init(&host->wire, config.seed, 5);
    config.total_kib =
        units_whole_pages(draw_plenty(host) + config.dom0_kib +
                          config.reserve_kib + host->count * 4 * MIB);
    world_init(&host->world, &config);
    decided = &host->world;
    host->world.is_quiet = true;
    for (i = 0; i < host->count; i++) {
        (void)xl_create(&host->world, &host->guests[i].config);
    }
    daemon_start(&host->world.daemon, 0);
    live(host, false);
    for (i = 0; i < host->world.count; i++) {
        const struct domu *domu = host->world.domus[i];

        if (domu->config.nature->word == character_word(CHARACTER_WILLING) &&
            (!domu_is_content(domu) || domu->model.oom_kills > 0)) {
            world_print(&host->world);
            fail_msg("XENBALLOON_SEED=%llu: somebody goes short",
                     (unsigned long long)config.seed);
        }
    }
}

static void host_with_plenty_serves_the_willing(void **state)
{
    (void)state;
    each_seed(plenty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold_whatever_happens),
        cmocka_unit_test(host_that_is_left_in_peace_comes_to_rest),
        cmocka_unit_test(host_with_plenty_serves_the_willing),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
