/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Amounts of memory on the bus, for every implementation alike. */
#include "common/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/number.h"
#include "common/units.h"

/* Any number up to UINT64_MAX (20 digits) and the NUL. */
#define AMOUNT_TEXT 24

static int transact_once(const struct bus *bus, bus_work_fn *work, void *arg)
{
    bus_transaction t;
    int r;

    r = bus_begin(bus, &t);
    if (r < 0) {
        return r;
    }
    r = work(bus, t, arg);
    if (r < 0) {
        /* The first failure is the one to report. */
        (void)bus_end(bus, t, false);
        return r;
    }
    return bus_end(bus, t, true);
}

int bus_transact(const struct bus *bus, bus_work_fn *work, void *arg)
{
    int r = -EAGAIN;
    int i;

    for (i = 0; i < BUS_TRIES && r == -EAGAIN; i++) {
        r = transact_once(bus, work, arg);
    }
    return r;
}

int bus_read_kib(const struct bus *bus, bus_transaction t, const char *path,
                 uint64_t *ret_kib)
{
    char text[AMOUNT_TEXT];
    int len;

    len = bus_read(bus, t, path, text, sizeof(text));
    if (len == -E2BIG) {
        return -EINVAL; /* longer than any number */
    }
    if (len < 0) {
        return len;
    }
    return number_parse(text, (size_t)len, UNITS_KIB_MAX, ret_kib) < 0 ? -EINVAL
                                                                       : 0;
}

int bus_write_kib(const struct bus *bus, bus_transaction t, const char *path,
                  uint64_t kib)
{
    char text[AMOUNT_TEXT];
    int len;

    len = snprintf(text, sizeof(text), "%" PRIu64, kib);
    if (len < 0) {
        return -EINVAL;
    }
    return bus_write(bus, t, path, text, (size_t)len);
}
