/* SPDX-License-Identifier: MIT
 *
 * treap.h - one tree of members of what is in it, for everything that is found
 * by order.
 *
 * A treap: the nodes are in order from left to right, and each has a higher
 * rank than those below it.  The rank is a hash of the node's address.  So no
 * balance has to be noted, and the tree is as deep as one built in random
 * order: a search takes steps as the logarithm of the nodes.  A node is a
 * member of what is in the tree, so adding takes no memory and never fails.
 *
 * Invariants, for each node:
 *
 *     all to its left come before it, all to its right behind it
 *     rank(node) >= rank(node->left), rank(node->right)
 *
 * What it cannot do: search.  What the order means, and with it the way down,
 * is the caller's.
 */
#ifndef MP_TREAP_H
#define MP_TREAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct treap_node {
    struct treap_node *left;
    struct treap_node *right;
};

/* True: the first comes before the second.  Of two different nodes one does. */
typedef bool treap_before(const struct treap_node *one,
                          const struct treap_node *other);

MP_INNER void treap_add(struct treap_node **root, struct treap_node *node,
                        treap_before *before);
MP_INNER void treap_remove(struct treap_node **root, struct treap_node *node,
                           treap_before *before);

/* Takes the last node out; NULL: there is none.  To take out all of them so
 * costs less than to remove each. */
MP_INNER struct treap_node *treap_take_last(struct treap_node **root);

#endif /* MP_TREAP_H */
