/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated hypervisor; see ledger.h.
 */
#include "tests/world/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/page.h"
#include "common/units.h"
#include "tests/world/memory.h"

/* Linux keeps the first eight references for itself. */
#define REFERENCES_RESERVED 8

struct ledger_page {
    struct ledger_page *next;
    uint32_t domid;
    uint32_t reference;
    bool is_granted; /* not any more when the domain is gone */
    unsigned char *bytes;
};

/* One event channel; in domain 0 it has the same number, to keep it simple. */
struct ledger_port {
    struct ledger_port *next;
    uint32_t domid;
    uint32_t port;
    bool is_open;  /* in the guest */
    bool is_bound; /* in domain 0 */
    bool is_armed;
    bool is_rung;
};

static void impossible(const struct ledger *ledger, uint32_t domid,
                       const char *what, uint64_t a_kib, uint64_t b_kib)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "domain %u: %s: %" PRIu64 " KiB against %" PRIu64 " KiB",
                   domid, what, a_kib, b_kib);
    if (ledger->impossible == NULL) {
        (void)fprintf(stderr, "%s\n", text);
        abort();
    }
    ledger->impossible(ledger->arg, text);
}

void ledger_init(struct ledger *ledger, uint64_t total_kib)
{
    memset(ledger, 0, sizeof(*ledger));
    ledger->total_kib = total_kib;
    ledger->free_kib = total_kib;
    ledger->last_reference = REFERENCES_RESERVED;
}

void ledger_done(struct ledger *ledger)
{
    while (ledger->pages != NULL) {
        ledger_unshare(ledger, ledger->pages->bytes);
    }
    while (ledger->ports != NULL) {
        struct ledger_port *port = ledger->ports;

        ledger->ports = port->next;
        free(port);
    }
    free(ledger->domains);
    memset(ledger, 0, sizeof(*ledger));
}

