/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must always hold; see rules.h.  It knows the backend's word only by
 * what the backend writes, never by what it thinks.
 */
#include "tests/world/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/page.h"
#include "common/protocol.h"
#include "common/report.h"
#include "common/units.h"
#include "tests/world/xl.h"

/*
 * A frontend that hangs may be counted on until its heartbeats are missed, one
 * that takes leave until that is read; and a second, for whoever looks at that
 * moment.
 */
#define SILENCE_SLACK_MS 1000

/* A page is found to be new up to a heartbeat after it was written. */
#define PAGE_HEARTBEATS 1

/* What a domain may still take by itself. */
static uint64_t promised_kib(const struct hypervisor_domain *domain)
{
    return domain->is_dying || domain->domid == 0
               ? 0
               : units_less(domain->limit_kib,
                            domain->current_kib + domain->claimed_kib);
}

uint64_t rules_promised_kib(const struct world *world)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < world->ledger.count; i++) {
        sum += promised_kib(&world->ledger.domains[i]);
    }
    return sum;
}

/* ---- The guest's end of the device -------------------------------------- */

/* What stands in a node of its directory, whoever wrote it; or "". */
static const char *device_node(const struct world *world,
                               const struct domu *domu, const char *node)
{
    char path[BUS_PATH_MAX];
    const char *value;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s/%s", domu->domid,
                   PROTOCOL_FRONTEND, node);
    value = store_peek(world->store, path);
    return value != NULL ? value : "";
}

static bool speaks(const struct world *world, const struct domu *domu,
                   const char *transport)
{
    return strcmp(device_node(world, domu, PROTOCOL_NODE_TRANSPORT),
                  transport) == 0;
}

static void hear_floor(struct domu *domu, uint64_t floor_kib, uint64_t ms)
{
    if (floor_kib <= domu->floor_kib) {
        domu->floor_kib = floor_kib;
        domu->next_floor_kib = 0;
    } else if (domu->next_floor_kib == 0) {
        domu->next_floor_kib = floor_kib;
        domu->next_floor_ms = ms;
    } else {
        domu->next_floor_kib = units_min(domu->next_floor_kib, floor_kib);
    }
}

/* What stands in its page: what the backend would read there now. */
static bool read_page(const struct world *world, const struct domu *domu,
                      struct report *ret_report, uint32_t *ret_sequence)
{
    const char *text = device_node(world, domu, PROTOCOL_NODE_PAGE_REF);
    const unsigned char *page;
    const char *found;
    uint64_t reference;
    uint32_t sequence;
    int len;

    if (!speaks(world, domu, PROTOCOL_TRANSPORT_PAGE) ||
        number_parse(text, strlen(text), UINT32_MAX, &reference) < 0) {
        return false;
    }
    page = ledger_granted(&world->ledger, domu->domid, (uint32_t)reference);
    if (page == NULL) {
        return false;
    }
    memcpy(&sequence, page + PAGE_SEQUENCE_OFFSET, sizeof(sequence));
    len = page_read(page, sequence, sequence, &found, ret_sequence);
    return len > 0 && report_parse(found, (size_t)len, ret_report) == 0;
}

/* To be called when it has rung, and when it matters. */
static void hear_page(const struct world *world, struct domu *domu)
{
    struct report report;
    uint32_t sequence;

    if (read_page(world, domu, &report, &sequence)) {
        hear_floor(domu, report.floor_kib, world->now_ms);
        domu->heard_ms =
            sequence != domu->sequence ? world->now_ms : domu->heard_ms;
        domu->sequence = sequence;
    }
}

/*
 * Nobody rings for a heartbeat, but the backend may find it and act on it after
 * the page says something else: a lower floor counts from when it was there.
 */
static void overhear_page(const struct world *world, struct domu *domu)
{
    struct report report;
    uint32_t sequence;

    if (domu->model.shared == NULL) {
        return;
    }
    memcpy(&sequence,
           (const unsigned char *)domu->model.shared + PAGE_SEQUENCE_OFFSET,
           sizeof(sequence));
    if (sequence == domu->overheard) {
        return;
    }
    domu->overheard = sequence;
    if (read_page(world, domu, &report, &sequence) &&
        report.floor_kib < domu->floor_kib) {
        hear_floor(domu, report.floor_kib, world->now_ms);
    }
}

