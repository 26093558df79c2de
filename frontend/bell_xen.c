/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opened and never closed: see bell_xen.h. */
#include "frontend/bell_xen.h"

#include <errno.h>

#ifdef HAVE_XENEVTCHN

#include <stddef.h>
#include <xenevtchn.h>

#define DOM0 0

static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

bool bell_xen_is_built(void)
{
    return true;
}

static int open_handle(struct bell_xen *bell)
{
    if (bell->handle != NULL) {
        return 0;
    }
    bell->handle = xenevtchn_open(NULL, 0);
    return bell->handle != NULL ? 0 : negative_errno();
}

int bell_xen_bind(struct bell_xen *bell, uint32_t *ret_port)
{
    xenevtchn_port_or_error_t port;
    int r;

    r = open_handle(bell);
    if (r < 0) {
        return r;
    }
    port = xenevtchn_bind_unbound_port(bell->handle, DOM0);
    if (port < 0) {
        return negative_errno();
    }
    bell->port = (uint32_t)port;
    *ret_port = bell->port;
    return 0;
}

int bell_xen_ring(const struct bell_xen *bell)
{
    return xenevtchn_notify(bell->handle, bell->port) < 0 ? negative_errno()
                                                          : 0;
}

#else

bool bell_xen_is_built(void)
{
    return false;
}

int bell_xen_bind(struct bell_xen *bell, uint32_t *ret_port)
{
    (void)bell;
    (void)ret_port;
    return -EOPNOTSUPP;
}

int bell_xen_ring(const struct bell_xen *bell)
{
    (void)bell;
    return -EOPNOTSUPP;
}

#endif
