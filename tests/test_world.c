/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host itself: the hypervisor's books, the guests' kernels, xl,
 * and that the rules do see what breaks them.
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
#include "common/protocol.h"
#include "tests/world/character.h"
#include "tests/world/world.h"
#include "tests/world/xl.h"

#define MIB UINT64_C(1024)
#define HOUR_MS 3600000

static char impossible[160];

static void note_impossible(void *arg, const char *what)
{
    (void)arg;
    (void)snprintf(impossible, sizeof(impossible), "%s", what);
}

/* ---- The ledger --------------------------------------------------------- */

static void ledger_of_two(struct ledger *ledger)
{
    ledger_init(ledger, 1000 * MIB);
    ledger->impossible = note_impossible;
    impossible[0] = '\0';
    ledger_create(ledger, 2, "b", true);
    ledger_create(ledger, 1, "a", false);
    assert_int_equal(ledger_set_limit(ledger, 1, 700 * MIB), 0);
    assert_int_equal(ledger_set_limit(ledger, 2, 700 * MIB), 0);
}

static void frames_are_given_within_limit_and_what_is_free(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_of_two(&ledger);

    assert_int_equal(ledger_populate(&ledger, 1, 600 * MIB), 600 * MIB);
    assert_int_equal(ledger_populate(&ledger, 1, 200 * MIB), 100 * MIB);
    assert_int_equal(ledger_populate(&ledger, 2, 700 * MIB), 300 * MIB);
    assert_int_equal(ledger_populate(&ledger, 2, 4), 0);
    ledger_give_back(&ledger, 1, 100 * MIB);
    assert_int_equal(ledger_populate(&ledger, 2, 700 * MIB), 100 * MIB);
    ledger_check(&ledger);
    assert_string_equal(impossible, "");
    ledger_done(&ledger);
}

static void limit_below_what_is_held_stops_growth_alone(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_of_two(&ledger);
    (void)ledger_populate(&ledger, 1, 600 * MIB);

    assert_int_equal(ledger_set_limit(&ledger, 1, 100 * MIB), 0);
    assert_int_equal(ledger_populate(&ledger, 1, 4), 0);
    assert_int_equal(ledger_find(&ledger, 1)->current_kib, 600 * MIB);
    assert_int_equal(ledger_set_limit(&ledger, 3, 100 * MIB), -ESRCH);
    ledger_done(&ledger);
}

static void claim_keeps_others_out(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_of_two(&ledger);

    assert_int_equal(ledger_claim(&ledger, 2, 900 * MIB), -EINVAL);
    assert_int_equal(ledger_claim(&ledger, 2, 700 * MIB), 0);
    assert_int_equal(ledger_claim(&ledger, 1, 400 * MIB), -ENOMEM);
    assert_int_equal(ledger_populate(&ledger, 1, 600 * MIB), 300 * MIB);
    assert_int_equal(ledger_populate(&ledger, 2, 200 * MIB), 200 * MIB);
    assert_int_equal(ledger_claimed_kib(&ledger), 500 * MIB);
    assert_int_equal(ledger_claim(&ledger, 2, 0), 0);
    assert_int_equal(ledger_populate(&ledger, 1, 100 * MIB), 100 * MIB);
    ledger_check(&ledger);
    ledger_done(&ledger);
}

static void impossible_requests_are_told(void **state)
{
    struct ledger ledger;

    (void)state;
    ledger_of_two(&ledger);

    assert_int_equal(ledger_set_pod_target(&ledger, 2, 700 * MIB), 0);
    assert_string_equal(impossible, "");
    assert_int_equal(ledger_set_pod_target(&ledger, 2, 700 * MIB + 4), -EINVAL);
    assert_non_null(strstr(impossible, "PoD target above limit"));
    ledger_give_back(&ledger, 1, 4);
    assert_non_null(strstr(impossible, "gives back what it does not hold"));
    ledger.free_kib -= 4;
    ledger_check(&ledger);
    assert_non_null(strstr(impossible, "frames"));
    ledger_done(&ledger);
}

/* ---- The kernel's balloon ----------------------------------------------- */

