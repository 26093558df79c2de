/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenctrl.h, which xen/xen.h needs here, must come before any other of Xen's. */
#include <xenctrl.h>

#include "backend/lowmem_xen.h"

#include <errno.h>
#include <stdlib.h>

#include <xenevtchn.h>

struct lowmem {
    xenevtchn_handle *evtchn;
};

static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

int lowmem_xen_open(struct lowmem **ret_lowmem)
{
    struct lowmem *lowmem = calloc(1, sizeof(*lowmem));
    int r;

    if (lowmem == NULL) {
        return -ENOMEM;
    }
    lowmem->evtchn = xenevtchn_open(NULL, 0);
    if (lowmem->evtchn == NULL) {
        r = negative_errno();
        goto out;
    }
    if (xenevtchn_bind_virq(lowmem->evtchn, VIRQ_ENOMEM) < 0) {
        r = negative_errno();
        goto out;
    }
    *ret_lowmem = lowmem;
    return 0;

out:
    lowmem_xen_close(lowmem);
    return r;
}

void lowmem_xen_close(struct lowmem *lowmem)
{
    if (lowmem == NULL) {
        return;
    }
    if (lowmem->evtchn != NULL) {
        (void)xenevtchn_close(lowmem->evtchn); /* unbinds */
    }
    free(lowmem);
}

int lowmem_xen_fd(const struct lowmem *lowmem)
{
    return xenevtchn_fd(lowmem->evtchn);
}

int lowmem_xen_take(struct lowmem *lowmem)
{
    xenevtchn_port_or_error_t port = xenevtchn_pending(lowmem->evtchn);

    if (port < 0) {
        return negative_errno();
    }
    return xenevtchn_unmask(lowmem->evtchn, (evtchn_port_t)port) < 0
               ? negative_errno()
               : 0;
}
