/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/record.h"
#include "common/log.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/units.h"

/* Domains asked for in one call, as libxl does. */
#define LIST_CHUNK 1024

/* When the store did not answer, though it was there: soon, but no storm. */
#define READ_RETRY_MS 1000

/* The tokens of the watches on domains coming and going. */
#define TOKEN_HOST "host"

/* How a domain's watches are told apart: "d<domid>:<part>". */
struct watched_part {
    enum balancer_part part;
    const char *path; /* below the domain's directory; NULL: /vm/<uuid>/... */
};

static const struct watched_part watched_parts[] = {
    {BALANCER_NAME, "name"},
    {BALANCER_MEMORY, PROTOCOL_MEMORY},
    {BALANCER_REPORT, PROTOCOL_REPORT},
    {BALANCER_VM, NULL},
};

#define WATCHED_PARTS (sizeof(watched_parts) / sizeof(watched_parts[0]))

/* ---- Room --------------------------------------------------------------- */

static int grow_array(void *array_pointer, size_t element, unsigned int room)
{
    void **array = array_pointer;
    void *grown = realloc(*array, element * room);

    if (grown == NULL) {
        return -ENOMEM;
    }
    *array = grown;
    return 0;
}

/* Arrays that already grew are just larger than needed when one fails. */
static int make_room(struct balancer *balancer, unsigned int needed)
{
    unsigned int room = balancer->room > 0 ? balancer->room : 16;

    if (needed <= balancer->room) {
        return 0;
    }
    while (room < needed) {
        room *= 2;
    }
    if (grow_array(&balancer->domains, sizeof(*balancer->domains), room) < 0 ||
        grow_array(&balancer->snapshot.domains,
                   sizeof(*balancer->snapshot.domains), room) < 0 ||
        grow_array(&balancer->plan.steps, sizeof(*balancer->plan.steps), room) <
            0 ||
        grow_array(&balancer->memories, sizeof(*balancer->memories), room) <
            0) {
        return -ENOMEM;
    }
    balancer->room = room;
    return 0;
}

/* ---- Watches ------------------------------------------------------------ */

static void part_path(char path[BUS_PATH_MAX],
                      const struct balancer_domain *domain,
                      const struct watched_part *part)
{
    if (part->path != NULL) {
        (void)snprintf(path, BUS_PATH_MAX, "/local/domain/%u/%s", domain->domid,
                       part->path);
    } else {
        (void)snprintf(path, BUS_PATH_MAX, "/vm/%s/memory", domain->uuid);
    }
}

static void part_token(char token[BUS_PATH_MAX],
                       const struct balancer_domain *domain,
                       const struct watched_part *part)
{
    (void)snprintf(token, BUS_PATH_MAX, "d%u:%u", domain->domid,
                   (unsigned int)part->part);
}

static int watch_domain(const struct balancer *balancer,
                        struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];
    char token[BUS_PATH_MAX];
    unsigned int i;
    int r;

    for (i = 0; i < WATCHED_PARTS; i++) {
        part_path(path, domain, &watched_parts[i]);
        part_token(token, domain, &watched_parts[i]);
        r = bus_watch(balancer->bus, path, token);
        if (r == 0) {
            domain->unfired |= watched_parts[i].part;
        } else if (r != -EEXIST) {
            return r;
        }
    }
    domain->is_watched = true;
    return 0;
}

static void unwatch_domain(const struct balancer *balancer,
                           const struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];
    char token[BUS_PATH_MAX];
    unsigned int i;

    for (i = 0; i < WATCHED_PARTS; i++) {
        part_path(path, domain, &watched_parts[i]);
        part_token(token, domain, &watched_parts[i]);
        /* A watch that stays costs an event that finds no domain. */
        (void)bus_unwatch(balancer->bus, path, token);
    }
}

/* ---- Domains that come and go ------------------------------------------- */

static int list_domains(struct balancer *balancer, unsigned int *ret_count)
{
    unsigned int count = 0;
    uint32_t first = 0;
    int r;

    do {
        r = grow_array(&balancer->listed, sizeof(*balancer->listed),
                       count + LIST_CHUNK);
        if (r < 0) {
            return r;
        }
        r = hypervisor_list(balancer->hypervisor, first,
                            balancer->listed + count, LIST_CHUNK);
        if (r < 0) {
            return r;
        }
        count += (unsigned int)r;
        if (r > 0) {
            first = balancer->listed[count - 1].domid + 1;
        }
    } while (r == LIST_CHUNK && count < BALANCER_DOMAINS_MAX);
    *ret_count = count;
    return 0;
}