/* A host of 4 GiB without a backend. */
static void empty_host(struct world *world)
{
    const struct world_config config = {
        .seed = 1, .total_kib = 4096 * MIB, .dom0_kib = 512 * MIB};

    world_init(world, &config);
    world->is_quiet = true;
}

static uint64_t held_kib(const struct world *world, const struct domu *domu)
{
    return ledger_find(&world->ledger, domu->domid)->current_kib;
}

static void balloon_obeys_the_target_at_once(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 1000 * MIB, 1000 * MIB, 100 * MIB);
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 10000));
    assert_int_equal(held_kib(&world, domu), 1000 * MIB);

    assert_int_equal(xl_mem_set(&world, domu, 600 * MIB), 0);
    assert_true(world_run_for(&world, 1000)); /* at 200 MiB/s */
    assert_in_range(held_kib(&world, domu), 790 * MIB, 830 * MIB);
    assert_true(world_run_for(&world, 1500));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);
    world_done(&world);
}

static void kernel_may_count_less_than_xen(void **state)
{
    struct guest_sample sample;
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
    character.config.is_hvm = true;
    character.config.videoram_kib = 8 * MIB;
    character.nature.extra_kib = 8 * MIB + 400;
    character.nature.uncounted_kib = 10 * MIB;
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 10000));
    assert_int_equal(domu->target_kib, 504 * MIB);
    assert_int_equal(held_kib(&world, domu), 512 * MIB + 400);

    assert_int_equal(xl_mem_set(&world, domu, 600 * MIB), 0);
    assert_true(world_run_for(&world, 2000));
    assert_int_equal(guest_sample(&domu->guest, &sample), 0);
    assert_int_equal(sample.balloon_target_kib, 582 * MIB);
    assert_int_equal(sample.balloon_current_kib, sample.balloon_target_kib);
    assert_int_equal(held_kib(&world, domu), 600 * MIB + 400);
    world_done(&world);
}

/* Linux tries at 0, 2, 6 and 14 s, and then not for an hour. */
static void balloon_gives_up_until_its_distance_changes(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
    character.config.frontend_ms = DOMU_NEVER; /* it would wake the driver */
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 10000));
    assert_int_equal(xl_mem_set(&world, domu, 800 * MIB), 0);
    (void)ledger_set_limit(&world.ledger, domu->domid, 600 * MIB);
    assert_true(world_run_for(&world, 60000));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);
    assert_true(domu->model.has_given_up);

    (void)ledger_set_limit(&world.ledger, domu->domid, 900 * MIB);
    assert_true(world_run_for(&world, 600000));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);
    assert_int_equal(xl_mem_set(&world, domu, 800 * MIB), 0); /* the same */
    assert_true(world_run_for(&world, 600000));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);
    assert_int_equal(xl_mem_set(&world, domu, 801 * MIB), 0);
    assert_true(world_run_for(&world, 5000));
    assert_int_equal(held_kib(&world, domu), 801 * MIB);
    world_done(&world);
}

static void frontend_wakes_a_driver_that_gave_up(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 10000));
    assert_int_equal(xl_mem_set(&world, domu, 800 * MIB), 0);
    (void)ledger_set_limit(&world.ledger, domu->domid, 600 * MIB);
    assert_true(world_run_for(&world, 60000));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);

    (void)ledger_set_limit(&world.ledger, domu->domid, 900 * MIB);
    assert_true(world_run_for(&world, 60000));
    assert_int_equal(held_kib(&world, domu), 800 * MIB);
    world_done(&world);
}

static void tell_kernel(struct domu *domu, uint64_t target_kib)
{
    assert_int_equal(guest_set_balloon_target(&domu->guest, target_kib), 0);
    domu->due_ms = 0; /* it does not sleep on */
}

/*
 * What a reflex rests on: what the kernel is told counts, until it is told
 * another by memory/target, and Xen's limit is all that bounds it.
 */
