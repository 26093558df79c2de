/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenctrl.h must come before any other Xen header. */
#include <xenctrl.h>

#include "backend/hypervisor_xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xengnttab.h>

#include "backend/bell_xen.h"
#include "common/page.h"
#include "common/units.h"

#define GRANT_DEVICE "/dev/xen/gntdev"

/* What a page is copied in: its sequence, itself, its sequence again. */
#define PAGE_SEGMENTS 3U

/* Domains copied out of Xen in one call; 112 bytes each. */
#define LIST_MAX 256

struct hypervisor_xen {
    xc_interface *xc;
    xengnttab_handle *grants; /* NULL: none can be copied here */
    xengnttab_grant_copy_segment_t *segments;
    unsigned int room; /* pages that segments has room for */
    struct bell_xen bells;
    const struct savers *savers; /* or NULL */
};

static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

static void format_uuid(char text[HYPERVISOR_UUID_TEXT],
                        const xen_domain_handle_t handle)
{
    unsigned int at = 0;
    unsigned int i;

    for (i = 0; i < sizeof(xen_domain_handle_t); i++) {
        bool has_dash = i == 4 || i == 6 || i == 8 || i == 10;

        at += (unsigned int)snprintf(text + at, HYPERVISOR_UUID_TEXT - at,
                                     has_dash ? "-%02x" : "%02x", handle[i]);
    }
}

static void convert(const xc_domaininfo_t *info,
                    struct hypervisor_domain *domain)
{
    memset(domain, 0, sizeof(*domain));
    domain->domid = info->domain;
    format_uuid(domain->uuid, info->handle);
    domain->is_hvm = info->flags & XEN_DOMINF_hvm_guest;
    domain->is_dying = info->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown);
    domain->is_paused = info->flags & XEN_DOMINF_paused;
    domain->is_service = info->flags & XEN_DOMINF_xs_domain;
    domain->current_kib = units_pages_to_kib(info->tot_pages);
    domain->limit_kib = units_pages_to_kib(info->max_pages);
    domain->claimed_kib = units_pages_to_kib(info->outstanding_pages);
}

static int xen_list(void *state, uint32_t first,
                    struct hypervisor_domain *domains, unsigned int max)
{
    const struct hypervisor_xen *xen = state;
    xc_domaininfo_t infos[LIST_MAX];
    unsigned int count = 0;
    int i;
    int r;

    do {
        unsigned int ask = max - count < LIST_MAX ? max - count : LIST_MAX;

        r = xc_domain_getinfolist(xen->xc, first, ask, infos);
        if (r < 0) {
            return negative_errno();
        }
        for (i = 0; i < r; i++) {
            convert(&infos[i], &domains[count]);
            domains[count].is_saving =
                savers_save(xen->savers, domains[count].domid);
            count++;
            first = (uint32_t)infos[i].domain + 1;
        }
        if ((unsigned int)r < ask) {
            break;
        }
    } while (count < max);
    return (int)count;
}

static int xen_host(void *state, struct hypervisor_host *ret_host)
{
    const struct hypervisor_xen *xen = state;
    xc_physinfo_t info;

    memset(&info, 0, sizeof(info));
    if (xc_physinfo(xen->xc, &info) < 0) {
        return negative_errno();
    }
    ret_host->total_kib = units_pages_to_kib(info.total_pages);
    ret_host->free_kib = units_pages_to_kib(info.free_pages + info.scrub_pages);
    ret_host->claimed_kib = units_pages_to_kib(info.outstanding_pages);
    return 0;
}

static int xen_set_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    const struct hypervisor_xen *xen = state;

    return xc_domain_setmaxmem(xen->xc, domid, limit_kib) < 0 ? negative_errno()
                                                              : 0;
}

static int xen_set_pod_target(void *state, uint32_t domid, uint64_t target_kib)
{
    const struct hypervisor_xen *xen = state;

    return xc_domain_set_pod_target(xen->xc, domid,
                                    units_kib_to_pages(target_kib), NULL, NULL,
                                    NULL) < 0
               ? negative_errno()
               : 0;
}

/* ---- Pages of guests ---------------------------------------------------- */

static void set_segment(xengnttab_grant_copy_segment_t *segment,
                        const struct hypervisor_page *page, unsigned int offset,
                        void *to, unsigned int len)
{
    memset(segment, 0, sizeof(*segment));
    segment->source.foreign.ref = page->reference;
    segment->source.foreign.offset = (uint16_t)offset;
    segment->source.foreign.domid = (uint16_t)page->domid;
    segment->dest.virt = to;
    segment->len = (uint16_t)len;
    segment->flags = GNTCOPY_source_gref;
}

/* Xen works them off in their order. */
static void set_segments(xengnttab_grant_copy_segment_t *segments,
                         struct hypervisor_page *page)
{
    set_segment(&segments[0], page, PAGE_SEQUENCE_OFFSET, &page->before,
                sizeof(page->before));
    set_segment(&segments[1], page, 0, page->copy, PAGE_USED_BYTES);
    set_segment(&segments[2], page, PAGE_SEQUENCE_OFFSET, &page->after,
                sizeof(page->after));
}

/* A page that is paged out just now can be had a little later. */
static int result_of(const xengnttab_grant_copy_segment_t *segments)
{
    unsigned int i;

    for (i = 0; i < PAGE_SEGMENTS; i++) {
        if (segments[i].status != GNTST_okay) {
            return segments[i].status == GNTST_eagain ? -EAGAIN : -ENXIO;
        }
    }
    return 0;
}

