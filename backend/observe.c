/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/observe.h"

#include <errno.h>
#include <string.h>

#include "backend/bell.h"
#include "backend/device.h"
#include "backend/nodes.h"
#include "backend/pages.h"
#include "backend/record.h"
#include "backend/roster.h"
#include "backend/saying.h"
#include "backend/voice.h"
#include "backend/watch.h"
#include "common/log.h"
#include "common/units.h"

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
    seen->headroom_permyriad = balancer->settings->headroom_permyriad;
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
        if (layers[i]->has & SETTINGS_HAS_HEADROOM) {
            seen->headroom_permyriad = layers[i]->headroom_permyriad;
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
    seen->is_saving = listed->is_saving;
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
    seen->has_reflex = domain->device.offer.has_reflex;
    seen->has_intent = domain->device.offer.has_intent;
    seen->allowance_kib = domain->device.allowance_kib;
    seen->answered = domain->device.answer.number;
    seen->is_ready = domain->device.answer.is_ready;
    seen->can_give_kib = domain->device.answer.can_give_kib;
    seen->voice = domain->voice;
    if (domain->voice == SNAPSHOT_VOICE_GOOD) {
        seen->report = domain->report;
        seen->reported_ms = domain->report_read_ms;
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
    snapshot->idle_tax_permyriad = balancer->settings->idle_tax_permyriad;
    snapshot->emergency_permyriad = balancer->settings->emergency_permyriad;
    snapshot->intent_wait_ms = balancer->settings->intent_wait_ms;
    return 0;
}

/* What is left of domains that are gone harms nobody: it can wait. */
static int sweep_leftovers(struct balancer *balancer, uint64_t now_ms,
                           uint64_t *next_ms)
{
    struct retry *retry = &balancer->sweep_retry;
    int records;
    int devices;

    if (!balancer->is_sweep_due) {
        return 0;
    }
    if (now_ms >= retry_due_ms(retry, RETRY_LAST_MS)) {
        records = record_sweep(balancer);
        devices = device_sweep(balancer);
        if (records == -ENOTCONN || devices == -ENOTCONN) {
            return -ENOTCONN;
        }
        if (records == 0 && devices == 0) {
            balancer->is_sweep_due = false;
            retry_clear(retry);
            return 0;
        }
        retry_failed(retry, now_ms);
        log_debug("cannot remove what domains have left, trying again: %s",
                  strerror(-(records < 0 ? records : devices)));
    }
    *next_ms = units_min(*next_ms, retry_due_ms(retry, RETRY_LAST_MS));
    return 0;
}

static int start(struct balancer *balancer)
{
    int r;

    balancer->is_sweep_due = true;
    r = watch_host(balancer);
    if (r == 0) {
        r = pages_probe(balancer);
    }
    if (r == 0) {
        r = bell_probe(balancer);
    }
    if (r == 0) {
        r = record_read_learned(balancer, &balancer->stored_learned_kib);
        balancer->host.learned_kib = balancer->stored_learned_kib;
    }
    balancer->is_started = r == 0;
    return r;
}

int observe(struct balancer *balancer, uint64_t now_ms, uint64_t *ret_next_ms)
{
    unsigned int i;
    int r;

    *ret_next_ms = UINT64_MAX;
    r = roster_update(balancer);
    if (r == 0 && !balancer->is_started) {
        r = start(balancer);
    }
    if (r == 0) {
        r = sweep_leftovers(balancer, now_ms, ret_next_ms);
    }
    if (r == 0) {
        r = watch_take_events(balancer);
    }
    for (i = 0; r == 0 && i < balancer->count; i++) {
        r = nodes_refresh(balancer, &balancer->domains[i], &balancer->listed[i],
                          now_ms, ret_next_ms);
    }
    if (r == 0) {
        r = bell_follow(balancer);
    }
    if (r == 0) {
        r = pages_refresh(balancer, now_ms, ret_next_ms);
    }
    if (r == 0) {
        r = bell_arm(balancer);
    }
    if (r == 0) {
        r = bell_tell(balancer, now_ms, ret_next_ms);
    }
    for (i = 0; r == 0 && i < balancer->count; i++) {
        voice_expire(&balancer->domains[i], now_ms, ret_next_ms);
        saying_catch_up(&balancer->domains[i], now_ms, ret_next_ms);
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