static void forget_domain(struct balancer *balancer,
                          const struct balancer_domain *domain)
{
    log_info("domain is gone domid=%u name=\"%s\"", domain->domid,
             domain->name);
    unwatch_domain(balancer, domain);
    if (domain->has_record) {
        int r = record_remove(balancer, domain->domid);

        if (r < 0) {
            log_warning("cannot remove the record, ignoring domid=%u: %s",
                        domain->domid, strerror(-r));
        }
    }
}

static void meet_domain(struct balancer_domain *domain,
                        const struct hypervisor_domain *listed)
{
    memset(domain, 0, sizeof(*domain));
    domain->domid = listed->domid;
    memcpy(domain->uuid, listed->uuid, sizeof(domain->uuid));
    domain->stale = BALANCER_ALL_PARTS;
}

static bool is_same(const struct balancer_domain *domain,
                    const struct hypervisor_domain *listed)
{
    return domain->domid == listed->domid &&
           strcmp(domain->uuid, listed->uuid) == 0;
}

/* Both lists ascend by domid: drops who is not listed, adds who is new. */
static int match_domains(struct balancer *balancer, unsigned int listed_count)
{
    const struct hypervisor_domain *listed = balancer->listed;
    unsigned int kept = 0;
    unsigned int i = 0;
    unsigned int j = 0;
    int r;

    for (i = 0; i < balancer->count; i++) {
        while (j < listed_count &&
               listed[j].domid < balancer->domains[i].domid) {
            j++;
        }
        if (j < listed_count && is_same(&balancer->domains[i], &listed[j])) {
            balancer->domains[kept++] = balancer->domains[i];
        } else {
            forget_domain(balancer, &balancer->domains[i]);
        }
    }
    balancer->count = kept;

    r = make_room(balancer, listed_count);
    if (r < 0) {
        return r;
    }
    /* From the end, so that those kept move only once. */
    for (j = listed_count; j-- > 0;) {
        if (kept > 0 && balancer->domains[kept - 1].domid == listed[j].domid) {
            balancer->domains[j] = balancer->domains[--kept];
        } else {
            meet_domain(&balancer->domains[j], &listed[j]);
        }
    }
    balancer->count = listed_count;
    return 0;
}

/* ---- Events ------------------------------------------------------------- */

static struct balancer_domain *find_domid(struct balancer *balancer,
                                          uint64_t domid)
{
    unsigned int low = 0;
    unsigned int high = balancer->count;

    while (low < high) {
        unsigned int middle = low + (high - low) / 2;

        if (balancer->domains[middle].domid == domid) {
            return &balancer->domains[middle];
        }
        if (balancer->domains[middle].domid < domid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* xl mem-set has run, if only with the value that was there. */
static void operator_spoke(struct balancer_domain *domain)
{
    domain->is_record_due = domain->is_record_due || !domain->is_operators;
    domain->is_operators = true;
    domain->stale |= BALANCER_MEMORY;
}

static void note_change(struct balancer_domain *domain, unsigned int part)
{
    if (domain->unfired & part) {
        domain->unfired &= ~part;
        return;
    }
    domain->stale |= part;
    if (part == BALANCER_VM) {
        operator_spoke(domain);
    }
}

static void take_event(struct balancer *balancer, const struct bus_event *event)
{
    const char *colon = strchr(event->token, ':');
    struct balancer_domain *domain;
    uint64_t domid;
    uint64_t part;

    if (event->token[0] != 'd' || colon == NULL ||
        number_parse(event->token + 1, (size_t)(colon - event->token - 1),
                     HYPERVISOR_DOMIDS, &domid) < 0 ||
        number_parse(colon + 1, strlen(colon + 1), BALANCER_ALL_PARTS, &part) <
            0) {
        return; /* of the host: domains are listed in each tick anyhow */
    }
    domain = find_domid(balancer, domid);
    if (domain != NULL) {
        note_change(domain, (unsigned int)part);
    }
}

static int take_events(struct balancer *balancer)
{
    struct bus_event event;
    int r;

    while ((r = bus_next_event(balancer->bus, &event)) > 0) {
        take_event(balancer, &event);
    }
    return r;
}

/* ---- Reading a domain's nodes ------------------------------------------- */

/* The store's answer, if only that there is nothing or nonsense. */
static bool is_answer(int r)
{
    return r >= 0 || r == -ENOENT || r == -EINVAL || r == -E2BIG;
}

/* Names are the operator's, but they end up in logs and on terminals. */
static int read_name(const struct balancer *balancer,
                     struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];
    char value[BUS_VALUE_MAX + 1];
    int len;
    int i;

    part_path(path, domain, &watched_parts[0]);
    len =
        bus_read(balancer->bus, BUS_NO_TRANSACTION, path, value, sizeof(value));
    if (len < 0) {
        return is_answer(len) ? 0 : len; /* it keeps the one it had */
    }
    len = len < SETTINGS_NAME_MAX ? len : SETTINGS_NAME_MAX - 1;
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        domain->name[i] = c < 0x20 || c >= 0x7f || c == '"' ? '?' : (char)c;
    }
    domain->name[len] = '\0';
    return 0;
}

static int read_memory_node(const struct balancer *balancer,
                            const struct balancer_domain *domain,
                            const char *node, uint64_t *ret_kib)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domain->domid,
                   node);
    return bus_read_kib(balancer->bus, BUS_NO_TRANSACTION, path, ret_kib);
}