static int make_room(struct hypervisor_xen *xen, unsigned int count)
{
    xengnttab_grant_copy_segment_t *grown;

    if (count <= xen->room) {
        return 0;
    }
    grown = reallocarray(xen->segments, count, PAGE_SEGMENTS * sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    xen->segments = grown;
    xen->room = count;
    return 0;
}

static int xen_copy_pages(void *state, struct hypervisor_page *pages,
                          unsigned int count)
{
    struct hypervisor_xen *xen = state;
    unsigned int i;
    int r;

    if (xen->grants == NULL) {
        return -EOPNOTSUPP;
    }
    r = make_room(xen, count);
    if (r < 0 || count == 0) {
        return r;
    }
    for (i = 0; i < count; i++) {
        set_segments(&xen->segments[i * PAGE_SEGMENTS], &pages[i]);
    }
    if (xengnttab_grant_copy(xen->grants, count * PAGE_SEGMENTS,
                             xen->segments) < 0) {
        return negative_errno();
    }
    for (i = 0; i < count; i++) {
        pages[i].result = result_of(&xen->segments[i * PAGE_SEGMENTS]);
    }
    return 0;
}

/* ---- Bells of guests ---------------------------------------------------- */

static int xen_bind_bell(void *state, uint32_t domid, uint32_t port)
{
    const struct hypervisor_xen *xen = state;

    return bell_xen_bind(&xen->bells, domid, port);
}

static void xen_unbind_bell(void *state, uint32_t bell)
{
    const struct hypervisor_xen *xen = state;

    bell_xen_unbind(&xen->bells, bell);
}

static int xen_arm_bell(void *state, uint32_t bell)
{
    const struct hypervisor_xen *xen = state;

    return bell_xen_arm(&xen->bells, bell);
}

static const struct hypervisor_ops xen_ops = {
    .list = xen_list,
    .host = xen_host,
    .set_limit = xen_set_limit,
    .set_pod_target = xen_set_pod_target,
    .copy_pages = xen_copy_pages,
    .bind_bell = xen_bind_bell,
    .unbind_bell = xen_unbind_bell,
    .arm_bell = xen_arm_bell,
};

/* The library would say on standard error that there is no device. */
static xengnttab_handle *open_grants(void)
{
    return access(GRANT_DEVICE, R_OK | W_OK) == 0 ? xengnttab_open(NULL, 0)
                                                  : NULL;
}

static void free_all(struct hypervisor_xen *xen)
{
    if (xen->grants != NULL) {
        (void)xengnttab_close(xen->grants);
    }
    if (xen->xc != NULL) {
        (void)xc_interface_close(xen->xc);
    }
    bell_xen_close(&xen->bells);
    free(xen->segments);
    free(xen);
}

int hypervisor_xen_open(struct hypervisor *ret_hypervisor)
{
    struct hypervisor_xen *xen = calloc(1, sizeof(*xen));
    struct hypervisor_host host;
    int r;

    if (xen == NULL) {
        return -ENOMEM;
    }
    xen->xc = xc_interface_open(NULL, NULL, 0);
    r = xen->xc == NULL ? negative_errno() : xen_host(xen, &host);
    if (r < 0) {
        free_all(xen);
        return r;
    }
    xen->grants = open_grants();
    bell_xen_open(&xen->bells);
    ret_hypervisor->ops = &xen_ops;
    ret_hypervisor->state = xen;
    return 0;
}

void hypervisor_xen_close(struct hypervisor *hypervisor)
{
    if (hypervisor != NULL && hypervisor->state != NULL) {
        free_all(hypervisor->state);
        memset(hypervisor, 0, sizeof(*hypervisor));
    }
}

void hypervisor_xen_ask(const struct hypervisor *hypervisor,
                        const struct savers *savers)
{
    struct hypervisor_xen *xen = hypervisor->state;

    xen->savers = savers;
}

void hypervisor_xen_command_line(const struct hypervisor *hypervisor,
                                 char *text, size_t size)
{
    const struct hypervisor_xen *xen = hypervisor->state;
    xen_commandline_t line;

    memset(&line, 0, sizeof(line));
    if (xc_version(xen->xc, XENVER_commandline, &line) < 0) {
        line[0] = '\0';
    }
    (void)snprintf(text, size, "%s", line);
}

void hypervisor_xen_version(const struct hypervisor *hypervisor, char *text,
                            size_t size)
{
    const struct hypervisor_xen *xen = hypervisor->state;
    xen_extraversion_t extra;
    int version = xc_version(xen->xc, XENVER_version, NULL);

    memset(&extra, 0, sizeof(extra));
    if (version < 0 || xc_version(xen->xc, XENVER_extraversion, &extra) < 0) {
        (void)snprintf(text, size, "%s", "");
        return;
    }
    (void)snprintf(text, size, "%d.%d%s", version >> 16, version & 0xffff,
                   extra);
}

int hypervisor_xen_bell_fd(const struct hypervisor *hypervisor)
{
    const struct hypervisor_xen *xen = hypervisor->state;

    return bell_xen_fd(&xen->bells);
}

int hypervisor_xen_take_bell(const struct hypervisor *hypervisor,
                             uint32_t *ret_bell)
{
    const struct hypervisor_xen *xen = hypervisor->state;

    return bell_xen_take(&xen->bells, ret_bell);
}
