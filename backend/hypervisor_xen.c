/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenctrl.h must come before any other Xen header. */
#include <xenctrl.h>

#include "backend/hypervisor_xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"

/* Domains copied out of Xen in one call; 112 bytes each. */
#define LIST_MAX 256

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
    domain->is_dying =
        info->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown);
    domain->is_paused = info->flags & XEN_DOMINF_paused;
    domain->is_service = info->flags & XEN_DOMINF_xs_domain;
    domain->current_kib = units_pages_to_kib(info->tot_pages);
    domain->limit_kib = units_pages_to_kib(info->max_pages);
    domain->claimed_kib = units_pages_to_kib(info->outstanding_pages);
}

static int xen_list(void *state, uint32_t first,
                    struct hypervisor_domain *domains, unsigned int max)
{
    xc_domaininfo_t infos[LIST_MAX];
    unsigned int count = 0;
    int i;
    int r;

    do {
        unsigned int ask = max - count < LIST_MAX ? max - count : LIST_MAX;

        r = xc_domain_getinfolist(state, first, ask, infos);
        if (r < 0) {
            return negative_errno();
        }
        for (i = 0; i < r; i++) {
            convert(&infos[i], &domains[count++]);
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
    xc_physinfo_t info;

    memset(&info, 0, sizeof(info));
    if (xc_physinfo(state, &info) < 0) {
        return negative_errno();
    }
    ret_host->total_kib = units_pages_to_kib(info.total_pages);
    ret_host->free_kib =
        units_pages_to_kib(info.free_pages + info.scrub_pages);
    ret_host->claimed_kib = units_pages_to_kib(info.outstanding_pages);
    return 0;
}

static int xen_set_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    return xc_domain_setmaxmem(state, domid, limit_kib) < 0 ? negative_errno()
                                                            : 0;
}

static int xen_set_pod_target(void *state, uint32_t domid, uint64_t target_kib)
{
    return xc_domain_set_pod_target(state, domid,
                                    units_kib_to_pages(target_kib), NULL, NULL,
                                    NULL) < 0
               ? negative_errno()
               : 0;
}

static const struct hypervisor_ops xen_ops = {
    .list = xen_list,
    .host = xen_host,
    .set_limit = xen_set_limit,
    .set_pod_target = xen_set_pod_target,
};

int hypervisor_xen_open(struct hypervisor *ret_hypervisor)
{
    struct hypervisor_host host;
    xc_interface *xen;
    int r;

    xen = xc_interface_open(NULL, NULL, 0);
    if (xen == NULL) {
        return negative_errno();
    }
    r = xen_host(xen, &host);
    if (r < 0) {
        (void)xc_interface_close(xen);
        return r;
    }
    ret_hypervisor->ops = &xen_ops;
    ret_hypervisor->state = xen;
    return 0;
}

void hypervisor_xen_close(struct hypervisor *hypervisor)
{
    if (hypervisor != NULL && hypervisor->state != NULL) {
        (void)xc_interface_close(hypervisor->state);
        memset(hypervisor, 0, sizeof(*hypervisor));
    }
}

void hypervisor_xen_command_line(const struct hypervisor *hypervisor,
                                 char *text, size_t size)
{
    xen_commandline_t line;

    memset(&line, 0, sizeof(line));
    if (xc_version(hypervisor->state, XENVER_commandline, &line) < 0) {
        line[0] = '\0';
    }
    (void)snprintf(text, size, "%s", line);
}

void hypervisor_xen_version(const struct hypervisor *hypervisor, char *text,
                            size_t size)
{
    xen_extraversion_t extra;
    int version = xc_version(hypervisor->state, XENVER_version, NULL);

    memset(&extra, 0, sizeof(extra));
    if (version < 0 ||
        xc_version(hypervisor->state, XENVER_extraversion, &extra) < 0) {
        (void)snprintf(text, size, "%s", "");
        return;
    }
    (void)snprintf(text, size, "%d.%d%s", version >> 16, version & 0xffff,
                   extra);
}
