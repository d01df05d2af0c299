/* SPDX-License-Identifier: MIT
 *
 * treap.c - one tree of members of what is in it.
 *
 * What it cannot do: notice a node that is added twice.
 */
#include "base/treap.h"

#include <stddef.h>

#include "base/assert.h"

/* What lies in the range lies in steps of equal length.  A single
 * multiplication would leave a pattern in the ranks, by which the tree could
 * become deep. */
static uint64_t treap_rank(const struct treap_node *node)
{
    uint64_t rank = (uintptr_t)node / 16;

    rank = (rank ^ rank >> 33) * UINT64_C(0xff51afd7ed558ccd);
    rank = (rank ^ rank >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return rank ^ rank >> 33;
}

/* Joins two trees, of which all of the left one comes before all of the right
 * one, and puts the result where the link is. */
static void treap_join(struct treap_node **link, struct treap_node *left,
                       struct treap_node *right)
{
    while (left != NULL && right != NULL) {
        if (treap_rank(left) >= treap_rank(right)) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left != NULL ? left : right;
}

/* Parts a tree: what comes before the node goes to its left, the rest to its
 * right. */
static void treap_part(struct treap_node *node, struct treap_node *tree,
                       treap_before *before)
{
    struct treap_node **left = &node->left;
    struct treap_node **right = &node->right;

    while (tree != NULL) {
        ASSERT(tree != node);
        if (before(tree, node)) {
            *left = tree;
            left = &tree->right;
            tree = tree->right;
        } else {
            *right = tree;
            right = &tree->left;
            tree = tree->left;
        }
    }
    *left = NULL;
    *right = NULL;
}

/* It takes the place of the first one on its way down that has a lower rank,
 * and all of that one's tree goes below it. */
void treap_add(struct treap_node **root, struct treap_node *node,
               treap_before *before)
{
    struct treap_node **link = root;
    uint64_t rank = treap_rank(node);

    while (*link != NULL && treap_rank(*link) >= rank) {
        ASSERT(*link != node);
        link = before(node, *link) ? &(*link)->left : &(*link)->right;
    }
    treap_part(node, *link, before);
    *link = node;
}

void treap_remove(struct treap_node **root, struct treap_node *node,
                  treap_before *before)
{
    struct treap_node **link = root;

    while (*link != node) {
        ASSERT(*link != NULL);
        link = before(node, *link) ? &(*link)->left : &(*link)->right;
    }
    treap_join(link, node->left, node->right);
    node->left = node->right = NULL;
}

/* A node with others to its right goes below the next of them, until there are
 * none: so each step takes one off, or turns one that is not turned again. */
struct treap_node *treap_take_last(struct treap_node **root)
{
    struct treap_node *node = *root;

    if (node == NULL) {
        return NULL;
    }
    while (node->right != NULL) {
        struct treap_node *right = node->right;
        node->right = right->left;
        right->left = node;
        node = right;
    }
    *root = node->left;
    node->left = NULL;
    return node;
}
