/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/second.h"

#include <stdlib.h>

#include "frontend/frontend.h"

#define HEARTBEAT_MS 10000

struct frontend *second_new(const struct bus *bus, const struct guest *guest)
{
    struct frontend *second = calloc(1, sizeof(*second));

    if (second == NULL) {
        abort();
    }
    frontend_init(second, bus, guest, HEARTBEAT_MS);
    return second;
}

int second_tick(struct frontend *second, uint64_t now_ms, uint64_t *ret_next_ms)
{
    return frontend_tick(second, now_ms, ret_next_ms);
}

void second_free(struct frontend *second)
{
    frontend_done(second);
    free(second);
}
