/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenctrl.h, which xen/xen.h needs here, must come before any other of Xen's. */
#include <xenctrl.h>

#include "backend/bell_xen.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <xenevtchn.h>

#define DEVICE "/dev/xen/evtchn"

static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

/* The library would say on standard error that there is no device. */
void bell_xen_open(struct bell_xen *bells)
{
    bells->handle =
        access(DEVICE, R_OK | W_OK) == 0 ? xenevtchn_open(NULL, 0) : NULL;
}

void bell_xen_close(struct bell_xen *bells)
{
    if (bells->handle != NULL) {
        (void)xenevtchn_close(bells->handle); /* unbinds */
        bells->handle = NULL;
    }
}

int bell_xen_bind(const struct bell_xen *bells, uint32_t domid, uint32_t port)
{
    xenevtchn_port_or_error_t bell;

    if (bells->handle == NULL) {
        return -EOPNOTSUPP;
    }
    bell = xenevtchn_bind_interdomain(bells->handle, domid, port);
    return bell < 0 ? negative_errno() : bell;
}

void bell_xen_unbind(const struct bell_xen *bells, uint32_t bell)
{
    /* One that cannot be unbound is lost until this process ends. */
    (void)xenevtchn_unbind(bells->handle, bell);
}

int bell_xen_arm(const struct bell_xen *bells, uint32_t bell)
{
    if (bells->handle == NULL) {
        return -EOPNOTSUPP;
    }
    return bell != 0 && xenevtchn_unmask(bells->handle, bell) < 0
               ? negative_errno()
               : 0;
}

int bell_xen_fd(const struct bell_xen *bells)
{
    return bells->handle != NULL ? xenevtchn_fd(bells->handle) : -1;
}

int bell_xen_take(const struct bell_xen *bells, uint32_t *ret_bell)
{
    xenevtchn_port_or_error_t bell = xenevtchn_pending(bells->handle);

    if (bell < 0) {
        return negative_errno();
    }
    *ret_bell = (uint32_t)bell;
    return 0;
}