/*
 * At first sight: whose is the target?  The record of an earlier backend
 * tells.  Without one, an xl mem-set since the domain's creation (the only
 * writer of /vm/<uuid>/memory) means the operator's.
 */
static int recall(struct balancer *balancer, struct balancer_domain *domain,
                  uint64_t target_kib)
{
    char path[BUS_PATH_MAX];
    uint64_t record_kib;
    uint64_t memory_mib;
    bool is_operators = false;
    int r;

    r = record_read(balancer, domain, &record_kib, &is_operators);
    if (r == 0) {
        domain->is_operators = is_operators || record_kib != target_kib;
        domain->is_record_due = domain->is_operators && !is_operators;
        return 0;
    }
    if (!is_answer(r)) {
        return r;
    }
    part_path(path, domain, &watched_parts[WATCHED_PARTS - 1]);
    r = bus_read_kib(balancer->bus, BUS_NO_TRANSACTION, path, &memory_mib);
    if (r == 0) {
        domain->is_operators = true;
        domain->is_record_due = true;
    }
    return is_answer(r) ? 0 : r;
}

static int read_memory(struct balancer *balancer,
                       struct balancer_domain *domain)
{
    uint64_t target_kib;
    uint64_t static_max_kib;
    uint64_t videoram_kib = 0;
    int r;

    r = read_memory_node(balancer, domain, PROTOCOL_TARGET, &target_kib);
    if (r == 0) {
        r = read_memory_node(balancer, domain, PROTOCOL_STATIC_MAX,
                             &static_max_kib);
    }
    if (r < 0) {
        domain->has_target = domain->has_target && !is_answer(r);
        return is_answer(r) ? 0 : r;
    }
    /* Absent for PV, "-1" for domains started without dom0. */
    r = read_memory_node(balancer, domain, PROTOCOL_VIDEORAM, &videoram_kib);
    if (!is_answer(r)) {
        return r;
    }
    if (!domain->has_target) {
        r = recall(balancer, domain, target_kib);
        if (r < 0) {
            return r;
        }
    } else if (target_kib != domain->target_kib) {
        operator_spoke(domain);
        domain->is_record_due = true;
    }
    domain->has_target = true;
    domain->target_kib = target_kib;
    domain->static_max_kib = static_max_kib;
    domain->videoram_kib = videoram_kib;
    return 0;
}

static enum snapshot_voice parse_voice(const char *value, size_t len,
                                       struct report *ret_report)
{
    struct report report;

    if (report_parse(value, len, &report) < 0) {
        return SNAPSHOT_VOICE_GARBLED;
    }
    if (report.state == REPORT_STOPPED) {
        return SNAPSHOT_VOICE_STOPPED;
    }
    *ret_report = report;
    return SNAPSHOT_VOICE_GOOD;
}

static int read_report(const struct balancer *balancer,
                       struct balancer_domain *domain, uint64_t now_ms)
{
    char path[BUS_PATH_MAX];
    char value[BUS_VALUE_MAX + 1];
    bool is_first = domain->report_read_ms == 0;
    int len;

    part_path(path, domain, &watched_parts[2]);
    len =
        bus_read(balancer->bus, BUS_NO_TRANSACTION, path, value, sizeof(value));
    if (!is_answer(len)) {
        return len;
    }
    domain->stale &= ~(unsigned int)BALANCER_REPORT;
    domain->report_read_ms = now_ms > 0 ? now_ms : 1;
    if (len == -ENOENT) {
        /* Of a domain that was restored, or whose frontend never ran. */
        domain->voice = SNAPSHOT_VOICE_NONE;
        return 0;
    }
    if (len < 0) {
        domain->voice = SNAPSHOT_VOICE_GARBLED;
        return 0;
    }
    domain->voice = parse_voice(value, (size_t)len, &domain->report);
    if (is_first && domain->voice == SNAPSHOT_VOICE_GOOD) {
        /*
         * It was there before this backend was, and may be as old as the
         * domain.  The next heartbeat will tell.
         */
        domain->voice = SNAPSHOT_VOICE_SILENT;
    }
    return 0;
}

