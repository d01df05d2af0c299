/* SPDX-License-Identifier: MIT
 *
 * heap_tree.h - the long free chunks of a heap, by length.
 *
 * What it cannot do: hold short chunks, whose memory is too little for a node.
 */
#ifndef MP_HEAP_TREE_H
#define MP_HEAP_TREE_H

#include "store/heap_type.h"

/* A chunk goes into the tree, and out of it.  *root changes. */
MP_INNER void heap_tree_insert(struct heap_node **root,
                               struct heap_node *node, uint32_t length);
MP_INNER void heap_tree_remove(struct heap_node **root,
                               struct heap_node *node);

/* The shortest chunk of at least that many granules, of those of one length
 * the lowest; NULL: there is none. */
MP_INNER struct heap_node *heap_tree_find(struct heap_node *root,
                                          uint32_t granules);

/* The first chunk in order that is of that length and at that address, or comes
 * behind; NULL: there is none. */
MP_INNER struct heap_node *heap_tree_from(struct heap_node *root,
                                          size_t length, uintptr_t at);

#endif /* MP_HEAP_TREE_H */
