/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated store; see store.h.
 */
#include "tests/world/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/memory.h"
#include "tests/world/transaction.h"

struct store_end {
    struct store_end *next;
    struct store *store;
    uint32_t domid;
    const char *name;
    bool is_lost;
    struct transaction *transactions;
    struct events_queue queue;
    struct store_counts counts;
};

/* ---- Changes ----------------------------------------------------------- */

static void carry_out(const struct store_end *end,
                      const struct transaction_change *change)
{
    struct store *store = end->store;
    struct tree_node *node = tree_find(&store->tree, change->path);

    switch (change->kind) {
    case TRANSACTION_WRITE:
        (void)tree_put(&store->tree, change->path, change->value, change->len,
                       end->domid);
        events_changed(&store->events, &store->tree, change->path);
        break;
    case TRANSACTION_REMOVE:
        if (node != NULL) {
            events_removing(&store->events, &store->tree, change->path);
            (void)tree_remove(&store->tree, change->path);
        }
        break;
    case TRANSACTION_PERMIT:
        tree_permit_one(&store->tree, node, change->owner, change->reader,
                        TREE_READ);
        events_changed(&store->events, &store->tree, change->path);
        break;
    }
}

static void record(const struct store_end *end,
                   const struct transaction_change *change)
{
    struct store *store = end->store;
    struct write write = {store->now_ms, end->domid,    end->name,
                          change->path,  change->value, change->len};
    const struct write *added;

    if (change->kind == TRANSACTION_PERMIT) {
        return; /* no value has changed */
    }
    added = writes_add(&store->log, &write);
    if (store->wrote != NULL) {
        store->wrote(store->wrote_arg, added);
    }
}

/* ---- What an end asks for ---------------------------------------------- */

/* The absolute path in full; its length before the part that the end gave. */
static int absolute(const struct store_end *end, const char *path,
                    char full[BUS_PATH_MAX], size_t *ret_shown)
{
    int len;

    if (path[0] == '/') {
        *ret_shown = 0;
        len = snprintf(full, BUS_PATH_MAX, "%s", path);
    } else {
        len = snprintf(full, BUS_PATH_MAX, "/local/domain/%u/%s", end->domid,
                       path);
        *ret_shown = (size_t)len - strlen(path);
    }
    return len < BUS_PATH_MAX && tree_is_path(full) ? 0 : -EINVAL;
}

static struct transaction *find_transaction(const struct store_end *end,
                                            bus_transaction id)
{
    struct transaction *transaction = end->transactions;

    while (transaction != NULL && transaction->id != id) {
        transaction = transaction->next;
    }
    return transaction;
}

/* What every request begins with. */
static int enter(struct store_end *end, bus_transaction id, const char *path,
                 char full[BUS_PATH_MAX], struct transaction **ret_transaction)
{
    size_t shown;

    if (end->is_lost) {
        return -ENOTCONN;
    }
    *ret_transaction = NULL;
    if (id != BUS_NO_TRANSACTION) {
        *ret_transaction = find_transaction(end, id);
        if (*ret_transaction == NULL) {
            return -ENOENT;
        }
    }
    return absolute(end, path, full, &shown);
}

static int op_read(void *state, bus_transaction t, const char *path,
                   char *value, size_t size)
{
    struct store_end *end = state;
    struct transaction *transaction;
    const struct tree_node *node;
    char full[BUS_PATH_MAX];
    const char *found;
    size_t len;
    int r;

    end->counts.reads++;
    r = enter(end, t, path, full, &transaction);
    if (r < 0) {
        return r;
    }
    node = tree_nearest(&end->store->tree, full);
    if (!tree_may(node, end->domid, TREE_READ)) {
        return -EACCES;
    }
    if (transaction != NULL) {
        found = transaction_read(transaction, &end->store->tree, full, &len);
    } else {
        node = tree_find(&end->store->tree, full);
        found = node != NULL ? node->value : NULL;
        len = node != NULL ? node->len : 0;
    }
    if (found == NULL) {
        return -ENOENT;
    }
    if (len >= size || len > BUS_VALUE_MAX) {
        return -E2BIG;
    }
    memcpy(value, found, len + 1);
    return (int)len;
}

/* Whether a guest may have one node more, and one of this size. */
static int within_limits(const struct store_end *end, const char *full,
                         size_t len)
{
    const struct store *store = end->store;
    char own[64];
    const struct tree_node *home;

    if (len > BUS_VALUE_MAX) {
        return -E2BIG;
    }
    if (end->domid == 0) {
        return 0;
    }
    if (store->limit_len != 0 && len > store->limit_len) {
        return -ENOSPC;
    }
    if (store->limit_nodes == 0 || tree_find(&store->tree, full) != NULL) {
        return 0;
    }
    (void)snprintf(own, sizeof(own), "/local/domain/%u", end->domid);
    home = tree_find(&store->tree, own);
    return home != NULL && tree_owned(home, end->domid) >= store->limit_nodes
               ? -ENOSPC
               : 0;
}