static void expire_report(struct balancer_domain *domain, uint64_t now_ms,
                          uint64_t *next_ms)
{
    uint64_t silent_ms = domain->report_read_ms +
                         BALANCER_HEARTBEATS * domain->report.heartbeat_ms;

    if (domain->voice != SNAPSHOT_VOICE_GOOD) {
        return;
    }
    if (now_ms >= silent_ms) {
        domain->voice = SNAPSHOT_VOICE_SILENT;
        log_warning("frontend fell silent, leaving the domain alone domid=%u "
                    "name=\"%s\"",
                    domain->domid, domain->name);
    } else {
        *next_ms = units_min(*next_ms, silent_ms);
    }
}

/* A guest that writes without pause is read once in BALANCER_REPORT_MIN_MS. */
static int refresh_report(const struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t now_ms,
                          uint64_t *next_ms)
{
    uint64_t due_ms = domain->report_read_ms + BALANCER_REPORT_MIN_MS;
    int r = 0;

    if (domain->stale & BALANCER_REPORT) {
        if (domain->report_read_ms == 0 || now_ms >= due_ms) {
            r = read_report(balancer, domain, now_ms);
        } else {
            *next_ms = units_min(*next_ms, due_ms);
        }
    }
    expire_report(domain, now_ms, next_ms);
    return r;
}

/* The operator's word is kept for the next backend as well. */
static void refresh_record(struct balancer *balancer,
                           struct balancer_domain *domain, uint64_t *next_ms,
                           uint64_t now_ms)
{
    int r;

    if (!domain->is_record_due || !domain->has_target) {
        return;
    }
    r = record_write_operator(balancer, domain, domain->target_kib, true);
    if (r < 0 && r != -ESRCH) {
        log_warning("cannot write the record, trying again domid=%u: %s",
                    domain->domid, strerror(-r));
        *next_ms = units_min(*next_ms, now_ms + 1000);
        return;
    }
    domain->is_record_due = false;
    log_info("held by the operator domid=%u name=\"%s\" target_kib=%llu",
             domain->domid, domain->name,
             (unsigned long long)domain->target_kib);
}

/* What could not be read stays stale.  The name first: bounds go by it. */
static int read_stale(struct balancer *balancer, struct balancer_domain *domain)
{
    int r = 0;

    if (domain->stale & BALANCER_NAME) {
        r = read_name(balancer, domain);
        if (r < 0) {
            return r;
        }
        domain->stale &= ~(unsigned int)BALANCER_NAME;
    }
    if (domain->stale & BALANCER_MEMORY) {
        r = read_memory(balancer, domain);
        if (r < 0) {
            return r;
        }
    }
    domain->stale &= BALANCER_REPORT;
    return 0;
}

static int refresh_domain(struct balancer *balancer,
                          struct balancer_domain *domain, bool is_dying,
                          uint64_t now_ms, uint64_t *next_ms)
{
    int r;

    if (is_dying) {
        return 0; /* its nodes vanish one by one; nothing is worth reading */
    }
    if (!domain->is_watched) {
        r = watch_domain(balancer, domain);
        if (r < 0) {
            return r;
        }
    }
    r = read_stale(balancer, domain);
    if (r == 0) {
        r = refresh_report(balancer, domain, now_ms, next_ms);
    }
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        log_debug("cannot read the domain's nodes, trying again domid=%u: %s",
                  domain->domid, strerror(-r));
        *next_ms = units_min(*next_ms, now_ms + READ_RETRY_MS);
        return 0;
    }
    refresh_record(balancer, domain, next_ms, now_ms);
    return 0;
}

/* ---- The snapshot ------------------------------------------------------- */

/*
 * What a domain needs to be of any use: 80 MiB for a kernel and an init, and
 * 1/32 of its maximum for the tables the kernel has sized for that maximum
 * (struct page is 64 bytes of each 4096, and hashes).  A guess between
 * xen-selfballoon's and xenballoond's curves, to be raised per domain.
 */
static uint64_t default_floor(uint64_t static_max_kib)
{
    return units_whole_pages(UINT64_C(80) * UNITS_KIB_PER_MIB +
                             static_max_kib / 32);
}

static void bound(const struct balancer *balancer,
                  const struct balancer_domain *domain,
                  struct snapshot_domain *seen)
{
    const struct settings_domain *conf =
        settings_find(balancer->settings, domain->name);
    const struct settings_domain *layers[] = {conf, &domain->given};
    unsigned int i;

