/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/bell.h"
#include "backend/device.h"
#include "backend/record.h"
#include "backend/watch.h"
#include "common/log.h"

/* Domains asked for in one call, as libxl does. */
#define LIST_CHUNK 1024

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
    int r;

    log_info("domain is gone domid=%u name=\"%s\"", domain->domid,
             domain->name);
    if (domain->device.made_ms == 0) {
        /* It was going already: what it has is of an earlier backend. */
        balancer->is_sweep_due = true;
    }
    watch_end(balancer, domain);
    bell_forget(balancer, domain);
    r = device_remove(balancer, domain);
    if (r < 0) {
        log_warning("cannot remove the device, trying again domid=%u: %s",
                    domain->domid, strerror(-r));
        balancer->is_sweep_due = true;
    }
    r = domain->has_record ? record_remove(balancer, domain->domid) : 0;
    if (r < 0) {
        log_warning("cannot remove the record, trying again domid=%u: %s",
                    domain->domid, strerror(-r));
        balancer->is_sweep_due = true;
    }
}

static void meet_domain(struct balancer_domain *domain,
                        const struct hypervisor_domain *listed)
{
    memset(domain, 0, sizeof(*domain));
    domain->domid = listed->domid;
    memcpy(domain->uuid, listed->uuid, sizeof(domain->uuid));
    domain->stale = BALANCER_NAME | BALANCER_MEMORY | BALANCER_VM;
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

int roster_update(struct balancer *balancer)
{
    unsigned int count;
    int r;

    r = list_domains(balancer, &count);
    return r < 0 ? r : match_domains(balancer, count);
}
