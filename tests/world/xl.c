/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl of the simulated host; see xl.h.  The order of calls and writes is
 * libxl's: libxl__domain_make, libxl__build_pre and _post,
 * devices_destroy_cb, libxl_set_memory_target, libxl_domain_setmaxmem.
 */
#include "tests/world/xl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "tests/world/memory.h"

/* LIBXL_MAXMEM_CONSTANT */
#define SLACK_KIB 1024

/* Time between two things that happen to a domain in the making or dying. */
#define BUILD_STEP_MS 20
#define LEAVING_MS 60
#define DYING_MS 300

/* What is left to copy of a guest that stands still; until it is back. */
#define COPIED_MS 10000
#define SUSPENDED_MS 300
#define AWAY_MS 2000

/* xl tries again when its transaction met another, without end. */
#define TRIES_MAX 100

/* ---- The store --------------------------------------------------------- */

static void put(const struct world *world, bus_transaction t, const char *path,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void put(const struct world *world, bus_transaction t, const char *path,
                const char *format, ...)
{
    char value[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    (void)bus_write(&world->xl, t, path, value, (size_t)len);
}

/* A path of the domain's own directory. */
static const char *home(char path[BUS_PATH_MAX], const struct domu *domu,
                        const char *rest)
{
    (void)snprintf(path, BUS_PATH_MAX, "/local/domain/%u%s", domu->domid, rest);
    return path;
}

static const char *vm(char path[BUS_PATH_MAX], const struct domu *domu,
                      const char *rest)
{
    (void)snprintf(path, BUS_PATH_MAX, "/vm/%s%s", domu->uuid, rest);
    return path;
}

static const char *libxl(char path[BUS_PATH_MAX], const struct domu *domu)
{
    (void)snprintf(path, BUS_PATH_MAX, "/libxl/%u", domu->domid);
    return path;
}

/* The domain's directories, and who may do what there. */
static void make_nodes(const struct world *world, const struct domu *domu)
{
    static const char *const writable[] = {
        "/data",
        "/drivers",
        "/feature",
        "/attr",
        "/error",
        "/control/shutdown",
        "/device/suspend/event-channel",
    };
    static const char *const readable[] = {
        "/cpu",
        "/memory",
        "/device",
        "/control",
    };
    char path[BUS_PATH_MAX];
    unsigned int i;

    put(world, BUS_NO_TRANSACTION, home(path, domu, ""), "%s", "");
    store_permit(world->store, path, 0, domu->domid, TREE_READ);
    put(world, BUS_NO_TRANSACTION, vm(path, domu, ""), "%s", "");
    store_permit(world->store, path, 0, domu->domid, TREE_READ);
    put(world, BUS_NO_TRANSACTION, libxl(path, domu), "%s", "");
    for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        put(world, BUS_NO_TRANSACTION, home(path, domu, readable[i]), "%s", "");
    }
    for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
        put(world, BUS_NO_TRANSACTION, home(path, domu, writable[i]), "%s", "");
        store_permit(world->store, path, domu->domid, 0, 0);
    }
    put(world, BUS_NO_TRANSACTION, home(path, domu, "/vm"), "/vm/%s",
        domu->uuid);
    put(world, BUS_NO_TRANSACTION, home(path, domu, "/name"), "%s", domu->name);
    put(world, BUS_NO_TRANSACTION, vm(path, domu, "/name"), "%s", domu->name);
    put(world, BUS_NO_TRANSACTION, vm(path, domu, "/uuid"), "%s", domu->uuid);
}

static void announce(const struct world *world, const struct domu *domu)
{
    char path[BUS_PATH_MAX];
    bus_transaction t;

    if (bus_begin(&world->xl, &t) < 0) {
        return;
    }
    put(world, t, home(path, domu, "/memory/static-max"), "%" PRIu64,
        domu->config.maxmem_kib);
    put(world, t, home(path, domu, "/memory/target"), "%" PRIu64,
        domu->target_kib);
    put(world, t, home(path, domu, "/memory/videoram"), "%" PRIu64,
        domu->config.videoram_kib);
    put(world, t, home(path, domu, "/domid"), "%u", domu->domid);
    (void)bus_end(&world->xl, t, true);
    store_fire(world->store, "@introduceDomain");
}