/* Where the first domain of at least that id is. */
static unsigned int place_of(const struct ledger *ledger, uint32_t domid)
{
    unsigned int low = 0;
    unsigned int high = ledger->count;

    while (low < high) {
        unsigned int middle = low + (high - low) / 2;

        if (ledger->domains[middle].domid < domid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hypervisor_domain *ledger_find(const struct ledger *ledger,
                                      uint32_t domid)
{
    unsigned int at = place_of(ledger, domid);

    return at < ledger->count && ledger->domains[at].domid == domid
               ? &ledger->domains[at]
               : NULL;
}

/* ---- Grants ------------------------------------------------------------- */

void *ledger_share(struct ledger *ledger, uint32_t domid,
                   uint32_t *ret_reference)
{
    struct ledger_page *page = memory_zeroed(sizeof(*page));

    page->domid = domid;
    page->reference = ++ledger->last_reference;
    page->is_granted = true;
    page->bytes = memory_zeroed(PAGE_BYTES);
    page->next = ledger->pages;
    ledger->pages = page;
    *ret_reference = page->reference;
    return page->bytes;
}

void ledger_unshare(struct ledger *ledger, void *bytes)
{
    struct ledger_page **link = &ledger->pages;
    struct ledger_page *page;

    while (*link != NULL && (*link)->bytes != bytes) {
        link = &(*link)->next;
    }
    page = *link;
    if (page != NULL) {
        *link = page->next;
        free(page->bytes);
        free(page);
    }
}

const void *ledger_granted(const struct ledger *ledger, uint32_t domid,
                           uint32_t reference)
{
    const struct ledger_page *page = ledger->pages;

    while (page != NULL && (!page->is_granted || page->domid != domid ||
                            page->reference != reference)) {
        page = page->next;
    }
    return page != NULL ? page->bytes : NULL;
}

/* A domain's grants die with it; its memory lives on in a file, perhaps. */
static void revoke(const struct ledger *ledger, uint32_t domid)
{
    struct ledger_page *page;

    for (page = ledger->pages; page != NULL; page = page->next) {
        if (page->domid == domid) {
            page->is_granted = false;
        }
    }
}

/* ---- Event channels ----------------------------------------------------- */

static struct ledger_port *find_port(const struct ledger *ledger,
                                     uint32_t domid, uint32_t number)
{
    struct ledger_port *port = ledger->ports;

    while (port != NULL &&
           (!port->is_open || port->domid != domid || port->port != number)) {
        port = port->next;
    }
    return port;
}

static struct ledger_port *find_bell(const struct ledger *ledger, uint32_t bell)
{
    struct ledger_port *port = ledger->ports;

    while (port != NULL && (!port->is_bound || port->port != bell)) {
        port = port->next;
    }
    return port;
}

uint32_t ledger_open_port(struct ledger *ledger, uint32_t domid)
{
    struct ledger_port *port = memory_zeroed(sizeof(*port));

    port->domid = domid;
    port->port = ++ledger->last_port;
    port->is_open = true;
    port->next = ledger->ports;
    ledger->ports = port;
    return port->port;
}

void ledger_ring(struct ledger *ledger, uint32_t domid, uint32_t number)
{
    struct ledger_port *port = find_port(ledger, domid, number);

    if (port == NULL) {
        impossible(ledger, domid, "rings a port that is not its own", number,
                   0);
        return;
    }
    ledger->counts.rings++;
    port->is_rung = port->is_bound;
    if (ledger->rung != NULL) {
        ledger->rung(ledger->arg, domid);
    }
}

void ledger_close_port(struct ledger *ledger, uint32_t domid, uint32_t number)
{
    struct ledger_port *port = find_port(ledger, domid, number);

    if (port != NULL) {
        port->is_open = false;
    }
}

/* A domain's ports die with it; domain 0's end of them never rings again. */
static void close_ports(const struct ledger *ledger, uint32_t domid)
{
    struct ledger_port *port;

    for (port = ledger->ports; port != NULL; port = port->next) {
        if (port->domid == domid) {
            port->is_open = false;
            port->is_rung = false;
        }
    }
}

uint32_t ledger_next_bell(const struct ledger *ledger)
{
    const struct ledger_port *port = ledger->ports;

    while (port != NULL &&
           !(port->is_bound && port->is_armed && port->is_rung)) {
        port = port->next;
    }
    return port != NULL ? port->port : 0;
}

void ledger_take_bell(struct ledger *ledger, uint32_t bell)
{
    struct ledger_port *port = find_bell(ledger, bell);

    ledger->counts.heard++;
    port->is_armed = false;
    port->is_rung = false;
}

unsigned int ledger_bells(const struct ledger *ledger)
{
    const struct ledger_port *port;
    unsigned int count = 0;

    for (port = ledger->ports; port != NULL; port = port->next) {
        count += port->is_bound ? 1 : 0;
    }
    return count;
}

static void unbind(struct ledger_port *port)
{
    port->is_bound = false;
    port->is_rung = false;
}

void ledger_unbind_all(struct ledger *ledger)
{
    struct ledger_port *port;

    for (port = ledger->ports; port != NULL; port = port->next) {
        unbind(port);
    }
}

/* ---- What the hypervisor does for the toolstack and for guests --------- */

void ledger_create(struct ledger *ledger, uint32_t domid, const char *uuid,
                   bool is_hvm)
{
    unsigned int at = place_of(ledger, domid);
    struct hypervisor_domain *domain;

    if (ledger_find(ledger, domid) != NULL) {
        impossible(ledger, domid, "created twice", 0, 0);
        return;
    }
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room == 0 ? 16 : ledger->room * 2;
        ledger->domains = memory_array(ledger->domains, ledger->room,
                                       sizeof(*ledger->domains));
    }
    memmove(&ledger->domains[at + 1], &ledger->domains[at],
            (ledger->count - at) * sizeof(*ledger->domains));
    ledger->count++;
    domain = &ledger->domains[at];
    memset(domain, 0, sizeof(*domain));
    domain->domid = domid;
    (void)snprintf(domain->uuid, sizeof(domain->uuid), "%s", uuid);
    domain->is_hvm = is_hvm;
    domain->is_paused = true;
}

void ledger_destroy(struct ledger *ledger, uint32_t domid)
{
    struct hypervisor_domain *domain = ledger_find(ledger, domid);
    unsigned int at;

    if (domain == NULL) {
        impossible(ledger, domid, "destroyed, but is not there", 0, 0);
        return;
    }
    at = (unsigned int)(domain - ledger->domains);
    revoke(ledger, domid);
    close_ports(ledger, domid);
    ledger->free_kib += domain->current_kib;
    ledger->count--;
    memmove(&ledger->domains[at], &ledger->domains[at + 1],
            (ledger->count - at) * sizeof(*ledger->domains));
}

uint64_t ledger_claimed_kib(const struct ledger *ledger)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < ledger->count; i++) {
        sum += ledger->domains[i].claimed_kib;
    }
    return sum;
}

