/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults at the seams of a daemon; see fault.h.
 */
#include "tests/world/fault.h"

#include <errno.h>

/* 0 when the call is to be made, or what it returns instead. */
static int meet(struct fault *fault, bool is_change)
{
    uint64_t number;

    fault->calls++;
    fault->changes += is_change ? 1 : 0;
    if (fault->is_dead) {
        return -ENOTCONN;
    }
    number = fault->changes_alone ? fault->changes : fault->calls;
    if (fault->kind == FAULT_NONE || fault->has_struck ||
        (fault->changes_alone && !is_change) || number != fault->at) {
        return 0;
    }
    fault->has_struck = true;
    switch (fault->kind) {
    case FAULT_FAIL:
        return fault->error;
    case FAULT_DIE:
        fault->is_dead = true;
        return -ENOTCONN;
    case FAULT_MEDDLE:
        fault->meddle(fault->arg);
        return 0;
    case FAULT_NONE:
        break;
    }
    return 0;
}

static int op_read(void *state, bus_transaction t, const char *path,
                   char *value, size_t size)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_read(&fault->bus, t, path, value, size);
}

static int op_write(void *state, bus_transaction t, const char *path,
                    const char *value, size_t len)
{
    struct fault *fault = state;
    int r = meet(fault, t == BUS_NO_TRANSACTION);

    return r < 0 ? r : bus_write(&fault->bus, t, path, value, len);
}

static int op_remove(void *state, bus_transaction t, const char *path)
{
    struct fault *fault = state;
    int r = meet(fault, t == BUS_NO_TRANSACTION);

    return r < 0 ? r : bus_remove(&fault->bus, t, path);
}

static int op_list(void *state, bus_transaction t, const char *path,
                   bus_name_fn *each, void *arg)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_list(&fault->bus, t, path, each, arg);
}

static int op_permit(void *state, bus_transaction t, const char *path,
                     uint32_t owner, uint32_t reader)
{
    struct fault *fault = state;
    int r = meet(fault, t == BUS_NO_TRANSACTION);

    return r < 0 ? r : bus_permit(&fault->bus, t, path, owner, reader);
}

static int op_begin(void *state, bus_transaction *ret_t)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_begin(&fault->bus, ret_t);
}

static int op_end(void *state, bus_transaction t, bool commit)
{
    struct fault *fault = state;
    int r = meet(fault, commit);

    if (r < 0) {
        (void)bus_end(&fault->bus, t, false); /* it is over in any case */
        return r;
    }
    return bus_end(&fault->bus, t, commit);
}

static int op_watch(void *state, const char *path, const char *token)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_watch(&fault->bus, path, token);
}

static int op_unwatch(void *state, const char *path, const char *token)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_unwatch(&fault->bus, path, token);
}

static int op_next_event(void *state, struct bus_event *ret_event)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : bus_next_event(&fault->bus, ret_event);
}

static const struct bus_ops fault_bus_ops = {
    .read = op_read,
    .write = op_write,
    .remove = op_remove,
    .list = op_list,
    .permit = op_permit,
    .begin = op_begin,
    .end = op_end,
    .watch = op_watch,
    .unwatch = op_unwatch,
    .next_event = op_next_event,
};

static int op_domains(void *state, uint32_t first,
                      struct hypervisor_domain *domains, unsigned int max)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : hypervisor_list(&fault->hypervisor, first, domains, max);
}

static int op_host(void *state, struct hypervisor_host *ret_host)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : hypervisor_host(&fault->hypervisor, ret_host);
}

static int op_set_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    struct fault *fault = state;
    int r = meet(fault, true);

    return r < 0 ? r
                 : hypervisor_set_limit(&fault->hypervisor, domid, limit_kib);
}

static int op_set_pod_target(void *state, uint32_t domid, uint64_t target_kib)
{
    struct fault *fault = state;
    int r = meet(fault, true);

    return r < 0 ? r
                 : hypervisor_set_pod_target(&fault->hypervisor, domid,
                                             target_kib);
}

static int op_copy_pages(void *state, struct hypervisor_page *pages,
                         unsigned int count)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : hypervisor_copy_pages(&fault->hypervisor, pages, count);
}

static int op_bind_bell(void *state, uint32_t domid, uint32_t port)
{
    struct fault *fault = state;
    int r = meet(fault, true);

    return r < 0 ? r : hypervisor_bind_bell(&fault->hypervisor, domid, port);
}

/* It cannot fail; a daemon that has died does not get here. */
static void op_unbind_bell(void *state, uint32_t bell)
{
    struct fault *fault = state;

    if (meet(fault, true) == 0) {
        hypervisor_unbind_bell(&fault->hypervisor, bell);
    }
}

static int op_arm_bell(void *state, uint32_t bell)
{
    struct fault *fault = state;
    int r = meet(fault, false);

    return r < 0 ? r : hypervisor_arm_bell(&fault->hypervisor, bell);
}

static const struct hypervisor_ops fault_hypervisor_ops = {
    .list = op_domains,
    .host = op_host,
    .set_limit = op_set_limit,
    .set_pod_target = op_set_pod_target,
    .copy_pages = op_copy_pages,
    .bind_bell = op_bind_bell,
    .unbind_bell = op_unbind_bell,
    .arm_bell = op_arm_bell,
};

void fault_wrap(struct fault *fault, struct bus *ret_bus,
                struct hypervisor *ret_hypervisor)
{
    ret_bus->ops = &fault_bus_ops;
    ret_bus->state = fault;
    ret_hypervisor->ops = &fault_hypervisor_ops;
    ret_hypervisor->state = fault;
}
