/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/device.h"
#include "backend/sweep.h"
#include "common/protocol.h"
#include "common/units.h"

/* What one transaction writes. */
struct change {
    const struct balancer_domain *domain;
    uint64_t target_kib;
    bool moves_target; /* memory/target too, by compare-and-set */
    bool has_target;
    bool has_operator;
    bool is_operators;
    const struct settings_domain *given; /* or NULL */
    const char *why;                     /* a word for the guest, or NULL */
};

static void record_path(char path[BUS_PATH_MAX], uint32_t domid,
                        const char *node)
{
    (void)snprintf(path, BUS_PATH_MAX, "%s/%u/%s", PROTOCOL_RECORD_DIR, domid,
                   node);
}

static int read_node(const struct balancer *balancer, uint32_t domid,
                     const char *node, uint64_t *ret_value)
{
    char path[BUS_PATH_MAX];

    record_path(path, domid, node);
    return bus_read_kib(balancer->bus, BUS_NO_TRANSACTION, path, ret_value);
}

static int write_number(const struct bus *bus, bus_transaction t,
                        uint32_t domid, const char *node, uint64_t value)
{
    char path[BUS_PATH_MAX];

    record_path(path, domid, node);
    return bus_write_kib(bus, t, path, value);
}

/* ---- Reading ------------------------------------------------------------ */

/* 1 when the node is there, 0 when it is not, or a negative errno. */
static int read_given_node(const struct balancer *balancer, uint32_t domid,
                           const char *node, uint64_t *ret_value)
{
    int r = read_node(balancer, domid, node, ret_value);

    if (r == -ENOENT || r == -EINVAL) {
        return 0;
    }
    return r < 0 ? r : 1;
}

static int read_given(const struct balancer *balancer,
                      struct balancer_domain *domain)
{
    struct settings_domain given = {.has = 0};
    const struct {
        const char *node;
        uint64_t *value;
        unsigned int has;
    } fields[] = {
        {"floor", &given.floor_kib, SETTINGS_HAS_FLOOR},
        {"ceiling", &given.ceiling_kib, SETTINGS_HAS_CEILING},
        {"weight", &given.weight, SETTINGS_HAS_WEIGHT},
        {"headroom", &given.headroom_permyriad, SETTINGS_HAS_HEADROOM},
    };
    char expected[SETTINGS_EXPECTED_MAX];
    unsigned int i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int r = read_given_node(balancer, domain->domid, fields[i].node,
                                fields[i].value);

        if (r < 0) {
            return r;
        }
        given.has |= r > 0 ? fields[i].has : 0;
    }
    if (given.has & SETTINGS_HAS_WEIGHT) {
        given.weight =
            units_clamp(given.weight, SETTINGS_WEIGHT_MIN, SETTINGS_WEIGHT_MAX);
    }
    if (given.has & SETTINGS_HAS_HEADROOM) {
        given.headroom_permyriad = units_clamp(
            given.headroom_permyriad, SETTINGS_HEADROOM_MIN_PERMYRIAD,
            SETTINGS_HEADROOM_MAX_PERCENT * 100);
    }
    if (settings_check(&given, expected) < 0) {
        memset(&given, 0, sizeof(given));
    }
    domain->given = given;
    return 0;
}

int record_read(struct balancer *balancer, struct balancer_domain *domain,
                uint64_t *ret_target_kib, bool *ret_is_operators)
{
    char path[BUS_PATH_MAX];
    char value[BUS_VALUE_MAX + 1];
    uint64_t is_operators;
    int r;

    record_path(path, domain->domid, "uuid");
    r = bus_read(balancer->bus, BUS_NO_TRANSACTION, path, value, sizeof(value));
    if (r < 0) {
        return r;
    }
    if (strcmp(value, domain->uuid) != 0) {
        r = record_remove(balancer, domain->domid);
        return r < 0 ? r : -ENOENT;
    }
    domain->has_record = true;
    r = read_given(balancer, domain);
    if (r < 0) {
        return r;
    }
    r = read_node(balancer, domain->domid, "operator", &is_operators);
    if (r < 0 && r != -ENOENT && r != -EINVAL) {
        return r;
    }
    *ret_is_operators = r == 0 && is_operators == 1;
    return read_node(balancer, domain->domid, "target", ret_target_kib);
}

/* ---- Writing ------------------------------------------------------------ */

/*
 * Makes sure that the domain is there and its target is the one that was
 * decided on.  The node of a dead domain is gone, so that nothing is ever
 * written for it.
 */
