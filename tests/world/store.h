/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated store: xenstored's tree, watches, transactions and
 * permissions behind struct bus_ops, for any number of ends.
 *
 * As xenstored does: a watch fires at its registration, for writes of its own
 * end, for writes that change nothing, for everything at or below its path,
 * and once, with its own path, when a node above it is removed.  A
 * transaction that read or wrote what has changed since ends with -EAGAIN.
 * Domain 0 may do everything; a guest what the permissions of a node say.
 *
 * Not simulated: the time that a request takes, limits on the rate and number
 * of requests, watches and transactions, and live updates.
 */
#ifndef BALLOON_TESTS_WORLD_STORE_H
#define BALLOON_TESTS_WORLD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "tests/world/events.h"
#include "tests/world/tree.h"
#include "tests/world/writes.h"

/* May read the store; not write. */
typedef void store_write_fn(void *arg, const struct write *write);

struct store_counts {
    uint64_t reads;  /* and lists */
    uint64_t writes; /* and removals, also those that failed */
    uint64_t commits;
    uint64_t conflicts;
};

struct store_end;

struct store {
    uint64_t now_ms; /* the world's to set: goes into the log */
    struct writes log;

    /* Called for each write when it, or its transaction, is done; or NULL. */
    store_write_fn *wrote;
    void *wrote_arg;

    /*
     * Nodes that a guest may own, and bytes of a value that it may write; 0:
     * as many as it likes.
     */
    unsigned int limit_nodes;
    size_t limit_len;

    /* private to store.c */
    struct tree tree;
    struct events events;
    struct store_end *ends;
    bus_transaction last_id;
};

struct store *store_new(void);
void store_free(struct store *store);

/*
 * A new end.  name must stay valid as long as the store.  Relative paths
 * start at /local/domain/<domid>.
 */
void store_connect(struct store *store, uint32_t domid, const char *name,
                   struct bus *ret_bus);

/* As when its process ends.  Accepts a zeroed bus, and may be called twice. */
void store_disconnect(struct bus *bus);

/*
 * The end wakes up in a domain of another id: restored or migrated.  Open
 * transactions are broken, its watches start anew.
 */
void store_move(const struct bus *bus, uint32_t domid);

/* From now on the end gets -ENOTCONN for everything. */
void store_lose(const struct bus *bus);

/* Events that wait for the end; also when it has yet to see that it is lost. */
unsigned int store_waiting(const struct bus *bus);

/* What the end has open. */
unsigned int store_watches(const struct bus *bus);
unsigned int store_transactions(const struct bus *bus);

const struct store_counts *store_counts(const struct bus *bus);

/* What xenstored tells of domains that come and go. */
void store_fire(struct store *store, const char *special);

/*
 * For the node and everything below it, which must exist.  Domain 0 and owner
 * may do all; other what other_access says.
 */
void store_permit(struct store *store, const char *path, uint32_t owner,
                  uint32_t other, unsigned int other_access);

/* The node's value, whoever may read it; NULL when there is no such node. */
const char *store_peek(const struct store *store, const char *path);

#endif