int ledger_claim(struct ledger *ledger, uint32_t domid, uint64_t total_kib)
{
    struct hypervisor_domain *domain = ledger_find(ledger, domid);
    uint64_t more;

    if (domain == NULL) {
        return -ESRCH;
    }
    if (total_kib == 0) {
        domain->claimed_kib = 0;
        return 0;
    }
    if (total_kib <= domain->current_kib || total_kib > domain->limit_kib ||
        domain->claimed_kib > 0) {
        return -EINVAL;
    }
    more = total_kib - domain->current_kib;
    if (more > units_less(ledger->free_kib, ledger_claimed_kib(ledger))) {
        return -ENOMEM;
    }
    domain->claimed_kib = more;
    return 0;
}

uint64_t ledger_populate(struct ledger *ledger, uint32_t domid, uint64_t kib)
{
    struct hypervisor_domain *domain = ledger_find(ledger, domid);
    uint64_t others;
    uint64_t got;

    if (domain == NULL) {
        impossible(ledger, domid, "populated, but is not there", kib, 0);
        return 0;
    }
    others = ledger_claimed_kib(ledger) - domain->claimed_kib;
    got = units_min(kib, units_less(domain->limit_kib, domain->current_kib));
    got = units_min(got, units_less(ledger->free_kib, others));
    got = units_whole_pages(got);
    domain->current_kib += got;
    domain->claimed_kib = units_less(domain->claimed_kib, got);
    ledger->free_kib -= got;
    return got;
}

void ledger_give_back(struct ledger *ledger, uint32_t domid, uint64_t kib)
{
    struct hypervisor_domain *domain = ledger_find(ledger, domid);

    if (domain == NULL || domain->current_kib < kib ||
        kib % UNITS_KIB_PER_PAGE != 0) {
        impossible(ledger, domid, "gives back what it does not hold", kib,
                   domain != NULL ? domain->current_kib : 0);
        return;
    }
    domain->current_kib -= kib;
    ledger->free_kib += kib;
}

int ledger_set_limit(struct ledger *ledger, uint32_t domid, uint64_t limit_kib)
{
    struct hypervisor_domain *domain = ledger_find(ledger, domid);

    if (domain == NULL) {
        return -ESRCH;
    }
    domain->limit_kib = units_whole_pages(limit_kib);
    return 0;
}

int ledger_set_pod_target(struct ledger *ledger, uint32_t domid,
                          uint64_t target_kib)
{
    const struct hypervisor_domain *domain = ledger_find(ledger, domid);

    if (domain == NULL) {
        return -ESRCH;
    }
    if (!domain->is_hvm) {
        impossible(ledger, domid, "PoD target of a PV domain", target_kib, 0);
        return -EINVAL;
    }
    if (target_kib > domain->limit_kib) {
        if (!ledger->is_raced) {
            impossible(ledger, domid, "PoD target above limit", target_kib,
                       domain->limit_kib);
        }
        return -EINVAL;
    }
    return 0;
}

void ledger_check(const struct ledger *ledger)
{
    uint64_t sum = ledger->free_kib;
    unsigned int i;

    for (i = 0; i < ledger->count; i++) {
        sum += ledger->domains[i].current_kib;
    }
    if (sum != ledger->total_kib) {
        impossible(ledger, 0, "frames appeared or were lost", sum,
                   ledger->total_kib);
    }
    if (ledger_claimed_kib(ledger) > ledger->free_kib) {
        impossible(ledger, 0, "more is claimed than free",
                   ledger_claimed_kib(ledger), ledger->free_kib);
    }
}

/* ---- What it does for the daemon --------------------------------------- */

static int op_list(void *state, uint32_t first,
                   struct hypervisor_domain *domains, unsigned int max)
{
    const struct ledger *ledger = state;
    unsigned int at = place_of(ledger, first);
    unsigned int count = ledger->count - at;

