/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/device.h"
#include "backend/record.h"
#include "backend/watch.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/units.h"

/* When the store did not answer, though it was there: soon, but no storm. */
#define READ_RETRY_MS 1000

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

    watch_path(path, domain, BALANCER_NAME);
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
    watch_path(path, domain, BALANCER_VM);
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
        watch_operator_spoke(domain);
        domain->is_record_due = true;
    }
    domain->has_target = true;
    domain->target_kib = target_kib;
    domain->static_max_kib = static_max_kib;
    domain->videoram_kib = videoram_kib;
    return 0;
}

/* The operator's word is kept for the next backend as well. */
static void refresh_record(struct balancer *balancer,
                           struct balancer_domain *domain, uint64_t *next_ms,
                           uint64_t now_ms)
{
    struct retry *retry = &domain->record_retry;
    bool is_known = retry->delay_ms != 0;
    int r;

    if (!domain->is_record_due || !domain->has_target) {
        return;
    }
    if (now_ms < retry_due_ms(retry, RETRY_LAST_MS)) {
        *next_ms = units_min(*next_ms, retry_due_ms(retry, RETRY_LAST_MS));
        return;
    }
    r = record_write_operator(balancer, domain, domain->target_kib, true);
    if (r < 0 && r != -ESRCH) {
        retry_failed(retry, now_ms);
        *next_ms = units_min(*next_ms, retry_due_ms(retry, RETRY_LAST_MS));
        if (!is_known) {
            log_warning("cannot write the record, trying again domid=%u: %s",
                        domain->domid, strerror(-r));
        }
        return;
    }
    retry_clear(retry);
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
    domain->stale &=
        ~(unsigned int)(BALANCER_NAME | BALANCER_MEMORY | BALANCER_VM);
    return 0;
}

int nodes_refresh(struct balancer *balancer, struct balancer_domain *domain,
                  const struct hypervisor_domain *listed, uint64_t now_ms,
                  uint64_t *next_ms)
{
    int r;

    if (listed->is_dying) {
        return 0; /* its nodes vanish one by one; nothing is worth reading */
    }
    if (!domain->is_watched) {
        r = watch_begin(balancer, domain);
        if (r < 0) {
            return r;
        }
    }
    r = read_stale(balancer, domain);
    if (r == 0 && !listed->is_service) {
        r = device_refresh(balancer, domain, now_ms, next_ms);
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