static int op_write(void *state, bus_transaction t, const char *path,
                    const char *value, size_t len)
{
    struct store_end *end = state;
    struct transaction *transaction;
    char full[BUS_PATH_MAX];
    int r;

    end->counts.writes++;
    r = enter(end, t, path, full, &transaction);
    if (r < 0) {
        return r;
    }
    if (!tree_may(tree_nearest(&end->store->tree, full), end->domid,
                  TREE_WRITE)) {
        return -EACCES;
    }
    r = within_limits(end, full, len);
    if (r < 0) {
        return r;
    }
    if (transaction != NULL) {
        transaction_write(transaction, &end->store->tree, full, value, len);
    } else {
        char *copy = memory_copy(value, len);
        const struct transaction_change change = {
            .kind = TRANSACTION_WRITE, .path = full, .value = copy, .len = len};

        carry_out(end, &change);
        record(end, &change);
        free(copy);
    }
    return 0;
}

static int op_remove(void *state, bus_transaction t, const char *path)
{
    struct store_end *end = state;
    struct transaction *transaction;
    char full[BUS_PATH_MAX];
    int r;

    end->counts.writes++;
    r = enter(end, t, path, full, &transaction);
    if (r < 0) {
        return r;
    }
    if (strcmp(full, "/") == 0) {
        return -EINVAL;
    }
    if (!tree_may(tree_nearest(&end->store->tree, full), end->domid,
                  TREE_WRITE)) {
        return -EACCES;
    }
    if (transaction != NULL) {
        transaction_remove(transaction, &end->store->tree, full);
    } else if (tree_find(&end->store->tree, full) != NULL) {
        const struct transaction_change change = {.kind = TRANSACTION_REMOVE,
                                                  .path = full};

        carry_out(end, &change);
        record(end, &change);
    }
    return 0;
}

static int op_list(void *state, bus_transaction t, const char *path,
                   bus_name_fn *each, void *arg)
{
    struct store_end *end = state;
    struct transaction *transaction;
    struct transaction once = {0};
    char full[BUS_PATH_MAX];
    int r;

    end->counts.reads++;
    r = enter(end, t, path, full, &transaction);
    if (r < 0) {
        return r;
    }
    if (!tree_may(tree_nearest(&end->store->tree, full), end->domid,
                  TREE_READ)) {
        return -EACCES;
    }
    /* Names are copied first, so that each() may change the store. */
    r = transaction_list(transaction != NULL ? transaction : &once,
                         &end->store->tree, full, each, arg);
    transaction_done(&once);
    return r;
}

/* Only the owner may, and domain 0; as libxl's, it is for one node alone. */
static int op_permit(void *state, bus_transaction t, const char *path,
                     uint32_t owner, uint32_t reader)
{
    struct store_end *end = state;
    const struct tree *tree = &end->store->tree;
    struct transaction *transaction;
    const struct tree_node *node;
    char full[BUS_PATH_MAX];
    size_t len;
    int r;

    end->counts.writes++;
    r = enter(end, t, path, full, &transaction);
    if (r < 0) {
        return r;
    }
    node = tree_nearest(tree, full);
    if (end->domid != 0 && end->domid != node->owner) {
        return -EACCES;
    }
    if (transaction != NULL) {
        if (transaction_read(transaction, tree, full, &len) == NULL) {
            return -ENOENT;
        }
        transaction_permit(transaction, tree, full, owner, reader);
    } else {
        const struct transaction_change change = {.kind = TRANSACTION_PERMIT,
                                                  .path = full,
                                                  .owner = owner,
                                                  .reader = reader};

        if (tree_find(tree, full) == NULL) {
            return -ENOENT;
        }
        carry_out(end, &change);
    }
    return 0;
}

static int op_begin(void *state, bus_transaction *ret_t)
{
    struct store_end *end = state;
    struct transaction *transaction;

    if (end->is_lost) {
        return -ENOTCONN;
    }
    transaction = memory_zeroed(sizeof(*transaction));
    transaction->id = ++end->store->last_id;
    transaction->next = end->transactions;
    end->transactions = transaction;
    *ret_t = transaction->id;
    return 0;
}

static void drop_transaction(struct store_end *end,
                             struct transaction *transaction)
{
    struct transaction **link = &end->transactions;

    while (*link != transaction) {
        link = &(*link)->next;
    }
    *link = transaction->next;
    transaction_done(transaction);
    free(transaction);
}

static int op_end(void *state, bus_transaction t, bool commit)
{
    struct store_end *end = state;
    struct transaction *transaction = find_transaction(end, t);
    unsigned int i;
    int r = 0;

    if (end->is_lost) {
        return -ENOTCONN;
    }
    if (transaction == NULL) {
        return -ENOENT;
    }
    if (commit && transaction_conflicts(transaction, &end->store->tree)) {
        end->counts.conflicts++;
        r = -EAGAIN;
    } else if (commit) {
        end->counts.commits++;
        for (i = 0; i < transaction->change_count; i++) {
            carry_out(end, &transaction->changes[i]);
        }
        for (i = 0; i < transaction->change_count; i++) {
            record(end, &transaction->changes[i]);
        }
    }
    drop_transaction(end, transaction);
    return r;
}