/* ---- Hands off --------------------------------------------------------- */

/* Why the backend may not touch the domain; NULL when it may. */
static const char *forbidden(const struct world *world, struct domu *domu)
{
    const struct settings_domain *entry =
        settings_find(&world->settings, domu->name);
    const struct hypervisor_domain *domain =
        ledger_find(&world->ledger, domu->domid);
    uint64_t silent_ms =
        domu->unpaused_ms + domu->config.hangs_ms +
        (BALANCER_HEARTBEATS + PAGE_HEARTBEATS) * domu->config.heartbeat_ms +
        SILENCE_SLACK_MS;

    if (domu->phase != DOMU_RUNNING || domain == NULL) {
        return "is not there";
    }
    if (domain->is_dying && world->meddled_ms != world->now_ms) {
        return "is dying";
    }
    if (domain->is_saving &&
        domu->config.nature->swap_kib >= domu->config.maxmem_kib) {
        return "is being saved";
    }
    if (domu->is_operators) {
        return "is the operator's";
    }
    if (entry != NULL && entry->leave_alone) {
        return "is to be left alone";
    }
    if (entry != NULL && (entry->has & SETTINGS_HAS_FLOOR) != 0 &&
        (entry->has & SETTINGS_HAS_CEILING) != 0 &&
        entry->floor_kib == entry->ceiling_kib) {
        return "is fixed";
    }
    if (!domu->has_reported &&
        world->now_ms > domu->leave_ms + SILENCE_SLACK_MS) {
        return "has no frontend";
    }
    hear_page(world, domu);
    if (domu->heard_ms < world->daemon.started_ms) {
        return "has not reported to this backend";
    }
    if (domu_is_hung(domu, world->now_ms) && world->now_ms > silent_ms) {
        return "is silent";
    }
    if (domu->is_garbled && speaks(world, domu, PROTOCOL_TRANSPORT_RECORD) &&
        world->now_ms > domu->garbled_ms + SILENCE_SLACK_MS) {
        return "is not understood";
    }
    return NULL;
}

/*
 * Xen and the store do not change together: a limit that was decided on just
 * before xl acts may come just after it.  What it spoils of xl mem-set's is to
 * be made good; a domain that is going does not care.
 */
static bool may_limit(const struct world *world, const struct domu *domu,
                      uint64_t limit_kib)
{
    return domu != NULL &&
           (world->meddled_ms == world->now_ms ||
            (domu->phase == DOMU_RUNNING && domu->is_operators &&
             limit_kib == xl_limit_kib(domu, domu->target_kib)));
}

/* The domain, if the backend may touch it. */
static struct domu *touch(struct world *world, uint32_t domid, const char *what,
                          uint64_t value)
{
    struct domu *domu = world_find_domid(world, domid);
    const char *why = domu != NULL ? forbidden(world, domu) : "is not xl's";

    if (why != NULL) {
        world_break(world, "%s of domain %u set to %" PRIu64 ", which %s", what,
                    domid, value, why);
        return NULL;
    }
    return domu;
}

/* ---- Bounds ------------------------------------------------------------ */

/*
 * The guest's own floor, as far as the backend must have heard of it.  One
 * that is told every 100 ms is heard of within SILENCE_SLACK_MS.
 */
static uint64_t refused_kib(const struct world *world, struct domu *domu)
{
    hear_page(world, domu);
    if (domu->next_floor_kib != 0 &&
        world->now_ms > domu->next_floor_ms + SILENCE_SLACK_MS) {
        domu->floor_kib = domu->next_floor_kib;
        domu->next_floor_kib = 0;
    }
    return domu->floor_kib;
}

static void check_floor(struct world *world, struct domu *domu,
                        uint64_t ceiling_kib, uint64_t target_kib)
{
    uint64_t floor =
        units_whole_pages(units_min(refused_kib(world, domu), ceiling_kib));

    if (target_kib < domu->target_kib && target_kib < floor) {
        world_break(world,
                    "target of domain %u lowered to %" PRIu64
                    ", though it says it cannot go below %" PRIu64,
                    domu->domid, target_kib, floor);
    }
}

