/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/protocol.h"

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
    {BALANCER_DEVICE, PROTOCOL_FRONTEND},
    {BALANCER_VM, NULL},
};

#define WATCHED_PARTS (sizeof(watched_parts) / sizeof(watched_parts[0]))

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

void watch_path(char path[BUS_PATH_MAX], const struct balancer_domain *domain,
                enum balancer_part part)
{
    unsigned int i;

    path[0] = '\0';
    for (i = 0; i < WATCHED_PARTS; i++) {
        if (watched_parts[i].part == part) {
            part_path(path, domain, &watched_parts[i]);
        }
    }
}

static void part_token(char token[BUS_PATH_MAX],
                       const struct balancer_domain *domain,
                       const struct watched_part *part)
{
    (void)snprintf(token, BUS_PATH_MAX, "d%u:%u", domain->domid,
                   (unsigned int)part->part);
}

int watch_begin(const struct balancer *balancer, struct balancer_domain *domain)
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

void watch_end(const struct balancer *balancer,
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

int watch_host(const struct balancer *balancer)
{
    int r;

    r = bus_watch(balancer->bus, "@introduceDomain", TOKEN_HOST);
    if (r == 0 || r == -EEXIST) {
        r = bus_watch(balancer->bus, "@releaseDomain", TOKEN_HOST);
    }
    return r == -EEXIST ? 0 : r;
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
void watch_operator_spoke(struct balancer_domain *domain)
{
    domain->is_record_due = domain->is_record_due || !domain->is_operators;
    domain->is_operators = true;
    domain->stale |= BALANCER_MEMORY;
}

/* Which child of the frontend's directory has changed; "" is itself. */
static unsigned int device_parts(struct balancer_domain *domain,
                                 const char *event_path)
{
    char path[BUS_PATH_MAX];
    size_t len;

    watch_path(path, domain, BALANCER_DEVICE);
    len = strlen(path);
    if (strncmp(event_path, path, len) != 0) {
        return 0; /* of a domain that had the same id */
    }
    return device_note(&domain->device,
                       event_path + len + (event_path[len] == '/' ? 1 : 0));
}

static void note_change(struct balancer_domain *domain, unsigned int part,
                        const char *path)
{
    if (domain->unfired & part) {
        domain->unfired &= ~part;
        return;
    }
    domain->stale |=
        part == BALANCER_DEVICE ? device_parts(domain, path) : part;
    if (part == BALANCER_VM) {
        watch_operator_spoke(domain);
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
        number_parse(colon + 1, strlen(colon + 1), BALANCER_VM, &part) < 0) {
        return; /* of the host: domains are listed in each tick anyhow */
    }
    domain = find_domid(balancer, domid);
    if (domain != NULL) {
        note_change(domain, (unsigned int)part, event->path);
    }
}

int watch_take_events(struct balancer *balancer)
{
    const unsigned int most = WATCH_EVENTS_MAX * (1 + balancer->count);
    struct bus_event event;
    unsigned int i;
    int r = 1;

    for (i = 0; r > 0 && i < most; i++) {
        r = bus_next_event(balancer->bus, &event);
        if (r > 0) {
            take_event(balancer, &event);
        }
    }
    return r < 0 ? r : 0;
}