static void kernel_may_be_told_more_than_its_target(void **state)
{
    struct guest_sample sample;
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
    character.nature.uncounted_kib = 10 * MIB;
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 10000));
    (void)ledger_set_limit(&world.ledger, domu->domid, 600 * MIB);

    tell_kernel(domu, 570 * MIB);
    assert_true(world_run_for(&world, 1000));
    assert_int_equal(held_kib(&world, domu), 580 * MIB);
    assert_int_equal(domu->target_kib, 512 * MIB);

    /* It has failed, and waits; a lower one wakes it at once. */
    tell_kernel(domu, 700 * MIB);
    assert_true(world_run_for(&world, 1000));
    assert_int_equal(held_kib(&world, domu), 600 * MIB);
    tell_kernel(domu, 560 * MIB);
    assert_true(world_run_for(&world, 500));
    assert_int_equal(held_kib(&world, domu), 570 * MIB);

    assert_int_equal(xl_mem_set(&world, domu, 520 * MIB), 0);
    assert_true(world_run_for(&world, 2000));
    assert_int_equal(held_kib(&world, domu), 520 * MIB);
    assert_int_equal(guest_sample(&domu->guest, &sample), 0);
    assert_int_equal(sample.balloon_target_kib, 510 * MIB);
    world_done(&world);
}

/* What becomes of programs that want 700 MiB in a guest of 512. */
static const struct {
    const char *why;
    uint64_t swap_kib;
    bool is_killed;
} shortages[] = {
    {"without swap one is killed", 0, true},
    {"with swap they wait", 500 * MIB, false},
};

static void shortage_hurts(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct character character;
        struct world world;
        struct domu *domu;

        print_message("# %s\n", shortages[i].why);
        empty_host(&world);
        character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
        character_wants(&character, 5000, 700 * MIB);
        character.nature.swap_kib = shortages[i].swap_kib;
        domu = xl_create(&world, &character.config);
        assert_true(world_run(&world, 60000));
        assert_int_equal(domu->model.oom_kills > 0, shortages[i].is_killed);
        assert_false(domu_is_content(domu));
        if (!shortages[i].is_killed) {
            assert_true(domu->model.waited_us > 1000000);
            assert_true(domu->model.swapped_out_kib > 100 * MIB);
        }

        assert_int_equal(xl_mem_set(&world, domu, 900 * MIB), 0);
        assert_true(world_run_for(&world, 60000));
        assert_true(domu_is_content(domu));
        world_done(&world);
    }
}

/* Of the 700 MiB of a guest of 512, 300 are not touched. */
static void idle_memory_is_not_missed_in_swap(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;
    uint64_t waited_us;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 512 * MIB, 1000 * MIB, 100 * MIB);
    character_wants(&character, 5000, 700 * MIB);
    character.points[1].idle_kib = 300 * MIB;
    character_wants(&character, 120000, 700 * MIB);
    character.nature.swap_kib = 500 * MIB;
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 60000));
    assert_true(domu->model.swapped_kib > 100 * MIB);
    assert_true(domu_is_content(domu));
    waited_us = domu->model.waited_us;

    assert_true(world_run(&world, 120000));
    assert_int_equal(domu->model.waited_us, waited_us);
    assert_true(world_run(&world, 130000)); /* all of it is touched now */
    assert_false(domu_is_content(domu));
    assert_true(domu->model.waited_us > waited_us);
    world_done(&world);
}

/* ---- xl ----------------------------------------------------------------- */

static void domain_is_built_under_a_claim(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 2000 * MIB, 2000 * MIB, 100 * MIB);
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 1000));
    assert_int_equal(domu->phase, DOMU_BUILDING);
    assert_int_equal(held_kib(&world, domu) +
                         ledger_find(&world.ledger, 1)->claimed_kib,
                     2000 * MIB);
    assert_null(store_peek(world.store, "/local/domain/1/memory/target"));
    assert_non_null(store_peek(world.store, "/local/domain/1/name"));
    assert_true(world_run(&world, 3000));
    assert_int_equal(domu->phase, DOMU_RUNNING);
    assert_string_equal(
        store_peek(world.store, "/local/domain/1/memory/target"), "2048000");

    assert_null(xl_create(&world, &character.config));
    assert_true(world_run(&world, 6000));
    assert_null(ledger_find(&world.ledger, 2));
    world_done(&world);
}