static int watch_path(const struct store_end *end, const char *path,
                      char full[BUS_PATH_MAX], size_t *ret_shown)
{
    if (path[0] != '@') {
        return absolute(end, path, full, ret_shown);
    }
    *ret_shown = 0;
    (void)snprintf(full, BUS_PATH_MAX, "%s", path);
    return strcmp(path, "@introduceDomain") == 0 ||
                   strcmp(path, "@releaseDomain") == 0
               ? 0
               : -EINVAL;
}

static int op_watch(void *state, const char *path, const char *token)
{
    struct store_end *end = state;
    char full[BUS_PATH_MAX];
    size_t shown;
    int r;

    if (end->is_lost) {
        return -ENOTCONN;
    }
    r = watch_path(end, path, full, &shown);
    if (r < 0) {
        return r;
    }
    return events_watch(&end->store->events, &end->queue, full, shown, token);
}

static int op_unwatch(void *state, const char *path, const char *token)
{
    struct store_end *end = state;
    char full[BUS_PATH_MAX];
    size_t shown;
    int r;

    if (end->is_lost) {
        return -ENOTCONN;
    }
    r = watch_path(end, path, full, &shown);
    if (r < 0) {
        return r;
    }
    return events_unwatch(&end->store->events, &end->queue, full, token);
}

static int op_next_event(void *state, struct bus_event *ret_event)
{
    struct store_end *end = state;

    return end->is_lost ? -ENOTCONN : events_next(&end->queue, ret_event);
}

static const struct bus_ops store_ops = {
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

/* ---- The store and its ends -------------------------------------------- */

struct store *store_new(void)
{
    struct store *store = memory_zeroed(sizeof(*store));

    tree_init(&store->tree);
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    while (store->ends != NULL) {
        struct bus bus = {&store_ops, store->ends};

        store_disconnect(&bus);
    }
    writes_clear(&store->log);
    tree_done(&store->tree);
    free(store);
}

void store_connect(struct store *store, uint32_t domid, const char *name,
                   struct bus *ret_bus)
{
    struct store_end *end = memory_zeroed(sizeof(*end));

    end->store = store;
    end->domid = domid;
    end->queue.domid = domid;
    end->name = name;
    end->next = store->ends;
    store->ends = end;
    ret_bus->ops = &store_ops;
    ret_bus->state = end;
}

void store_disconnect(struct bus *bus)
{
    struct store_end *end = bus->state;
    struct store_end **link;

    if (end == NULL) {
        return;
    }
    while (end->transactions != NULL) {
        drop_transaction(end, end->transactions);
    }
    events_drop(&end->store->events, &end->queue);
    link = &end->store->ends;
    while (*link != end) {
        link = &(*link)->next;
    }
    *link = end->next;
    free(end);
    bus->ops = NULL;
    bus->state = NULL;
}

void store_move(const struct bus *bus, uint32_t domid)
{
    struct store_end *end = bus->state;
    struct transaction *transaction;
    char prefix[64];

    for (transaction = end->transactions; transaction != NULL;
         transaction = transaction->next) {
        transaction->is_broken = true;
    }
    end->domid = domid;
    end->queue.domid = domid;
    (void)snprintf(prefix, sizeof(prefix), "/local/domain/%u/", domid);
    events_move(&end->store->events, &end->queue, prefix);
}

void store_lose(const struct bus *bus)
{
    struct store_end *end = bus->state;

    end->is_lost = true;
}

unsigned int store_waiting(const struct bus *bus)
{
    const struct store_end *end = bus->state;

    return end->is_lost ? 1 : end->queue.count;
}

unsigned int store_watches(const struct bus *bus)
{
    const struct store_end *end = bus->state;

    return end->queue.watches;
}

unsigned int store_transactions(const struct bus *bus)
{
    const struct store_end *end = bus->state;
    const struct transaction *transaction;
    unsigned int count = 0;

    for (transaction = end->transactions; transaction != NULL;
         transaction = transaction->next) {
        count++;
    }
    return count;
}

const struct store_counts *store_counts(const struct bus *bus)
{
    const struct store_end *end = bus->state;

    return &end->counts;
}

void store_fire(struct store *store, const char *special)
{
    events_special(&store->events, special);
}

void store_permit(struct store *store, const char *path, uint32_t owner,
                  uint32_t other, unsigned int other_access)
{
    tree_permit(tree_find(&store->tree, path), owner, other, other_access);
}

const char *store_peek(const struct store *store, const char *path)
{
    const struct tree_node *node = tree_find(&store->tree, path);

    return node != NULL ? node->value : NULL;
}
