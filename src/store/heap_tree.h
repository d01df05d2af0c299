/* SPDX-License-Identifier: MIT
 *
 * heap_tree.h - the long free chunks of a heap, by length.
 *
 * What it cannot do: hold short chunks, whose memory is too little for a node.
 */
#ifndef MP_HEAP_TREE_H
#define MP_HEAP_TREE_H

#include "store/heap_type.h"

/* A root is a sealed link.  Each function returns false where it meets a link
 * that was written over; nothing is written to what is no chunk of the heap,
 * and the trees have to be made anew. */

/* A chunk goes into the tree, and out of it.  *root changes. */
MP_INNER bool heap_tree_insert(const struct heap *heap, uint64_t *root,
                               struct heap_node *node, uint32_t length);
MP_INNER bool heap_tree_remove(const struct heap *heap, uint64_t *root,
                               const struct heap_node *node);

/* *found is the shortest chunk of at least that many granules, of those of one
 * length the lowest; NULL: there is none.  Its length is what it says. */
MP_INNER bool heap_tree_find(const struct heap *heap, uint64_t root,
                             uint32_t granules, struct heap_node **found);

/* *found is the first chunk in order that is of that length and at that
 * address, or comes behind; NULL: there is none. */
MP_INNER bool heap_tree_from(const struct heap *heap, uint64_t root,
                             size_t length, uintptr_t at,
                             struct heap_node **found);

/* The chunk that is the root; NULL: the tree is empty, or was written over. */
MP_INNER struct heap_node *heap_tree_root(const struct heap *heap,
                                          uint64_t root);

/* True: the map says that a chunk, which may be none, is free and as long as
 * its node says: a program may have written over that. */
static inline bool heap_is_node(struct heap_chunk chunk,
                                const struct heap_node *node)
{
    return chunk.block != NULL &&
           sync_get(&chunk.block->map[chunk.granule]) == BLOCK_LONG_FREE &&
           block_length(chunk.block, chunk.granule) == node->length;
}

#endif /* MP_HEAP_TREE_H */
