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
