/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a device: both directories with their owners, in one transaction, or
 * taking over what an earlier backend has left of it.
 */
#ifndef BALLOON_BACKEND_MAKING_H
#define BALLOON_BACKEND_MAKING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"
#include "common/protocol.h"

struct making {
    uint32_t domid;
    bool has_page;             /* we can read pages */
    bool has_bell;             /* and bind event channels */
    enum protocol_state found; /* the frontend's state; UNKNOWN: no such node */
    uint64_t allowance_kib;    /* as an earlier backend has told */
};

/*
 * The first three fields are the caller's, the rest is told.  0, -ESRCH when the
 * domain is gone and nothing was written, or another errno of the bus.
 */
int making_run(const struct bus *bus, struct making *making);

#endif
