/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction of the simulated store: the changes that it will make, laid
 * over the tree, and what it has looked at, to know afterwards whether
 * somebody else changed that in the meantime.
 */
#ifndef BALLOON_TESTS_WORLD_TRANSACTION_H
#define BALLOON_TESTS_WORLD_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "tests/world/tree.h"

enum transaction_kind {
    TRANSACTION_WRITE,
    TRANSACTION_REMOVE, /* with everything below */
    TRANSACTION_PERMIT,
};

struct transaction_change {
    enum transaction_kind kind;
    char *path;
    char *value; /* NULL but for a write */
    size_t len;
    uint32_t owner; /* of TRANSACTION_PERMIT */
    uint32_t reader;
};

struct transaction_access {
    char *path;
    uint64_t generation; /* when first looked at; 0: there was no such node */
};

/* Zeroed: one that has done nothing yet. */
struct transaction {
    struct transaction *next; /* for the owner's use */
    bus_transaction id;
    bool is_broken; /* to end with -EAGAIN in any case */
    struct transaction_access *accesses;
    unsigned int access_count;
    struct transaction_change *changes; /* in their order */
    unsigned int change_count;
};

void transaction_done(struct transaction *transaction);

/* The node's value as the transaction sees it; NULL when absent. */
const char *transaction_read(struct transaction *transaction,
                             const struct tree *tree, const char *path,
                             size_t *ret_len);

void transaction_write(struct transaction *transaction, const struct tree *tree,
                       const char *path, const char *value, size_t len);

void transaction_remove(struct transaction *transaction,
                        const struct tree *tree, const char *path);

void transaction_permit(struct transaction *transaction,
                        const struct tree *tree, const char *path,
                        uint32_t owner, uint32_t reader);

/* Calls each for every child; returns how many, or -ENOENT. */
int transaction_list(struct transaction *transaction, const struct tree *tree,
                     const char *path, bus_name_fn *each, void *arg);

bool transaction_conflicts(const struct transaction *transaction,
                           const struct tree *tree);

#endif
