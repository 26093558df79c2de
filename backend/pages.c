/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/voice.h"
#include "common/log.h"
#include "common/page.h"
#include "common/units.h"

struct pages {
    struct hypervisor_page *reads; /* as many as copies, in any order */
    unsigned char *copies;
    unsigned int *domains; /* whose each one is: an index of the balancer's */
    unsigned int count;
    unsigned int room;
};

int pages_probe(struct balancer *balancer)
{
    int r = hypervisor_copy_pages(balancer->hypervisor, NULL, 0);

    balancer->can_copy_pages = r == 0;
    return r == -ENOTCONN ? r : 0;
}

void pages_free(struct pages *pages)
{
    if (pages != NULL) {
        free(pages->reads);
        free(pages->copies);
        free(pages->domains);
        free(pages);
    }
}

/* ---- What is due -------------------------------------------------------- */

static bool has_page(const struct balancer *balancer, unsigned int at)
{
    const struct device *device = &balancer->domains[at].device;

    return device_is_live(device) && device->offer.transport == OFFER_PAGE &&
           !balancer->listed[at].is_dying;
}

/* One that has said nothing yet, or nothing good, is given the longest. */
static uint64_t heartbeat_ms(const struct balancer_domain *domain)
{
    return domain->report.heartbeat_ms > 0 ? domain->report.heartbeat_ms
                                           : REPORT_HEARTBEAT_MAX_MS;
}

static bool has_rung(const struct balancer_domain *domain)
{
    return (domain->stale & BALANCER_REPORT) != 0;
}

static uint64_t due_ms(const struct balancer_domain *domain)
{
    uint64_t copied_ms = domain->device.copied_ms;

    if (copied_ms == 0) {
        return 0;
    }
    return copied_ms +
           (has_rung(domain) ? BALANCER_REPORT_MIN_MS : heartbeat_ms(domain));
}

/*
 * Guests are looked at together as far as that is possible: once awake for
 * one's heartbeat, those of the others who are half way to theirs are read too.
 */
static bool is_near(const struct balancer_domain *domain, uint64_t now_ms)
{
    return now_ms >= domain->device.copied_ms + heartbeat_ms(domain) / 2;
}

static int make_room(struct balancer *balancer)
{
    struct pages *pages = balancer->pages;
    unsigned int room = balancer->room;

    if (pages == NULL) {
        pages = calloc(1, sizeof(*pages));
        balancer->pages = pages;
    }
    if (pages == NULL || pages->room >= room) {
        return pages == NULL ? -ENOMEM : 0;
    }
    pages->room = 0;
    free(pages->reads);
    free(pages->copies);
    free(pages->domains);
    pages->reads = calloc(room, sizeof(*pages->reads));
    pages->copies = calloc(room, PAGE_USED_BYTES);
    pages->domains = calloc(room, sizeof(*pages->domains));
    if (pages->reads == NULL || pages->copies == NULL ||
        pages->domains == NULL) {
        return -ENOMEM;
    }
    pages->room = room;
    return 0;
}

static void add(struct balancer *balancer, unsigned int at, uint64_t now_ms)
{
    struct pages *pages = balancer->pages;
    struct balancer_domain *domain = &balancer->domains[at];

    pages->domains[pages->count] = at;
    pages->reads[pages->count] = (struct hypervisor_page){
        .domid = domain->domid,
        .reference = domain->device.offer.reference,
        .copy = pages->copies + (size_t)pages->count * PAGE_USED_BYTES,
    };
    pages->count++;
    domain->device.copied_ms = now_ms > 0 ? now_ms : 1;
    domain->stale &= ~(unsigned int)BALANCER_REPORT;
}

static void collect(struct balancer *balancer, uint64_t now_ms)
{
    bool is_heartbeat = false;
    unsigned int i;

    for (i = 0; !is_heartbeat && i < balancer->count; i++) {
        const struct balancer_domain *domain = &balancer->domains[i];

        is_heartbeat = has_page(balancer, i) && !has_rung(domain) &&
                       now_ms >= due_ms(domain);
    }
    for (i = 0; i < balancer->count; i++) {
        const struct balancer_domain *domain = &balancer->domains[i];

        if (has_page(balancer, i) &&
            (now_ms >= due_ms(domain) ||
             (is_heartbeat && is_near(domain, now_ms)))) {
            add(balancer, i, now_ms);
        }
    }
}

/* ---- What was copied ---------------------------------------------------- */

/*
 * A report is fresh when the guest has rung since this backend is there, or its
 * sequence is not the one that was there at first.
 */
static void hear(struct balancer_domain *domain, const char *text, int len,
                 uint32_t sequence, uint64_t now_ms)
{
    struct device *device = &domain->device;
    bool is_fresh = device->is_fresh || device->sequence != 0;

    if (sequence == device->sequence) {
        return;
    }
    device->sequence = sequence;
    voice_hear(domain, text, (size_t)len, is_fresh, now_ms);
}

/* Whether it is to be copied again. */
static bool take(struct balancer_domain *domain,
                 const struct hypervisor_page *read, uint64_t now_ms)
{
    const char *text;
    uint32_t sequence;
    int len = read->result;

    if (len == 0) {
        len =
            page_read(read->copy, read->before, read->after, &text, &sequence);
    }
    if (len > 0) {
        hear(domain, text, len, sequence, now_ms);
    } else if (len != -EAGAIN && len != -ENODATA) {
        voice_garbled(domain, now_ms);
    }
    return len == -EAGAIN;
}

/* Keeps those that are to be copied again. */
static void take_all(struct balancer *balancer, uint64_t now_ms)
{
    struct pages *pages = balancer->pages;
    unsigned int kept = 0;
    unsigned int i;

    for (i = 0; i < pages->count; i++) {
        if (take(&balancer->domains[pages->domains[i]], &pages->reads[i],
                 now_ms)) {
            pages->reads[kept] = pages->reads[i];
            pages->domains[kept++] = pages->domains[i];
        }
    }
    pages->count = kept;
}

/* Those left are as if they had rung: read in the next tick that may. */
static void put_off(struct balancer *balancer)
{
    const struct pages *pages = balancer->pages;
    unsigned int i;

    for (i = 0; i < pages->count; i++) {
        balancer->domains[pages->domains[i]].stale |= BALANCER_REPORT;
    }
}

int pages_refresh(struct balancer *balancer, uint64_t now_ms, uint64_t *next_ms)
{
    unsigned int i;
    int r = make_room(balancer);

    if (r < 0) {
        return r;
    }
    balancer->pages->count = 0;
    collect(balancer, now_ms);
    for (i = 0; i < PAGES_TRIES && r == 0 && balancer->pages->count > 0; i++) {
        r = hypervisor_copy_pages(balancer->hypervisor, balancer->pages->reads,
                                  balancer->pages->count);
        if (r == 0) {
            take_all(balancer, now_ms);
        }
    }
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        log_debug("cannot copy the guests' pages, trying again: %s",
                  strerror(-r));
    }
    put_off(balancer);
    for (i = 0; i < balancer->count; i++) {
        if (has_page(balancer, i)) {
            *next_ms = units_min(*next_ms, due_ms(&balancer->domains[i]));
        }
    }
    return 0;
}