uint64_t xl_limit_kib(const struct domu *domu, uint64_t target_kib)
{
    return target_kib + domu->config.videoram_kib + SLACK_KIB;
}

/* ---- Birth ------------------------------------------------------------- */

static void enter(const struct world *world, struct domu *domu,
                  enum domu_phase phase)
{
    domu->phase = phase;
    domu->phase_ms = world->now_ms;
}

/* What the domain holds when it is built. */
static uint64_t size_kib(const struct domu *domu)
{
    return domu->target_kib + domu->config.nature->extra_kib;
}

/* domu->target_kib says how large it becomes; -ENOMEM. */
static int begin_build(struct world *world, struct domu *domu)
{
    uint64_t limit = xl_limit_kib(domu, domu->target_kib);
    int r;

    domu->domid = ++world->last_domid;
    domu->is_operators = false; /* it is another domain now */
    domu->is_backends = false;
    domu->is_limit_xls = false;
    domu->is_garbled = false;
    domu->floor_kib = 0;
    domu->next_floor_kib = 0;
    ledger_create(&world->ledger, domu->domid, domu->uuid, domu->config.is_hvm);
    make_nodes(world, domu);
    (void)ledger_set_limit(&world->ledger, domu->domid, limit);
    enter(world, domu, DOMU_BUILDING);
    r = ledger_claim(&world->ledger, domu->domid, size_kib(domu));
    if (r < 0) {
        xl_destroy(world, domu);
    }
    return r;
}

static void finish_build(struct world *world, struct domu *domu)
{
    (void)ledger_claim(&world->ledger, domu->domid, 0);
    announce(world, domu);
    ledger_find(&world->ledger, domu->domid)->is_paused = false;
    domu->unpaused_ms = world->now_ms;
    enter(world, domu, DOMU_RUNNING);
    /* One that was saved goes on where it was. */
    domu_move(domu, domu->domid, world->now_ms);
}

static void build(struct world *world, struct domu *domu)
{
    const struct hypervisor_domain *domain =
        ledger_find(&world->ledger, domu->domid);
    uint64_t missing = units_less(size_kib(domu), domain->current_kib);
    uint64_t step = units_scale(world->build_kib_s, BUILD_STEP_MS, 1000);

    domu->phase_ms = world->now_ms;
    if (missing < UNITS_KIB_PER_PAGE) {
        finish_build(world, domu);
    } else if (ledger_populate(&world->ledger, domu->domid,
                               units_min(missing, step)) == 0) {
        xl_destroy(world, domu);
    }
}

struct domu *xl_create(struct world *world, const struct domu_config *config)
{
    struct domu *domu = memory_zeroed(sizeof(*domu));

    domu->config = *config;
    (void)snprintf(domu->name, sizeof(domu->name), "%s", config->name);
    (void)snprintf(domu->uuid, sizeof(domu->uuid), "%08x-%04x-4000-8000-%012x",
                   world->count + 1,
                   (unsigned int)dice_between(&world->dice, 0, 0xffff),
                   (unsigned int)dice_between(&world->dice, 0, UINT32_MAX));
    dice_init(&domu->dice, dice_next(&world->dice), world->count);
    domu->target_kib = config->memory_kib - config->videoram_kib;
    if (world->count == world->room) {
        world->room = world->room == 0 ? 16 : world->room * 2;
        world->domus =
            memory_array(world->domus, world->room, sizeof(struct domu *));
    }
    world->domus[world->count++] = domu;
    return begin_build(world, domu) < 0 ? NULL : domu;
}

/* ---- Death ------------------------------------------------------------- */

static void remove_nodes(const struct world *world, const struct domu *domu)
{
    char path[BUS_PATH_MAX];

    (void)bus_remove(&world->xl, BUS_NO_TRANSACTION, vm(path, domu, ""));
    (void)bus_remove(&world->xl, BUS_NO_TRANSACTION, home(path, domu, ""));
    (void)bus_remove(&world->xl, BUS_NO_TRANSACTION, libxl(path, domu));
}

void xl_destroy(struct world *world, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING && domu->phase != DOMU_BUILDING) {
        return;
    }
    domu_halt(domu);
    domu->copied_ms = 0;
    ledger_find(&world->ledger, domu->domid)->is_paused = true;
    remove_nodes(world, domu);
    enter(world, domu, DOMU_LEAVING);
}

