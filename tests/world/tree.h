/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of the simulated store: nodes, values, permissions.  It knows no
 * connections, watches or transactions; store.c has them.
 *
 * Paths are absolute, of components that are not empty.  Running out of
 * memory ends the program: a simulation has nobody to report it to.
 */
#ifndef BALLOON_TESTS_WORLD_TREE_H
#define BALLOON_TESTS_WORLD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tree_access {
    TREE_READ = 1 << 0,
    TREE_WRITE = 1 << 1,
};

struct tree_node {
    char *name;
    char *value; /* never NULL; a NUL stands behind it */
    size_t len;
    /* Of the last change of the value or of the list of children. */
    uint64_t generation;

    /* Domain 0 may do anything, the owner too; one more may be named. */
    uint32_t owner;
    uint32_t other;
    unsigned int other_access; /* of enum tree_access */

    struct tree_node *parent;
    struct tree_node **children; /* sorted by name */
    unsigned int count;
    unsigned int room;
};

struct tree {
    struct tree_node *root;
    uint64_t generation;
};

void tree_init(struct tree *tree);
void tree_done(struct tree *tree);

/* Whether path is one that a node can have. */
bool tree_is_path(const char *path);

/* Whether path is at or below above. */
bool tree_is_below(const char *path, const char *above);

/* NULL when there is no such node. */
struct tree_node *tree_find(const struct tree *tree, const char *path);

/* The node itself, or the nearest above it that exists; never NULL. */
struct tree_node *tree_nearest(const struct tree *tree, const char *path);

/*
 * Makes the node, and those above it, and sets its value.  New nodes take
 * their permissions from the one above; one that a guest makes is its own.
 */
struct tree_node *tree_put(struct tree *tree, const char *path,
                           const char *value, size_t len, uint32_t by);

/* With everything below; false when it was not there.  The root stays. */
bool tree_remove(struct tree *tree, const char *path);

bool tree_may(const struct tree_node *node, uint32_t domid,
              enum tree_access access);

/* For the node alone: those made below it from now on take them from it. */
void tree_permit_one(struct tree *tree, struct tree_node *node, uint32_t owner,
                     uint32_t other, unsigned int other_access);

/* For the node and everything below it. */
void tree_permit(struct tree_node *node, uint32_t owner, uint32_t other,
                 unsigned int other_access);

/* How many nodes at or below node domid owns. */
unsigned int tree_owned(const struct tree_node *node, uint32_t domid);

#endif
