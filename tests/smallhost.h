/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small host in a few words, for tests that call decide() themselves.
 */
#ifndef BALLOON_TESTS_SMALLHOST_H
#define BALLOON_TESTS_SMALLHOST_H

#include <stdint.h>
#include <string.h>

#include "backend/decide.h"
#include "common/units.h"

#define MIB UINT64_C(1024)
#define DOMAINS_MAX 12

struct host {
    struct snapshot snapshot;
    struct snapshot_domain domains[DOMAINS_MAX];
    struct decide_host memory;
    struct decide_memory memories[DOMAINS_MAX];
    struct decide_step steps[DOMAINS_MAX];
    struct plan plan;
};

static inline void host_init(struct host *host, uint64_t free_kib,
                             uint64_t reserve_kib)
{
    memset(host, 0, sizeof(*host));
    host->snapshot.now_ms = 1000;
    host->snapshot.free_kib = free_kib;
    host->snapshot.total_kib = free_kib;
    host->snapshot.reserve_kib = reserve_kib;
    host->snapshot.domains = host->domains;
    host->plan.steps = host->steps;
}

/* A PV guest at rest at its target, of which used_kib is in use. */
static inline struct snapshot_domain *host_add(struct host *host,
                                               uint64_t target_kib,
                                               uint64_t used_kib)
{
    struct snapshot_domain *domain = &host->domains[host->snapshot.count++];

    domain->domid = host->snapshot.count;
    domain->current_kib = target_kib;
    domain->limit_kib = target_kib + SNAPSHOT_SLACK_KIB;
    domain->has_target = true;
    domain->target_kib = target_kib;
    domain->static_max_kib = 1024 * MIB;
    domain->floor_kib = 64 * MIB;
    domain->ceiling_kib = 1024 * MIB;
    domain->weight = 256;
    domain->voice = SNAPSHOT_VOICE_GOOD;
    domain->report.heartbeat_ms = 10000;
    domain->report.current_kib = target_kib;
    domain->report.balloon_target_kib = target_kib;
    domain->report.target_kib = target_kib;
    domain->report.total_kib = target_kib;
    domain->report.available_kib = units_less(target_kib, used_kib);
    host->snapshot.total_kib += target_kib;
    return domain;
}

static inline void host_decide(struct host *host)
{
    decide(&host->snapshot, &host->memory, host->memories, &host->plan);
}

#endif