static void nodes_go_before_the_domain_does(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 500 * MIB, 500 * MIB, 100 * MIB);
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 5000));

    xl_destroy(&world, domu);
    assert_null(store_peek(world.store, "/local/domain/1"));
    assert_false(ledger_find(&world.ledger, 1)->is_dying);
    assert_true(world_run_for(&world, 100));
    assert_true(ledger_find(&world.ledger, 1)->is_dying);
    assert_true(world_run_for(&world, 1000));
    assert_null(ledger_find(&world.ledger, 1));
    assert_int_equal(world.ledger.free_kib, 3584 * MIB);
    world_done(&world);
}

static void put(const struct world *world, const char *dir, const char *node,
                const char *value)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s%s", dir, node);
    assert_int_equal(
        bus_write(&world->xl, BUS_NO_TRANSACTION, path, value, strlen(value)),
        0);
}

/* Where there is no backend: a device of the crudest kind, without pages. */
static void make_device(const struct world *world, const struct domu *domu)
{
    char ours[BUS_PATH_MAX];
    char theirs[BUS_PATH_MAX];

    (void)snprintf(ours, sizeof(ours), "%s/%u/0", PROTOCOL_BACKEND_DIR,
                   domu->domid);
    (void)snprintf(theirs, sizeof(theirs), "/local/domain/%u/%s", domu->domid,
                   PROTOCOL_FRONTEND);
    put(world, ours, "", "");
    store_permit(world->store, ours, 0, domu->domid, TREE_READ);
    put(world, ours, "/version", "1");
    put(world, ours, "/state", "2");
    put(world, theirs, "", "");
    store_permit(world->store, theirs, domu->domid, 0, TREE_READ);
    put(world, theirs, "/state", "1");
    put(world, theirs, "/backend", ours);
}

static void restored_guest_goes_on_under_another_domid(void **state)
{
    struct character character;
    struct world world;
    struct domu *domu;

    (void)state;
    empty_host(&world);
    character_init(&character, "a", 500 * MIB, 800 * MIB, 100 * MIB);
    domu = xl_create(&world, &character.config);
    assert_true(world_run(&world, 5000));
    assert_int_equal(xl_mem_set(&world, domu, 400 * MIB), 0);
    assert_true(world_run_for(&world, 5000));

    xl_save(&world, domu);
    assert_null(ledger_find(&world.ledger, 1));
    assert_true(world_run_for(&world, 60000));
    assert_int_equal(xl_restore(&world, domu), 0);
    assert_true(world_run_for(&world, 5000));
    assert_int_equal(domu->domid, 2);
    assert_int_equal(held_kib(&world, domu), 400 * MIB);
    make_device(&world, domu);
    assert_true(world_run_for(&world, 5000));
    assert_true(domu->has_reported);
    assert_int_equal(xl_mem_set(&world, domu, 500 * MIB), 0);
    assert_true(world_run_for(&world, 5000));
    assert_int_equal(held_kib(&world, domu), 500 * MIB);
    world_done(&world);
}

/* What becomes of a guest 20 s after each start, and how often in 50 s. */
static const struct {
    enum domu_end end;
    uint32_t domid; /* of the last one */
    enum domu_phase phase;
} ends[] = {
    {DOMU_CRASHES, 1, DOMU_RUNNING}, /* as Xen keeps it */
    {DOMU_POWERS_OFF, 1, DOMU_GONE},
    {DOMU_REBOOTS, 3, DOMU_RUNNING},
    {DOMU_MIGRATES, 2, DOMU_RUNNING},
};

static void guest_ends_by_itself(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct character character;
        struct world world;
        struct domu *domu;

        empty_host(&world);
        character_init(&character, "a", 500 * MIB, 1000 * MIB, 100 * MIB);
        character.config.life_ms = 20000;
        character.config.end = ends[i].end;
        domu = xl_create(&world, &character.config);
        assert_true(world_run(&world, 5000));
        assert_int_equal(xl_mem_set(&world, domu, 400 * MIB), 0);

        assert_true(world_run(&world, 50000));
        assert_int_equal(domu->domid, ends[i].domid);
        assert_int_equal(domu->phase, ends[i].phase);
        if (domu->domid > 1) {
            /* Built anew with its last target, and well. */
            assert_int_equal(held_kib(&world, domu), 400 * MIB);
            assert_true(domu_is_content(domu));
        }
        world_done(&world);
    }
}

