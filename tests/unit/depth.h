/* SPDX-License-Identifier: MIT
 *
 * depth.h - how deep a treap is, for tests that no way in it is long.
 *
 * What it cannot do: look at a tree that runs in a circle.
 */
#ifndef MP_TESTS_UNIT_DEPTH_H
#define MP_TESTS_UNIT_DEPTH_H

#include "base/treap.h"

static unsigned depth(const struct treap_node *node)
{
    if (node == NULL) {
        return 0;
    }
    unsigned left = depth(node->left);
    unsigned right = depth(node->right);
    return 1 + (left > right ? left : right);
}

#endif /* MP_TESTS_UNIT_DEPTH_H */
