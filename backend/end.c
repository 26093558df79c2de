/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/end.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void end_dir(char path[BUS_PATH_MAX], uint32_t domid)
{
    (void)snprintf(path, BUS_PATH_MAX, "%s/%u/%s", PROTOCOL_BACKEND_DIR, domid,
                   PROTOCOL_DEVICE);
}

void end_path(char path[BUS_PATH_MAX], uint32_t domid, const char *node)
{
    (void)snprintf(path, BUS_PATH_MAX, "%s/%u/%s/%s", PROTOCOL_BACKEND_DIR,
                   domid, PROTOCOL_DEVICE, node);
}

int end_write(const struct bus *bus, bus_transaction t, uint32_t domid,
              const char *node, const char *text)
{
    char path[BUS_PATH_MAX];

    end_path(path, domid, node);
    return bus_write(bus, t, path, text, strlen(text));
}

int end_write_state(const struct bus *bus, bus_transaction t, uint32_t domid,
                    enum protocol_state state)
{
    return end_write(bus, t, domid, PROTOCOL_NODE_STATE,
                     state == PROTOCOL_CONNECTED ? "4" : "2");
}

int end_check_alive(const struct bus *bus, bus_transaction t, uint32_t domid)
{
    char path[BUS_PATH_MAX];
    uint64_t target_kib;
    int r;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domid,
                   PROTOCOL_TARGET);
    r = bus_read_kib(bus, t, path, &target_kib);
    return r == -ENOENT ? -ESRCH : r == -EINVAL ? 0 : r;
}