/* ---- The rules ---------------------------------------------------------- */

/*
 * A backend of the crudest kind: one write or limit, at 10 s, on a host with
 * 2584 MiB free and a reserve of 128: guest 1 has a frontend and holds 500 of
 * at most 3000 MiB, guest 2 is the operator's.
 */
static const struct {
    const char *why;
    const char *path; /* NULL: the limit of domain 1 */
    uint64_t kib;
    const char *expected; /* NULL: nothing is broken */
} breaches[] = {
    {"within everything", "/local/domain/1/memory/target", 400 * MIB, NULL},
    {"its own record", "/local/domain/0/xenballoon/1/target", 1, NULL},
    {"a limit that is covered", NULL, 2000 * MIB, NULL},
    {"less than the guest can bear", "/local/domain/1/memory/target", 80 * MIB,
     "cannot go below"},
    {"more than is free", NULL, 3000 * MIB, "promised"},
    {"target above limit", "/local/domain/1/memory/target", 600 * MIB,
     "limit 513024 below target"},
    {"target above static-max", "/local/domain/1/memory/target", 3001 * MIB,
     "above"},
    {"the operator's", "/local/domain/2/memory/target", 400 * MIB,
     "operator's"},
    {"domain 0", "/local/domain/0/memory/target", 400 * MIB, "is not xl's"},
    {"a domain that never was", "/local/domain/9/memory/target", 400 * MIB,
     "is not xl's"},
    {"a record for nobody", "/local/domain/0/xenballoon/9/target", 1,
     "not there"},
    {"a node of the toolstack", "/local/domain/1/memory/static-max", 1,
     "the backend wrote"},
};

static void rules_see_what_breaks_them(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
        struct character first;
        struct character second;
        struct hypervisor hypervisor;
        struct world world;
        struct bus bus;

        print_message("# %s\n", breaches[i].why);
        empty_host(&world);
        character_init(&first, "a", 500 * MIB, 3000 * MIB, 100 * MIB);
        character_init(&second, "b", 500 * MIB, 3000 * MIB, 100 * MIB);
        (void)xl_create(&world, &first.config);
        (void)xl_create(&world, &second.config);
        assert_true(world_run(&world, 5000));
        make_device(&world, world_find(&world, "a"));
        assert_true(world_run(&world, 10000));
        (void)xl_mem_set(&world, world_find(&world, "b"), 500 * MIB);
        store_connect(world.store, 0, DAEMON_NAME, &bus);
        hypervisor = ledger_hypervisor(&world.ledger);

        if (breaches[i].path != NULL) {
            assert_int_equal(bus_write_kib(&bus, BUS_NO_TRANSACTION,
                                           breaches[i].path, breaches[i].kib),
                             0);
        } else {
            assert_int_equal(
                hypervisor_set_limit(&hypervisor, 1, breaches[i].kib), 0);
        }
        assert_int_equal(world.is_broken, breaches[i].expected != NULL);
        if (breaches[i].expected != NULL) {
            assert_non_null(strstr(world.broken, breaches[i].expected));
        }
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_given_within_limit_and_what_is_free),
        cmocka_unit_test(limit_below_what_is_held_stops_growth_alone),
        cmocka_unit_test(claim_keeps_others_out),
        cmocka_unit_test(impossible_requests_are_told),
        cmocka_unit_test(balloon_obeys_the_target_at_once),
        cmocka_unit_test(kernel_may_count_less_than_xen),
        cmocka_unit_test(balloon_gives_up_until_its_distance_changes),
        cmocka_unit_test(frontend_wakes_a_driver_that_gave_up),
        cmocka_unit_test(kernel_may_be_told_more_than_its_target),
        cmocka_unit_test(shortage_hurts),
        cmocka_unit_test(idle_memory_is_not_missed_in_swap),
        cmocka_unit_test(domain_is_built_under_a_claim),
        cmocka_unit_test(nodes_go_before_the_domain_does),
        cmocka_unit_test(restored_guest_goes_on_under_another_domid),
        cmocka_unit_test(guest_ends_by_itself),
        cmocka_unit_test(rules_see_what_breaks_them),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