void xl_crash(struct world *world, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING) {
        return;
    }
    domu_halt(domu);
    domu->copied_ms = 0;
    domu->unpaused_ms = UINT64_MAX / 2; /* it will not boot again */
    ledger_find(&world->ledger, domu->domid)->is_dying = true;
    store_fire(world->store, "@releaseDomain");
}

static void take_apart(struct world *world, struct domu *domu)
{
    struct hypervisor_domain *domain = ledger_find(&world->ledger, domu->domid);

    if (domu->phase == DOMU_LEAVING) {
        domain->is_dying = true;
        domain->claimed_kib = 0;
        ledger_give_back(&world->ledger, domu->domid,
                         units_whole_pages(domain->current_kib / 2));
        enter(world, domu, DOMU_DYING);
    } else {
        ledger_destroy(&world->ledger, domu->domid);
        enter(world, domu, DOMU_GONE);
    }
    store_fire(world->store, "@releaseDomain");
    if (domu->phase == DOMU_GONE && domu->is_to_return) {
        domu->is_to_return = false;
        (void)begin_build(world, domu);
    }
}

void xl_reboot(struct world *world, struct domu *domu)
{
    if (domu->phase == DOMU_RUNNING) {
        domu->is_to_return = true;
        xl_destroy(world, domu);
    }
}

void xl_shutdown(struct world *world, struct domu *domu, uint64_t after_ms)
{
    char path[BUS_PATH_MAX];

    if (domu->phase != DOMU_RUNNING) {
        return;
    }
    put(world, BUS_NO_TRANSACTION, home(path, domu, "/control/shutdown"), "%s",
        "poweroff");
    domu->config.life_ms = world->now_ms + after_ms - domu->unpaused_ms;
    domu->config.end = DOMU_POWERS_OFF;
}

void xl_end(struct world *world, struct domu *domu)
{
    switch (domu->config.end) {
    case DOMU_CRASHES:
        xl_crash(world, domu);
        break;
    case DOMU_POWERS_OFF:
        xl_destroy(world, domu);
        break;
    case DOMU_REBOOTS:
        xl_reboot(world, domu);
        break;
    case DOMU_MIGRATES:
        domu->config.life_ms += 2 * (uint64_t)COPIED_MS; /* and again, later */
        xl_migrate_live(world, domu);
        break;
    }
}

/* ---- Save and restore -------------------------------------------------- */

static void leave(struct world *world, struct domu *domu)
{
    remove_nodes(world, domu);
    ledger_destroy(&world->ledger, domu->domid);
    store_fire(world->store, "@releaseDomain");
    enter(world, domu, DOMU_SAVED);
}

void xl_save(struct world *world, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING) {
        return;
    }
    /* Suspended, written to its file, destroyed: time stands still in it. */
    store_fire(world->store, "@releaseDomain");
    leave(world, domu);
}

void xl_migrate(struct world *world, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING) {
        return;
    }
    ledger_find(&world->ledger, domu->domid)->is_dying = true;
    store_fire(world->store, "@releaseDomain");
    domu->is_to_return = true;
    enter(world, domu, DOMU_SUSPENDED);
}

void xl_migrate_live(struct world *world, struct domu *domu)
{
    if (domu->phase != DOMU_RUNNING || domu->copied_ms != 0) {
        return;
    }
    ledger_find(&world->ledger, domu->domid)->is_saving = true;
    domu->copied_ms = world->now_ms + COPIED_MS;
    domu->copied_kib =
        units_max(xl_limit_kib(domu, domu->target_kib), size_kib(domu));
    world->daemon.next_ms = world->now_ms; /* savers.h: it hears of that */
}

static void finish_copy(struct world *world, struct domu *domu)
{
    struct hypervisor_domain *domain = ledger_find(&world->ledger, domu->domid);

    domu->copied_ms = 0;
    domain->is_saving = false;
    world->daemon.next_ms = world->now_ms;
    if (domain->current_kib > domu->copied_kib) {
        world->failed_migrations++;
    } else {
        xl_migrate(world, domu);
    }
}

