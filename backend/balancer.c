/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/balancer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/act.h"
#include "backend/observe.h"
#include "backend/pages.h"
#include "backend/record.h"
#include "common/number.h"
#include "common/units.h"

int balancer_init(struct balancer *balancer, const struct bus *bus,
                  const struct hypervisor *hypervisor,
                  const struct settings *settings)
{
    memset(balancer, 0, sizeof(*balancer));
    balancer->bus = bus;
    balancer->hypervisor = hypervisor;
    balancer->settings = settings;
    return 0;
}

void balancer_done(struct balancer *balancer)
{
    if (balancer == NULL) {
        return;
    }
    free(balancer->domains);
    free(balancer->snapshot.domains);
    free(balancer->plan.steps);
    free(balancer->memories);
    free(balancer->listed);
    pages_free(balancer->pages);
    memset(balancer, 0, sizeof(*balancer));
}

/* Hands each domain what the decision remembers of it and planned for it. */
static void keep(struct balancer *balancer)
{
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        balancer->domains[i].memory = balancer->memories[i];
        balancer->domains[i].seen = balancer->snapshot.domains[i];
        balancer->domains[i].step = balancer->plan.steps[i];
    }
}

static void make_plan(struct balancer *balancer)
{
    const struct balancer_witness *witness = &balancer->witness;

    if (witness->before) {
        witness->before(witness->arg, balancer);
    }
    decide(&balancer->snapshot, &balancer->host, balancer->memories,
           &balancer->plan);
    if (witness->after) {
        witness->after(witness->arg, balancer);
    }
}

int balancer_tick(struct balancer *balancer, uint64_t now_ms,
                  uint64_t *ret_next_ms)
{
    uint64_t next_ms;
    int r;

    if (balancer->ticks == 0) {
        balancer->started_ms = now_ms;
    }
    r = observe(balancer, now_ms, &next_ms);
    if (r < 0) {
        return r;
    }
    make_plan(balancer);
    keep(balancer);
    next_ms = units_min(next_ms, balancer->plan.next_ms);
    r = act(balancer, now_ms, &next_ms);
    if (r < 0) {
        return r;
    }
    balancer->ticks++;
    *ret_next_ms = next_ms;
    return 0;
}

/* An id first: a domain that is named "7" must not hide domain 7. */
struct balancer_domain *balancer_find(struct balancer *balancer,
                                      const char *name_or_domid)
{
    struct balancer_domain *named = NULL;
    uint64_t domid;
    bool is_number = number_parse(name_or_domid, strlen(name_or_domid),
                                  HYPERVISOR_DOMIDS, &domid) == 0;
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (is_number && domain->domid == domid) {
            return domain;
        }
        if (named == NULL && strcmp(domain->name, name_or_domid) == 0) {
            named = domain;
        }
    }
    return named;
}

int balancer_set(struct balancer *balancer, struct balancer_domain *domain,
                 const struct settings_domain *entry)
{
    struct settings_domain given = domain->given;
    char expected[SETTINGS_EXPECTED_MAX];
    int r;

    settings_override(&given, entry);
    if (settings_check(&given, expected) < 0) {
        return -EINVAL;
    }
    r = record_write_given(balancer, domain, &given);
    if (r < 0) {
        return r;
    }
    domain->given = given;
    return 0;
}

int balancer_release(struct balancer *balancer, struct balancer_domain *domain)
{
    int r;

    r = record_write_operator(balancer, domain, domain->target_kib, false);
    if (r < 0) {
        return r;
    }
    domain->is_operators = false;
    return 0;
}
