/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/bell.h"

#include <errno.h>
#include <string.h>

#include "backend/balancer.h"
#include "backend/end.h"
#include "common/log.h"

int bell_probe(struct balancer *balancer)
{
    int r = hypervisor_arm_bell(balancer->hypervisor, 0);

    balancer->can_bind_bells = r == 0;
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
}

/* Without the node it rings the doorbell. */
static int refuse(struct balancer *balancer, struct balancer_domain *domain,
                  int error)
{
    char path[BUS_PATH_MAX];

    domain->bell.is_refused = true;
    log_warning("cannot bind the guest's event channel, its doorbell will do "
                "domid=%u name=\"%s\" port=%u: %s",
                domain->domid, domain->name, domain->device.offer.port,
                strerror(-error));
    /* What it has rung so far, nobody heard. */
    domain->stale |= BALANCER_REPORT;
    end_path(path, domain->domid, PROTOCOL_NODE_FEATURE_EVENT_CHANNEL);
    balancer->writes++;
    return bus_remove(balancer->bus, BUS_NO_TRANSACTION, path);
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
        return refuse(balancer, domain, r);
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

/* A bell that cannot be armed is one more that must be bound anew. */
static int arm(const struct balancer *balancer, struct balancer_domain *domain)
{
    int r = hypervisor_arm_bell(balancer->hypervisor, domain->bell.number);

    domain->bell.is_rung = false;
    domain->bell.is_outdated = r < 0;
    return r == -ENOTCONN ? r : 0;
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
