/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of the simulated store; see tree.h.  Children are kept sorted, so
 * that a host of thousands of domains is searched quickly and listed in an
 * order that does not depend on its history.
 */
#include "tests/world/tree.h"

#include <stdlib.h>
#include <string.h>

#include "tests/world/memory.h"

static struct tree_node *node_new(struct tree *tree, const char *name,
                                  size_t len)
{
    struct tree_node *node = memory_zeroed(sizeof(*node));

    node->name = memory_copy(name, len);
    node->value = memory_copy("", 0);
    node->generation = ++tree->generation;
    return node;
}

/* Depth is bounded by the length of a path; no input recurses here. */
static void node_free(struct tree_node *node)
{
    unsigned int i;

    for (i = 0; i < node->count; i++) {
        node_free(node->children[i]);
    }
    free(node->children);
    free(node->value);
    free(node->name);
    free(node);
}

void tree_init(struct tree *tree)
{
    tree->generation = 0;
    tree->root = node_new(tree, "", 0);
}

void tree_done(struct tree *tree)
{
    if (tree->root != NULL) {
        node_free(tree->root);
        tree->root = NULL;
    }
}

bool tree_is_path(const char *path)
{
    size_t len = strlen(path);

    return path[0] == '/' && strstr(path, "//") == NULL &&
           (len == 1 || path[len - 1] != '/');
}

bool tree_is_below(const char *path, const char *above)
{
    size_t len = strlen(above);

    if (strcmp(above, "/") == 0) {
        return path[0] == '/';
    }
    return strncmp(path, above, len) == 0 &&
           (path[len] == '\0' || path[len] == '/');
}

static int compare_name(const struct tree_node *node, const char *name,
                        size_t len)
{
    int order = strncmp(node->name, name, len);

    return order != 0 ? order : (node->name[len] == '\0' ? 0 : 1);
}

/* Where the child is, or where it would have to be put. */
static unsigned int child_at(const struct tree_node *node, const char *name,
                             size_t len, bool *ret_found)
{
    unsigned int low = 0;
    unsigned int high = node->count;

    *ret_found = false;
    while (low < high) {
        unsigned int middle = low + (high - low) / 2;
        int order = compare_name(node->children[middle], name, len);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Goes down as far as there are nodes; *ret_rest is what is left of path. */
static struct tree_node *descend(const struct tree *tree, const char *path,
                                 const char **ret_rest)
{
    struct tree_node *node = tree->root;
    const char *rest = path + 1;

    while (*rest != '\0') {
        size_t len = strcspn(rest, "/");
        bool found;
        unsigned int at = child_at(node, rest, len, &found);

        if (!found) {
            break;
        }
        node = node->children[at];
        rest += len + (rest[len] == '/' ? 1 : 0);
    }
    *ret_rest = rest;
    return node;
}

struct tree_node *tree_find(const struct tree *tree, const char *path)
{
    const char *rest;
    struct tree_node *node = descend(tree, path, &rest);

    return *rest == '\0' ? node : NULL;
}

struct tree_node *tree_nearest(const struct tree *tree, const char *path)
{
    const char *rest;

    return descend(tree, path, &rest);
}

static struct tree_node *child_add(struct tree *tree, struct tree_node *parent,
                                   const char *name, size_t len, uint32_t by)
{
    struct tree_node *node = node_new(tree, name, len);
    bool found;
    unsigned int at = child_at(parent, name, len, &found);

    if (parent->count == parent->room) {
        parent->room = parent->room == 0 ? 4 : parent->room * 2;
        parent->children = memory_array(parent->children, parent->room,
                                        sizeof(struct tree_node *));
    }
    memmove(&parent->children[at + 1], &parent->children[at],
            (parent->count - at) * sizeof(struct tree_node *));
    parent->children[at] = node;
    parent->count++;
    parent->generation = tree->generation;
    node->parent = parent;
    node->owner = by != 0 ? by : parent->owner;
    node->other = parent->other;
    node->other_access = parent->other_access;
    return node;
}

struct tree_node *tree_put(struct tree *tree, const char *path,
                           const char *value, size_t len, uint32_t by)
{
    const char *rest;
    struct tree_node *node = descend(tree, path, &rest);

    while (*rest != '\0') {
        size_t name_len = strcspn(rest, "/");

        node = child_add(tree, node, rest, name_len, by);
        rest += name_len + (rest[name_len] == '/' ? 1 : 0);
    }
    free(node->value);
    node->value = memory_copy(value, len);
    node->len = len;
    node->generation = ++tree->generation;
    return node;
}

bool tree_remove(struct tree *tree, const char *path)
{
    struct tree_node *node = tree_find(tree, path);
    struct tree_node *parent;
    unsigned int at;
    bool found;

    if (node == NULL || node == tree->root) {
        return false;
    }
    parent = node->parent;
    at = child_at(parent, node->name, strlen(node->name), &found);
    parent->count--;
    memmove(&parent->children[at], &parent->children[at + 1],
            (parent->count - at) * sizeof(struct tree_node *));
    parent->generation = ++tree->generation;
    node_free(node);
    return true;
}

bool tree_may(const struct tree_node *node, uint32_t domid,
              enum tree_access access)
{
    return domid == 0 || domid == node->owner ||
           (domid == node->other &&
            (node->other_access & (unsigned int)access) != 0);
}

void tree_permit_one(struct tree *tree, struct tree_node *node, uint32_t owner,
                     uint32_t other, unsigned int other_access)
{
    node->owner = owner;
    node->other = other;
    node->other_access = other_access;
    node->generation = ++tree->generation;
}

void tree_permit(struct tree_node *node, uint32_t owner, uint32_t other,
                 unsigned int other_access)
{
    unsigned int i;

    node->owner = owner;
    node->other = other;
    node->other_access = other_access;
    for (i = 0; i < node->count; i++) {
        tree_permit(node->children[i], owner, other, other_access);
    }
}

unsigned int tree_owned(const struct tree_node *node, uint32_t domid)
{
    unsigned int sum = node->owner == domid ? 1 : 0;
    unsigned int i;

    for (i = 0; i < node->count; i++) {
        sum += tree_owned(node->children[i], domid);
    }
    return sum;
}
