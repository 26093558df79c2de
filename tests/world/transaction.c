/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction of the simulated store; see transaction.h.  The newest change
 * that concerns a path decides what the transaction sees there.
 */
#include "tests/world/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/memory.h"

void transaction_done(struct transaction *transaction)
{
    unsigned int i;

    for (i = 0; i < transaction->access_count; i++) {
        free(transaction->accesses[i].path);
    }
    for (i = 0; i < transaction->change_count; i++) {
        free(transaction->changes[i].path);
        free(transaction->changes[i].value);
    }
    free(transaction->accesses);
    free(transaction->changes);
    memset(transaction, 0, sizeof(*transaction));
}

static void look_at(struct transaction *transaction, const struct tree *tree,
                    const char *path)
{
    const struct tree_node *node = tree_find(tree, path);
    struct transaction_access *access;
    unsigned int i;

    for (i = 0; i < transaction->access_count; i++) {
        if (strcmp(transaction->accesses[i].path, path) == 0) {
            return;
        }
    }
    transaction->accesses =
        memory_array(transaction->accesses, transaction->access_count + 1,
                     sizeof(*transaction->accesses));
    access = &transaction->accesses[transaction->access_count++];
    access->path = memory_copy(path, strlen(path));
    access->generation = node != NULL ? node->generation : 0;
}

const char *transaction_read(struct transaction *transaction,
                             const struct tree *tree, const char *path,
                             size_t *ret_len)
{
    const struct tree_node *node;
    bool is_made = false; /* by a write below it */
    unsigned int i;

    look_at(transaction, tree, path);
    for (i = transaction->change_count; i > 0; i--) {
        const struct transaction_change *change = &transaction->changes[i - 1];

        if (change->kind == TRANSACTION_REMOVE &&
            tree_is_below(path, change->path)) {
            *ret_len = 0;
            return is_made ? "" : NULL;
        }
        if (change->kind == TRANSACTION_WRITE &&
            strcmp(change->path, path) == 0) {
            *ret_len = change->len;
            return change->value;
        }
        if (change->kind == TRANSACTION_WRITE &&
            tree_is_below(change->path, path)) {
            is_made = true;
        }
    }
    node = tree_find(tree, path);
    *ret_len = node != NULL ? node->len : 0;
    return node != NULL ? node->value : (is_made ? "" : NULL);
}

/* A node that comes or goes changes the list of the one above it. */
static void look_above(struct transaction *transaction, const struct tree *tree,
                       const char *path)
{
    char *above = memory_copy(path, strlen(path));
    char *slash;

    do {
        slash = strrchr(above, '/');
        slash[slash == above ? 1 : 0] = '\0';
    } while (tree_find(tree, above) == NULL);
    look_at(transaction, tree, above);
    free(above);
}

static struct transaction_change *change(struct transaction *transaction,
                                         const struct tree *tree,
                                         enum transaction_kind kind,
                                         const char *path)
{
    struct transaction_change *added;

    look_at(transaction, tree, path);
    if (kind == TRANSACTION_REMOVE || tree_find(tree, path) == NULL) {
        look_above(transaction, tree, path);
    }
    transaction->changes =
        memory_array(transaction->changes, transaction->change_count + 1,
                     sizeof(*transaction->changes));
    added = &transaction->changes[transaction->change_count++];
    memset(added, 0, sizeof(*added));
    added->kind = kind;
    added->path = memory_copy(path, strlen(path));
    return added;
}

void transaction_write(struct transaction *transaction, const struct tree *tree,
                       const char *path, const char *value, size_t len)
{
    struct transaction_change *added =
        change(transaction, tree, TRANSACTION_WRITE, path);

    added->value = memory_copy(value, len);
    added->len = len;
}

void transaction_remove(struct transaction *transaction,
                        const struct tree *tree, const char *path)
{
    (void)change(transaction, tree, TRANSACTION_REMOVE, path);
}

void transaction_permit(struct transaction *transaction,
                        const struct tree *tree, const char *path,
                        uint32_t owner, uint32_t reader)
{
    struct transaction_change *added =
        change(transaction, tree, TRANSACTION_PERMIT, path);

    added->owner = owner;
    added->reader = reader;
}

/* ---- Names ------------------------------------------------------------- */

struct names {
    char **names;
    unsigned int count;
};

static void names_drop(struct names *names, unsigned int at)
{
    free(names->names[at]);
    names->count--;
    memmove(&names->names[at], &names->names[at + 1],
            (names->count - at) * sizeof(char *));
}

static void names_add(struct names *names, const char *name, size_t len)
{
    unsigned int i;

    for (i = 0; i < names->count; i++) {
        if (strlen(names->names[i]) == len &&
            memcmp(names->names[i], name, len) == 0) {
            return;
        }
    }
    names->names = memory_array(names->names, names->count + 1, sizeof(char *));
    names->names[names->count++] = memory_copy(name, len);
}

static void names_change(struct names *names, const char *path,
                         const struct transaction_change *one)
{
    const char *rest;
    unsigned int i;

    if (one->kind == TRANSACTION_PERMIT) {
        return;
    }
    if (one->kind == TRANSACTION_REMOVE && tree_is_below(path, one->path)) {
        while (names->count > 0) {
            names_drop(names, names->count - 1);
        }
        return;
    }
    if (!tree_is_below(one->path, path) || strcmp(one->path, path) == 0) {
        return;
    }
    rest = one->path + (strcmp(path, "/") == 0 ? 1 : strlen(path) + 1);
    if (one->kind == TRANSACTION_WRITE) {
        names_add(names, rest, strcspn(rest, "/"));
        return;
    }
    for (i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], rest) == 0) {
            names_drop(names, i);
            return;
        }
    }
}

int transaction_list(struct transaction *transaction, const struct tree *tree,
                     const char *path, bus_name_fn *each, void *arg)
{
    const struct tree_node *node = tree_find(tree, path);
    struct names names = {NULL, 0};
    unsigned int i;
    size_t len;
    int count;

    if (transaction_read(transaction, tree, path, &len) == NULL) {
        return -ENOENT;
    }
    for (i = 0; node != NULL && i < node->count; i++) {
        names_add(&names, node->children[i]->name,
                  strlen(node->children[i]->name));
    }
    for (i = 0; i < transaction->change_count; i++) {
        names_change(&names, path, &transaction->changes[i]);
    }
    count = (int)names.count;
    for (i = 0; i < names.count; i++) {
        each(arg, names.names[i]);
    }
    while (names.count > 0) {
        names_drop(&names, names.count - 1);
    }
    free(names.names);
    return count;
}

bool transaction_conflicts(const struct transaction *transaction,
                           const struct tree *tree)
{
    unsigned int i;

    if (transaction->is_broken) {
        return true;
    }
    for (i = 0; i < transaction->access_count; i++) {
        const struct transaction_access *access = &transaction->accesses[i];
        const struct tree_node *node = tree_find(tree, access->path);

        if ((node != NULL ? node->generation : 0) != access->generation) {
            return true;
        }
    }
    return false;
}
