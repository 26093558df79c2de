/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"

/* Names are collected first: removing while listing is not defined. */
struct leftovers {
    uint32_t domids[256]; /* the rest is swept the next time */
    unsigned int count;
    const struct balancer *balancer;
};

static void note_leftover(void *arg, const char *name)
{
    struct leftovers *leftovers = arg;
    uint64_t domid;
    unsigned int i;

    if (number_parse(name, strlen(name), HYPERVISOR_DOMIDS, &domid) < 0) {
        return;
    }
    for (i = 0; i < leftovers->balancer->count; i++) {
        if (leftovers->balancer->domains[i].domid == domid) {
            return;
        }
    }
    if (leftovers->count <
        sizeof(leftovers->domids) / sizeof(leftovers->domids[0])) {
        leftovers->domids[leftovers->count++] = (uint32_t)domid;
    }
}

int sweep(struct balancer *balancer, const char *dir)
{
    struct leftovers leftovers = {.balancer = balancer};
    char path[BUS_PATH_MAX];
    unsigned int i;
    int r;

    r = bus_list(balancer->bus, BUS_NO_TRANSACTION, dir, note_leftover,
                 &leftovers);
    if (r == -ENOENT) {
        return 0;
    }
    for (i = 0; r != -ENOTCONN && i < leftovers.count; i++) {
        int removed;

        (void)snprintf(path, sizeof(path), "%s/%u", dir, leftovers.domids[i]);
        balancer->writes++;
        removed = bus_remove(balancer->bus, BUS_NO_TRANSACTION, path);
        r = removed < 0 ? removed : r;
    }
    return r < 0 ? r : 0;
}