static void check_bounds(struct world *world, struct domu *domu,
                         uint64_t target_kib)
{
    const struct settings_domain *entry =
        settings_find(&world->settings, domu->name);
    uint64_t floor = 0;
    uint64_t ceiling = domu->config.maxmem_kib;

    if (entry != NULL && (entry->has & SETTINGS_HAS_CEILING) != 0) {
        ceiling = units_min(ceiling, entry->ceiling_kib);
    }
    if (entry != NULL && (entry->has & SETTINGS_HAS_FLOOR) != 0) {
        floor = units_min(ceiling, entry->floor_kib);
    }
    /* What was outside may come back step by step. */
    if (target_kib > ceiling && target_kib >= domu->target_kib) {
        world_break(world,
                    "target of domain %u raised to %" PRIu64 ", above %" PRIu64,
                    domu->domid, target_kib, ceiling);
    }
    if (target_kib < units_whole_pages(floor) &&
        target_kib <= domu->target_kib) {
        world_break(
            world, "target of domain %u lowered to %" PRIu64 ", below %" PRIu64,
            domu->domid, target_kib, floor);
    }
    check_floor(world, domu, ceiling, target_kib);
}

static void check_limit(struct world *world, const struct domu *domu,
                        uint64_t limit_kib)
{
    uint64_t needed = domu->target_kib + domu->config.videoram_kib;

    if (domu->is_backends && limit_kib < needed) {
        world_break(world, "domain %u: limit %" PRIu64 " below target %" PRIu64,
                    domu->domid, limit_kib, needed);
    }
}

/* ---- What is written --------------------------------------------------- */

static bool parse_domid(const char *path, const char *prefix,
                        uint32_t *ret_domid, const char **ret_rest)
{
    size_t len = strlen(prefix);
    const char *digits = path + len;
    uint64_t domid;

    if (strncmp(path, prefix, len) != 0 ||
        number_parse(digits, strcspn(digits, "/"), HYPERVISOR_DOMIDS, &domid) <
            0) {
        return false;
    }
    *ret_domid = (uint32_t)domid;
    *ret_rest = digits + strcspn(digits, "/");
    return true;
}

static void backend_wrote_target(struct world *world, uint32_t domid,
                                 uint64_t target_kib)
{
    struct domu *domu = touch(world, domid, "target", target_kib);
    bool is_raised;

    if (domu == NULL) {
        return;
    }
    check_bounds(world, domu, target_kib);
    world->moved_kib += units_distance(target_kib, domu->target_kib);
    is_raised = target_kib > domu->target_kib;
    domu->target_kib = target_kib;
    domu->is_backends = true;
    if (is_raised) {
        check_limit(world, domu, ledger_find(&world->ledger, domid)->limit_kib);
    }
}

static void backend_wrote_its_own(struct world *world, uint32_t domid,
                                  const struct write *write)
{
    const struct domu *domu = world_find_domid(world, domid);

    if (write->value != NULL && (domu == NULL || domu->phase != DOMU_RUNNING)) {
        world_break(world, "%s written for a domain that is not there",
                    write->path);
    }
}