    seen->floor_kib = domain->domid == 0 ? balancer->settings->dom0_floor_kib
                                         : default_floor(seen->static_max_kib);
    seen->ceiling_kib = seen->static_max_kib;
    seen->weight = SETTINGS_WEIGHT_DEFAULT;
    for (i = 0; i < 2; i++) {
        if (layers[i] == NULL) {
            continue;
        }
        if (layers[i]->has & SETTINGS_HAS_FLOOR) {
            seen->floor_kib = layers[i]->floor_kib;
        }
        if (layers[i]->has & SETTINGS_HAS_CEILING) {
            seen->ceiling_kib = layers[i]->ceiling_kib;
        }
        if (layers[i]->has & SETTINGS_HAS_WEIGHT) {
            seen->weight = layers[i]->weight;
        }
    }
    seen->leave_alone = conf != NULL && conf->leave_alone;
    seen->ceiling_kib =
        units_whole_pages(units_min(seen->ceiling_kib, seen->static_max_kib));
    seen->floor_kib =
        units_whole_pages(units_min(seen->floor_kib, seen->ceiling_kib));
}

static void see_domain(const struct balancer *balancer,
                       const struct balancer_domain *domain,
                       const struct hypervisor_domain *listed,
                       struct snapshot_domain *seen)
{
    memset(seen, 0, sizeof(*seen));
    seen->domid = listed->domid;
    seen->is_hvm = listed->is_hvm;
    seen->is_dying = listed->is_dying;
    seen->is_service = listed->is_service;
    seen->current_kib = listed->current_kib;
    seen->limit_kib = listed->limit_kib;
    seen->claimed_kib = listed->claimed_kib;
    seen->our_limit_kib = domain->our_limit_kib;
    /* What could not be read again must not be decided upon. */
    seen->has_target =
        domain->has_target &&
        (domain->stale & (unsigned int)(BALANCER_NAME | BALANCER_MEMORY)) == 0;
    seen->target_kib = domain->target_kib;
    seen->static_max_kib = domain->static_max_kib;
    seen->videoram_kib = domain->videoram_kib;
    seen->is_operators = domain->is_operators;
    seen->voice = domain->voice;
    if (domain->voice == SNAPSHOT_VOICE_GOOD) {
        seen->report = domain->report;
    }
    bound(balancer, domain, seen);
}

static int see_host(struct balancer *balancer, uint64_t now_ms)
{
    struct snapshot *snapshot = &balancer->snapshot;
    struct hypervisor_host host;
    int r;

    r = hypervisor_host(balancer->hypervisor, &host);
    if (r < 0) {
        return r;
    }
    snapshot->now_ms = now_ms;
    snapshot->total_kib = host.total_kib;
    snapshot->free_kib = host.free_kib;
    snapshot->claimed_kib = host.claimed_kib;
    snapshot->reserve_kib = balancer->settings->reserve_kib;
    return 0;
}

static int start(struct balancer *balancer)
{
    int r;

    r = bus_watch(balancer->bus, "@introduceDomain", TOKEN_HOST);
    if (r == 0 || r == -EEXIST) {
        r = bus_watch(balancer->bus, "@releaseDomain", TOKEN_HOST);
    }
    if (r == 0 || r == -EEXIST) {
        r = record_sweep(balancer);
    }
    if (r == 0) {
        balancer->is_started = true;
    }
    return r;
}

int observe(struct balancer *balancer, uint64_t now_ms, uint64_t *ret_next_ms)
{
    unsigned int count;
    unsigned int i;
    int r;

    *ret_next_ms = UINT64_MAX;
    r = list_domains(balancer, &count);
    if (r == 0) {
        r = match_domains(balancer, count);
    }
    if (r == 0 && !balancer->is_started) {
        r = start(balancer);
    }
    if (r == 0) {
        r = take_events(balancer);
    }
    for (i = 0; r == 0 && i < balancer->count; i++) {
        r = refresh_domain(balancer, &balancer->domains[i],
                           balancer->listed[i].is_dying, now_ms, ret_next_ms);
    }
    if (r < 0) {
        return r;
    }
    /*
     * Domains first, free memory after: what a domain gives back in between
     * is then seen as free too late, never twice.
     */
    for (i = 0; i < balancer->count; i++) {
        see_domain(balancer, &balancer->domains[i], &balancer->listed[i],
                   &balancer->snapshot.domains[i]);
        balancer->memories[i] = balancer->domains[i].memory;
    }
    balancer->snapshot.count = balancer->count;
    return see_host(balancer, now_ms);
}