    count = count < max ? count : max;
    if (count > 0) {
        memcpy(domains, &ledger->domains[at], count * sizeof(*domains));
    }
    return (int)count;
}

static int op_host(void *state, struct hypervisor_host *ret_host)
{
    const struct ledger *ledger = state;

    ret_host->total_kib = ledger->total_kib;
    ret_host->free_kib = ledger->free_kib;
    ret_host->claimed_kib = ledger_claimed_kib(ledger);
    return 0;
}

static int op_set_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    struct ledger *ledger = state;
    const struct hypervisor_domain *domain = ledger_find(ledger, domid);
    uint64_t old_kib = domain != NULL ? domain->limit_kib : 0;
    int r = ledger_set_limit(ledger, domid, limit_kib);

    if (r == 0 && ledger->limited != NULL) {
        ledger->limited(ledger->arg, domid, old_kib, limit_kib);
    }
    return r;
}

static int op_set_pod_target(void *state, uint32_t domid, uint64_t target_kib)
{
    return ledger_set_pod_target(state, domid, target_kib);
}

static uint32_t sequence_of(const unsigned char *bytes)
{
    uint32_t word;

    memcpy(&word, bytes + PAGE_SEQUENCE_OFFSET, sizeof(word));
    return word;
}

static void copy_page(const struct ledger *ledger, struct hypervisor_page *page)
{
    const unsigned char *bytes =
        ledger_granted(ledger, page->domid, page->reference);

    page->result = bytes != NULL ? 0 : -ENXIO; /* GNTST_bad_gntref */
    if (bytes == NULL) {
        return;
    }
    page->before = sequence_of(bytes);
    if (ledger->copying != NULL) {
        ledger->copying(ledger->copying_arg, page->domid);
    }
    memcpy(page->copy, bytes, PAGE_USED_BYTES);
    page->after = sequence_of(bytes);
}

static int op_copy_pages(void *state, struct hypervisor_page *pages,
                         unsigned int count)
{
    struct ledger *ledger = state;
    unsigned int i;

    if (ledger->has_no_grants) {
        return -EOPNOTSUPP;
    }
    ledger->counts.copies += count > 0 ? 1 : 0;
    ledger->counts.pages += count;
    for (i = 0; i < count; i++) {
        copy_page(ledger, &pages[i]);
    }
    return 0;
}

static int op_bind_bell(void *state, uint32_t domid, uint32_t number)
{
    struct ledger *ledger = state;
    struct ledger_port *port = find_port(ledger, domid, number);

    if (ledger->has_no_bells) {
        return -EOPNOTSUPP;
    }
    if (port == NULL || port->is_bound) {
        return -EINVAL;
    }
    port->is_bound = true;
    port->is_armed = true;
    port->is_rung = true; /* as Xen does it: it may have been rung before */
    return (int)port->port;
}

static void op_unbind_bell(void *state, uint32_t bell)
{
    struct ledger *ledger = state;
    struct ledger_port *port = find_bell(ledger, bell);

    if (port == NULL) {
        impossible(ledger, 0, "unbinds what is not bound", bell, 0);
        return;
    }
    unbind(port);
}

static int op_arm_bell(void *state, uint32_t bell)
{
    struct ledger *ledger = state;
    struct ledger_port *port = find_bell(ledger, bell);

    if (bell == 0 || ledger->has_no_bells) {
        return ledger->has_no_bells ? -EOPNOTSUPP : 0;
    }
    if (port == NULL) {
        return -ENOTTY; /* as the driver says */
    }
    if (ledger->arm_failures > 0) {
        ledger->arm_failures--;
        return -EIO;
    }
    port->is_armed = true;
    return 0;
}

static const struct hypervisor_ops ledger_ops = {
    .list = op_list,
    .host = op_host,
    .set_limit = op_set_limit,
    .set_pod_target = op_set_pod_target,
    .copy_pages = op_copy_pages,
    .bind_bell = op_bind_bell,
    .unbind_bell = op_unbind_bell,
    .arm_bell = op_arm_bell,
};

struct hypervisor ledger_hypervisor(struct ledger *ledger)
{
    struct hypervisor hypervisor = {&ledger_ops, ledger};

    return hypervisor;
}
