/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/bell.h"

#include <errno.h>
#include <string.h>

#include "backend/balancer.h"
#include "backend/end.h"
#include "common/log.h"
#include "common/units.h"

/* How soon a guest that could not be told is told again. */
#define TELL_RETRY_MS 1000

int bell_probe(struct balancer *balancer)
{
    int r = hypervisor_arm_bell(balancer->hypervisor, 0);

    balancer->can_bind_bells = r == 0 && !balancer->has_lost_bells;
    return r == -ENOTCONN ? r : 0;
}

/* ---- Binding ------------------------------------------------------------ */

static bool is_offered(const struct device *device)
{
    return device_is_live(device) && device->offer.transport == OFFER_PAGE &&
           device->offer.has_bell;
}

static void let_go(const struct balancer *balancer,
                   struct balancer_domain *domain)
{
    if (domain->bell.number != 0) {
        hypervisor_unbind_bell(balancer->hypervisor, domain->bell.number);
    }
    domain->bell.number = 0;
    domain->bell.is_rung = false;
    domain->bell.is_proven = false;
}

static void give_up(struct balancer *balancer, struct balancer_domain *domain)
{
    let_go(balancer, domain);
    domain->bell.is_refused = true;
    domain->bell.is_refusal_due = true;
    /* What it has rung so far, nobody heard. */
    domain->stale |= BALANCER_REPORT;
}

static void refuse(struct balancer *balancer, struct balancer_domain *domain,
                   int error)
{
    log_warning("cannot bind the guest's event channel, its doorbell will do "
                "domid=%u name=\"%s\" port=%u: %s",
                domain->domid, domain->name, domain->device.offer.port,
                strerror(-error));
    give_up(balancer, domain);
}

static int bind_offered(struct balancer *balancer,
                        struct balancer_domain *domain)
{
    uint32_t port = domain->device.offer.port;
    int r = -EINVAL;

    if (port != 0) {
        r = hypervisor_bind_bell(balancer->hypervisor, domain->domid, port);
    }
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        refuse(balancer, domain, r);
        return 0;
    }
    domain->bell.number = (uint32_t)r;
    log_debug("bound the guest's event channel domid=%u name=\"%s\" port=%u",
              domain->domid, domain->name, port);
    return 0;
}

static int follow(struct balancer *balancer, struct balancer_domain *domain)
{
    struct bell *bell = &domain->bell;

    if (!is_offered(&domain->device) || bell->is_outdated) {
        let_go(balancer, domain);
        bell->is_outdated = false;
    }
    return is_offered(&domain->device) && bell->number == 0 && !bell->is_refused
               ? bind_offered(balancer, domain)
               : 0;
}

int bell_follow(struct balancer *balancer)
{
    unsigned int i;
    int r = 0;

    for (i = 0; balancer->can_bind_bells && r == 0 && i < balancer->count;
         i++) {
        r = follow(balancer, &balancer->domains[i]);
    }
    return r;
}

void bell_forget(const struct balancer *balancer,
                 const struct balancer_domain *domain)
{
    if (domain->bell.number != 0) {
        hypervisor_unbind_bell(balancer->hypervisor, domain->bell.number);
    }
}

void bell_lose(struct balancer *balancer)
{
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (domain->device.state != PROTOCOL_UNKNOWN &&
            !domain->bell.is_refused) {
            give_up(balancer, domain);
        }
    }
    balancer->can_bind_bells = false;
    balancer->has_lost_bells = true;
}

/* Without the node it rings the doorbell. */
static int tell_refusal(struct balancer *balancer,
                        struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];
    int r;

    end_path(path, domain->domid, PROTOCOL_NODE_FEATURE_EVENT_CHANNEL);
    r = bus_remove(balancer->bus, BUS_NO_TRANSACTION, path);
    if (r < 0) {
        log_debug("cannot take back that event channels are bound, trying "
                  "again domid=%u: %s",
                  domain->domid, strerror(-r));
        return r;
    }
    balancer->writes++;
    domain->bell.is_refusal_due = false;
    return 0;
}

int bell_tell(struct balancer *balancer, uint64_t now_ms, uint64_t *next_ms)
{
    unsigned int i;
    int r = 0;

    for (i = 0; r != -ENOTCONN && i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (!domain->bell.is_refusal_due) {
            continue;
        }
        r = tell_refusal(balancer, domain);
        /* For its page; or to try again. */
        *next_ms = units_min(*next_ms, now_ms + (r == 0 ? BALANCER_REPORT_MIN_MS
                                                        : TELL_RETRY_MS));
    }
    return r == -ENOTCONN ? r : 0;
}

/* ---- Ringing ------------------------------------------------------------ */

/* One that rang just before it was let go is nobody's. */
void bell_rang(struct balancer *balancer, uint32_t number)
{
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (number != 0 && domain->bell.number == number) {
            domain->bell.is_rung = true;
            domain->stale |= BALANCER_REPORT;
        }
    }
}

/*
 * One that is bound rings by itself, so that one which can be bound, but never
 * armed, would ring for ever.
 */
static int replace(struct balancer *balancer, struct balancer_domain *domain,
                   int error)
{
    if (!domain->bell.is_proven) {
        refuse(balancer, domain, error);
        return 0;
    }
    log_debug("cannot arm the guest's event channel, binding it anew domid=%u: "
              "%s",
              domain->domid, strerror(-error));
    let_go(balancer, domain);
    return bind_offered(balancer, domain);
}

static int arm(struct balancer *balancer, struct balancer_domain *domain)
{
    int r = hypervisor_arm_bell(balancer->hypervisor, domain->bell.number);

    domain->bell.is_rung = false;
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        return replace(balancer, domain, r);
    }
    domain->bell.is_proven = true;
    return 0;
}

int bell_arm(struct balancer *balancer)
{
    unsigned int i;
    int r = 0;

    for (i = 0; r == 0 && i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (domain->bell.is_rung && (domain->stale & BALANCER_REPORT) == 0) {
            r = arm(balancer, domain);
        }
    }
    return r;
}