/* What the backend writes into the guest's directory of the device. */
static bool is_guests_end(const char *rest)
{
    static const char *const nodes[] = {
        "/" PROTOCOL_FRONTEND,
        "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_BACKEND,
        "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_BACKEND_ID,
        "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_STATE,
    };
    unsigned int i;

    for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        if (strcmp(rest, nodes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void backend_wrote(struct world *world, const struct write *write)
{
    const char *rest;
    uint32_t domid;
    uint64_t target;

    if (strcmp(write->path, PROTOCOL_LEARNED) == 0) {
        return;
    }
    if (parse_domid(write->path, PROTOCOL_RECORD_DIR "/", &domid, &rest) ||
        parse_domid(write->path, PROTOCOL_BACKEND_DIR "/", &domid, &rest) ||
        (parse_domid(write->path, "/local/domain/", &domid, &rest) &&
         is_guests_end(rest) && write->value != NULL)) {
        backend_wrote_its_own(world, domid, write);
    } else if (parse_domid(write->path, "/local/domain/", &domid, &rest) &&
               strcmp(rest, "/" PROTOCOL_TARGET) == 0 && write->value != NULL &&
               number_parse(write->value, write->len, UNITS_KIB_MAX, &target) ==
                   0) {
        backend_wrote_target(world, domid, target);
    } else {
        world_break(world, "the backend wrote %s", write->path);
    }
}

static void xl_wrote(struct world *world, const struct write *write)
{
    const char *rest;
    struct domu *domu;
    uint32_t domid;
    uint64_t target;
    unsigned int i;

    if (parse_domid(write->path, "/local/domain/", &domid, &rest) &&
        strcmp(rest, "/" PROTOCOL_TARGET) == 0 && write->value != NULL &&
        number_parse(write->value, write->len, UNITS_KIB_MAX, &target) == 0) {
        domu = world_find_domid(world, domid);
        domu->target_kib = target;
        domu->is_backends = false;
        domu->has_reported = domu->has_reported && domu->phase == DOMU_RUNNING;
    }
    for (i = 0; i < world->count; i++) {
        domu = world->domus[i];
        if (strncmp(write->path, "/vm/", 4) == 0 && write->value != NULL &&
            strncmp(write->path + 4, domu->uuid, strlen(domu->uuid)) == 0 &&
            strcmp(write->path + 4 + strlen(domu->uuid), "/memory") == 0) {
            domu->is_operators = true;
        }
    }
}

static void hear_report(struct domu *domu, const struct write *write)
{
    struct report report;
    bool was_garbled = domu->is_garbled;

    domu->is_garbled = write->value == NULL ||
                       report_parse(write->value, write->len, &report) < 0;
    if (!domu->is_garbled) {
        hear_floor(domu, report.floor_kib, write->ms);
        domu->heard_ms = write->ms;
    } else if (!was_garbled) {
        domu->garbled_ms = write->ms;
    }
}

/* It is there as long as its state is 3 or 4. */
static void hear_state(const struct world *world, struct domu *domu,
                       const struct write *write)
{
    bool was_there = domu->has_reported;

    domu->has_reported =
        write->value != NULL &&
        (strcmp(write->value, "3") == 0 || strcmp(write->value, "4") == 0);
    if (was_there && !domu->has_reported) {
        domu->leave_ms = write->ms;
    }
    /* Another page, perhaps, under the sequence of the one before. */
    domu->sequence = 0;
    hear_page(world, domu);
}

static void guest_wrote(struct world *world, const struct write *write)
{
    struct domu *domu = world_find_domid(world, write->domid);
    const char *rest;
    uint32_t domid;

    if (domu == NULL ||
        !parse_domid(write->path, "/local/domain/", &domid, &rest) ||
        domid != domu->domid) {
        return;
    }
    if (strcmp(rest, "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_REPORT) == 0) {
        hear_report(domu, write);
    } else if (strcmp(rest, "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_DOORBELL) ==
               0) {
        hear_page(world, domu);
    } else if (strcmp(rest, "/" PROTOCOL_FRONTEND "/" PROTOCOL_NODE_STATE) ==
                   0 ||
               (write->value == NULL &&
                strcmp(rest, "/" PROTOCOL_FRONTEND) == 0)) {
        hear_state(world, domu, write);
    }
}

/* An event channel leaves nothing in the store. */
static void rung(void *arg, uint32_t domid)
{
    const struct world *world = arg;
    struct domu *domu = world_find_domid(world, domid);

    if (domu != NULL) {
        hear_page(world, domu);
    }
}

static void wrote(void *arg, const struct write *write)
{
    struct world *world = arg;

    if (write->domid != 0) {
        guest_wrote(world, write);
    } else if (strcmp(write->name, DAEMON_NAME) == 0) {
        backend_wrote(world, write);
    } else {
        xl_wrote(world, write);
    }
}

/* ---- What is granted --------------------------------------------------- */

/*
 * An allowance is taken back also from one that is not heard any more, but no
 * more than that: what belongs to its target stays.
 */
static bool is_withdrawal(const struct domu *domu, uint64_t old_kib,
                          uint64_t limit_kib)
{
    return domu != NULL && domu->phase == DOMU_RUNNING && limit_kib < old_kib &&
           limit_kib >= xl_limit_kib(domu, domu->target_kib);
}

/* Limits go into the log as if they were nodes. */
static void record_limit(struct world *world, uint32_t domid,
                         uint64_t limit_kib)
{
    char path[] = "limit/4294967295";
    char value[24];
    struct write write = {world->now_ms, 0, DAEMON_NAME, path, value, 0};

    (void)snprintf(path, sizeof(path), "limit/%u", domid);
    write.len = (size_t)snprintf(value, sizeof(value), "%" PRIu64, limit_kib);
    (void)writes_add(&world->store->log, &write);
}

static void limited(void *arg, uint32_t domid, uint64_t old_kib,
                    uint64_t limit_kib)
{
    struct world *world = arg;
    struct domu *domu = world_find_domid(world, domid);
    const struct hypervisor_domain *domain = ledger_find(&world->ledger, domid);
    uint64_t promised = rules_promised_kib(world);
    uint64_t free =
        units_less(world->ledger.free_kib, ledger_claimed_kib(&world->ledger));

    record_limit(world, domid, limit_kib);
    if (domu != NULL) {
        domu->is_limit_xls = false;
    }
    if (may_limit(world, domu, limit_kib) ||
        is_withdrawal(domu, old_kib, limit_kib) ||
        touch(world, domid, "limit", limit_kib) == NULL) {
        return;
    }
    check_limit(world, domu, limit_kib);
    if (limit_kib > units_max(old_kib, domain->current_kib) &&
        world->meddled_ms != world->now_ms &&
        promised + world->settings.reserve_kib > free) {
        world_break(world,
                    "domain %u: limit raised from %" PRIu64 " to %" PRIu64
                    ": promised %" PRIu64 ", free %" PRIu64,
                    domid, old_kib, limit_kib, promised, free);
    }
}

/* ---- After a step ------------------------------------------------------ */

void rules_watch(struct world *world)
{
    world->store->wrote = wrote;
    world->store->wrote_arg = world;
    world->ledger.limited = limited;
    world->ledger.rung = rung;
}

static void check_limits(struct world *world)
{
    unsigned int i;

    for (i = 0; i < world->count; i++) {
        const struct domu *domu = world->domus[i];
        const struct hypervisor_domain *domain;

        if (domu->phase != DOMU_RUNNING || !domu->is_backends ||
            domu->is_limit_xls) {
            continue;
        }
        domain = ledger_find(&world->ledger, domu->domid);
        if (!domain->is_dying) {
            check_limit(world, domu, domain->limit_kib);
        }
    }
}

/* Nobody gives for nothing. */
static bool is_hollow(const struct reason *reason)
{
    switch (reason->code) {
    case REASON_NONE:
        return true;
    case REASON_GIVES:
    case REASON_REFILLS:
    case REASON_READIES:
    case REASON_TRIMS:
        return reason->b_kib == 0;
    default:
        return false;
    }
}

static void check_reasons(struct world *world)
{
    const struct balancer *balancer = &world->daemon.balancer;
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        const struct reason *reason = &balancer->domains[i].step.reason;

        if (is_hollow(reason)) {
            world_break(world, "domain %u is left without a reason: %s",
                        balancer->domains[i].domid, reason_word(reason->code));
        }
    }
}

void rules_check(struct world *world)
{
    unsigned int i;

    ledger_check(&world->ledger);
    for (i = 0; i < world->count; i++) {
        overhear_page(world, world->domus[i]);
    }
    if (world->daemon.is_running && world->daemon.has_ticked &&
        world->daemon.last_ms == world->now_ms) {
        check_reasons(world);
    }
    if (world->daemon.is_running &&
        store_transactions(&world->daemon.fault.bus) > 0) {
        world_break(world, "the backend left a transaction open");
    }
    /* Targets and limits have not changed when nobody wrote. */
    if (world->checked_writes != world->store->log.count) {
        world->checked_writes = world->store->log.count;
        check_limits(world);
    }
}
