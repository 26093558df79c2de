/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus: the first of the three seams.  A tree of small values with
 * watches, transactions and permissions, as xenstored keeps it; the only way
 * by which the two ends speak to each other and to xl.
 *
 * Implementations: bus_xen.c (libxenstore) in the programs, and the simulated
 * store of the tests.
 *
 * Paths are absolute, or relative to the caller's own domain.  Nothing here
 * blocks longer than the store takes to answer.  All functions return 0 or a
 * count on success and a negative errno on failure; outputs are written only
 * on success.
 *
 *   -ENOENT   no such node
 *   -EACCES   not permitted
 *   -EAGAIN   the transaction met another; begin it again
 *   -E2BIG    the value is longer than the buffer
 *   -ENOTCONN the bus is gone and this handle will never work again
 */
#ifndef BALLOON_COMMON_BUS_H
#define BALLOON_COMMON_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Longest path used here, NUL included.  Ours are under 100 bytes; xenstored
 * allows 3072 absolute.  A watch event with a longer path is cut: events only
 * say where to look again, so a cut path costs a needless look at most.
 */
#define BUS_PATH_MAX 256

/* xenstored's XENSTORE_PAYLOAD_MAX: no value can be longer. */
#define BUS_VALUE_MAX 4096

/* 0 is "no transaction", as XBT_NULL is. */
typedef uint32_t bus_transaction;
#define BUS_NO_TRANSACTION 0U

struct bus_event {
    char path[BUS_PATH_MAX];
    char token[BUS_PATH_MAX];
};

typedef void bus_name_fn(void *arg, const char *name);

struct bus_ops {
    /*
     * The value at path, with a NUL added behind it; it may itself hold NULs
     * and anything else.  size counts the added NUL.  Returns its length.
     */
    int (*read)(void *state, bus_transaction t, const char *path, char *value,
                size_t size);
    /* Creates the node and its parents when they are not there. */
    int (*write)(void *state, bus_transaction t, const char *path,
                 const char *value, size_t len);
    /* With everything below it; 0 also when it was not there. */
    int (*remove)(void *state, bus_transaction t, const char *path);
    /* Calls each for every child name; returns how many. */
    int (*list)(void *state, bus_transaction t, const char *path,
                bus_name_fn *each, void *arg);
    /*
     * The node belongs to owner, who may do all; reader may read it; nobody
     * else anything.  Nodes below it are not touched; those that come take
     * these permissions, unless a guest makes them.
     */
    int (*permit)(void *state, bus_transaction t, const char *path,
                  uint32_t owner, uint32_t reader);
    int (*begin)(void *state, bus_transaction *ret_t);
    int (*end)(void *state, bus_transaction t, bool commit);
    /*
     * An event follows at once, and then one for every change at or below
     * path, by whomever, the caller included.  The special paths
     * "@introduceDomain" and "@releaseDomain" are allowed.
     */
    int (*watch)(void *state, const char *path, const char *token);
    int (*unwatch)(void *state, const char *path, const char *token);
    /*
     * 1 and the next event, 0 when there is none for now, -ENOTCONN when the
     * bus is gone.  Never waits.
     */
    int (*next_event)(void *state, struct bus_event *ret_event);
};

struct bus {
    const struct bus_ops *ops;
    void *state;
};

static inline int bus_read(const struct bus *bus, bus_transaction t,
                           const char *path, char *value, size_t size)
{
    return bus->ops->read(bus->state, t, path, value, size);
}

static inline int bus_write(const struct bus *bus, bus_transaction t,
                            const char *path, const char *value, size_t len)
{
    return bus->ops->write(bus->state, t, path, value, len);
}

static inline int bus_remove(const struct bus *bus, bus_transaction t,
                             const char *path)
{
    return bus->ops->remove(bus->state, t, path);
}

static inline int bus_list(const struct bus *bus, bus_transaction t,
                           const char *path, bus_name_fn *each, void *arg)
{
    return bus->ops->list(bus->state, t, path, each, arg);
}

static inline int bus_permit(const struct bus *bus, bus_transaction t,
                             const char *path, uint32_t owner, uint32_t reader)
{
    return bus->ops->permit(bus->state, t, path, owner, reader);
}

static inline int bus_begin(const struct bus *bus, bus_transaction *ret_t)
{
    return bus->ops->begin(bus->state, ret_t);
}

static inline int bus_end(const struct bus *bus, bus_transaction t, bool commit)
{
    return bus->ops->end(bus->state, t, commit);
}

static inline int bus_watch(const struct bus *bus, const char *path,
                            const char *token)
{
    return bus->ops->watch(bus->state, path, token);
}

static inline int bus_unwatch(const struct bus *bus, const char *path,
                              const char *token)
{
    return bus->ops->unwatch(bus->state, path, token);
}

static inline int bus_next_event(const struct bus *bus,
                                 struct bus_event *ret_event)
{
    return bus->ops->next_event(bus->state, ret_event);
}

/* A conflict is met again this often before it is left to the caller. */
#define BUS_TRIES 3

/* What is to be done within one transaction; 0 commits it. */
typedef int bus_work_fn(const struct bus *bus, bus_transaction t, void *arg);

/*
 * One transaction around work, begun anew when it met another, so that work
 * may be called more than once.  0, what work failed with, or -EAGAIN.
 */
int bus_transact(const struct bus *bus, bus_work_fn *work, void *arg);

/*
 * A node that holds an amount of KiB.  -ENOENT when absent, -EINVAL when it
 * holds anything but a decimal number up to UNITS_KIB_MAX.
 */
int bus_read_kib(const struct bus *bus, bus_transaction t, const char *path,
                 uint64_t *ret_kib);
int bus_write_kib(const struct bus *bus, bus_transaction t, const char *path,
                  uint64_t kib);

#endif