/* Without memory for it, the other host keeps it a little longer. */
static void come_back(struct world *world, struct domu *domu)
{
    domu->phase_ms = world->now_ms;
    if (world->ledger.free_kib >=
        ledger_claimed_kib(&world->ledger) + size_kib(domu)) {
        domu->is_to_return = false;
        (void)begin_build(world, domu);
    }
}

int xl_restore(struct world *world, struct domu *domu)
{
    return domu->phase == DOMU_SAVED ? begin_build(world, domu) : -EINVAL;
}

/* ---- Time -------------------------------------------------------------- */

void xl_run(struct world *world, struct domu *domu)
{
    switch (domu->phase) {
    case DOMU_BUILDING:
        build(world, domu);
        break;
    case DOMU_LEAVING:
    case DOMU_DYING:
        take_apart(world, domu);
        break;
    case DOMU_SUSPENDED:
        leave(world, domu);
        break;
    case DOMU_SAVED:
        come_back(world, domu);
        break;
    case DOMU_RUNNING:
        finish_copy(world, domu);
        break;
    case DOMU_GONE:
        break;
    }
}

uint64_t xl_next_ms(const struct domu *domu)
{
    switch (domu->phase) {
    case DOMU_BUILDING:
        return domu->phase_ms + BUILD_STEP_MS;
    case DOMU_LEAVING:
        return domu->phase_ms + LEAVING_MS;
    case DOMU_DYING:
        return domu->phase_ms + DYING_MS;
    case DOMU_SUSPENDED:
        return domu->phase_ms + SUSPENDED_MS;
    case DOMU_SAVED:
        return domu->is_to_return ? domu->phase_ms + AWAY_MS : UINT64_MAX;
    case DOMU_RUNNING:
        return domu->copied_ms != 0 ? domu->copied_ms : UINT64_MAX;
    case DOMU_GONE:
        break;
    }
    return UINT64_MAX;
}

/* ---- The operator ------------------------------------------------------ */

static int mem_set_once(struct world *world, struct domu *domu,
                        uint64_t target_kib)
{
    char path[BUS_PATH_MAX];
    uint64_t static_max;
    bus_transaction t;
    int r;

    r = bus_begin(&world->xl, &t);
    if (r < 0) {
        return r;
    }
    r = bus_read_kib(&world->xl, t, home(path, domu, "/memory/static-max"),
                     &static_max);
    if (r < 0 || target_kib > static_max) {
        (void)bus_end(&world->xl, t, false);
        return -EINVAL;
    }
    (void)ledger_set_limit(&world->ledger, domu->domid,
                           xl_limit_kib(domu, target_kib));
    if (domu->config.is_hvm) {
        (void)ledger_set_pod_target(&world->ledger, domu->domid,
                                    target_kib + SLACK_KIB);
    }
    put(world, t, home(path, domu, "/memory/target"), "%" PRIu64, target_kib);
    put(world, t, vm(path, domu, "/memory"), "%" PRIu64,
        target_kib / UNITS_KIB_PER_MIB);
    return bus_end(&world->xl, t, true);
}

int xl_mem_set(struct world *world, struct domu *domu, uint64_t memory_kib)
{
    uint64_t target = units_less(memory_kib, domu->config.videoram_kib);
    int r = -EAGAIN;
    int i;

    if (domu->phase != DOMU_RUNNING) {
        return -ESRCH;
    }
    for (i = 0; i < TRIES_MAX && r == -EAGAIN; i++) {
        r = mem_set_once(world, domu, target);
    }
    return r;
}

int xl_mem_max(struct world *world, struct domu *domu, uint64_t memory_kib)
{
    char path[BUS_PATH_MAX];
    uint64_t target;

    if (domu->phase != DOMU_RUNNING) {
        return -ESRCH;
    }
    if (bus_read_kib(&world->xl, BUS_NO_TRANSACTION,
                     home(path, domu, "/memory/target"), &target) < 0 ||
        memory_kib < target) {
        return -EINVAL;
    }
    (void)ledger_set_limit(&world->ledger, domu->domid, memory_kib + SLACK_KIB);
    domu->is_limit_xls = true;
    domu->config.maxmem_kib = memory_kib;
    put(world, BUS_NO_TRANSACTION, home(path, domu, "/memory/static-max"),
        "%" PRIu64, memory_kib);
    return 0;
}