static int check_target(const struct bus *bus, bus_transaction t,
                        const struct change *change)
{
    const struct balancer_domain *domain = change->domain;
    char path[BUS_PATH_MAX];
    uint64_t target_kib;
    int r;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domain->domid,
                   PROTOCOL_TARGET);
    r = bus_read_kib(bus, t, path, &target_kib);
    if (r == -ENOENT) {
        return -ESRCH;
    }
    if (!change->moves_target) {
        return r == -EINVAL ? 0 : r;
    }
    if (r == -EINVAL || (r == 0 && target_kib != domain->target_kib)) {
        return -EEXIST;
    }
    return r < 0 ? r : bus_write_kib(bus, t, path, change->target_kib);
}

static int write_given(const struct bus *bus, bus_transaction t, uint32_t domid,
                       const struct settings_domain *given)
{
    int r = 0;

    if (given->has & SETTINGS_HAS_FLOOR) {
        r = write_number(bus, t, domid, "floor", given->floor_kib);
    }
    if (r == 0 && (given->has & SETTINGS_HAS_CEILING)) {
        r = write_number(bus, t, domid, "ceiling", given->ceiling_kib);
    }
    if (r == 0 && (given->has & SETTINGS_HAS_WEIGHT)) {
        r = write_number(bus, t, domid, "weight", given->weight);
    }
    if (r == 0 && (given->has & SETTINGS_HAS_HEADROOM)) {
        r = write_number(bus, t, domid, "headroom", given->headroom_permyriad);
    }
    return r;
}

static int write_operator(const struct bus *bus, bus_transaction t,
                          uint32_t domid, bool is_operators)
{
    char path[BUS_PATH_MAX];

    record_path(path, domid, "operator");
    return is_operators ? bus_write(bus, t, path, "1", 1)
                        : bus_remove(bus, t, path);
}

static int write_change(const struct bus *bus, bus_transaction t, void *arg)
{
    const struct change *change = arg;
    const struct balancer_domain *domain = change->domain;
    char path[BUS_PATH_MAX];
    int r;

    r = check_target(bus, t, change);
    if (r == 0 && !domain->has_record) {
        record_path(path, domain->domid, "uuid");
        r = bus_write(bus, t, path, domain->uuid, strlen(domain->uuid));
    }
    if (r == 0 && change->has_target) {
        r = write_number(bus, t, domain->domid, "target", change->target_kib);
    }
    if (r == 0 && change->has_operator) {
        r = write_operator(bus, t, domain->domid, change->is_operators);
    }
    if (r == 0 && change->given != NULL) {
        r = write_given(bus, t, domain->domid, change->given);
    }
    if (r == 0 && change->why != NULL) {
        r = device_tell_reason(bus, t, domain, change->why);
    }
    return r;
}

static int transact(struct balancer *balancer, struct balancer_domain *domain,
                    struct change *change)
{
    int r;

    change->domain = domain;
    r = bus_transact(balancer->bus, write_change, change);
    if (r == 0) {
        domain->has_record = true;
        balancer->writes++;
    }
    return r;
}

int record_write_target(struct balancer *balancer,
                        struct balancer_domain *domain, uint64_t target_kib,
                        const char *why)
{
    struct change change = {
        .target_kib = target_kib,
        .moves_target = true,
        .has_target = true,
        .why = why,
    };
    int r = transact(balancer, domain, &change);

    if (r == 0) {
        domain->target_kib = target_kib;
    }
    return r;
}

int record_write_operator(struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t target_kib,
                          bool is_operators)
{
    struct change change = {
        .target_kib = target_kib,
        .has_target = true,
        .has_operator = true,
        .is_operators = is_operators,
    };

    return transact(balancer, domain, &change);
}

int record_write_given(struct balancer *balancer,
                       struct balancer_domain *domain,
                       const struct settings_domain *given)
{
    /* With the target as it is, so that a restart can tell a foreign one. */
    struct change change = {
        .target_kib = domain->target_kib,
        .has_target = domain->has_target,
        .given = given,
    };

    return transact(balancer, domain, &change);
}

/* ---- Of the host -------------------------------------------------------- */

int record_read_learned(const struct balancer *balancer, uint64_t *ret_kib)
{
    int r = bus_read_kib(balancer->bus, BUS_NO_TRANSACTION, PROTOCOL_LEARNED,
                         ret_kib);

    if (r == -ENOENT || r == -EINVAL) {
        *ret_kib = 0;
        return 0;
    }
    return r;
}

int record_write_learned(struct balancer *balancer, uint64_t kib)
{
    balancer->writes++;
    return bus_write_kib(balancer->bus, BUS_NO_TRANSACTION, PROTOCOL_LEARNED,
                         kib);
}

/* ---- Removing ----------------------------------------------------------- */

int record_remove(struct balancer *balancer, uint32_t domid)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%u", PROTOCOL_RECORD_DIR, domid);
    balancer->writes++;
    return bus_remove(balancer->bus, BUS_NO_TRANSACTION, path);
}

int record_sweep(struct balancer *balancer)
{
    return sweep(balancer, PROTOCOL_RECORD_DIR);
}
