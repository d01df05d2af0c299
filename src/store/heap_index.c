/* SPDX-License-Identifier: MIT
 *
 * heap_index.c - which blocks a heap has, by address.
 *
 * The index is a tree whose links stand in the blocks, so that a block is
 * noted without any memory, and noting it cannot fail.  A block comes and goes
 * under the pool's lock, where nothing may be asked of malloc(): the program's
 * own may wait for that lock.  The first block is in no index, since a heap
 * that has no other needs none.
 *
 * The tree is a treap, in the order of the blocks' addresses.  No block has a
 * link to the block above it, since struct block has no room for one.  So a
 * walk from block to block searches for each next block from the root.
 *
 * Several heaps may share one more such tree, that of the marks of a pool: so
 * the heap of an address is found by one search, however many marks are open.
 * A heap's first block is in that tree, too.
 *
 * Invariants, for each block of the index:
 *
 *     block < its base
 *     block->heap == the heap of the index
 *
 * What it cannot do: say where a block is in the order of them all.
 */
#include "store/heap_index.h"

#include "store/heap_seal.h"
#include "store/range.h"

/* The block of a node, whose place in it does not change the order. */
static struct block *heap_index_block(struct treap_node *node)
{
    return node == NULL ? NULL : LIST_ENTRY(node, struct block, own);
}

/* The same for a node of the tree that heaps share. */
static struct block *heap_shared_block(struct treap_node *node)
{
    return node == NULL ? NULL : LIST_ENTRY(node, struct block, shared);
}

static bool heap_index_before(const struct treap_node *one,
                              const struct treap_node *other)
{
    return (uintptr_t)one < (uintptr_t)other;
}

struct block *heap_block_up_to(const struct heap *heap, uintptr_t address)
{
    struct treap_node *node = heap->index;
    struct treap_node *found = NULL;

    while (node != NULL) {
        if ((uintptr_t)heap_index_block(node) <= address) {
            found = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return heap_index_block(found);
}

struct block *heap_block_from(const struct heap *heap, uintptr_t base)
{
    struct treap_node *node = heap->index;
    struct treap_node *found = NULL;

    while (node != NULL) {
        if ((uintptr_t)heap_index_block(node)->base >= base) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return heap_index_block(found);
}

/* The current block is tried first, since most objects die young; then the
 * first, which is the only one that most pools have. */
struct heap_chunk heap_find(const struct heap *heap, const void *ptr)
{
    struct heap_chunk chunk = {heap->current, 0};

    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    chunk.block = heap->first;
    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    /* Blocks do not overlap, so only the last one that begins at or before
     * the address can have it.  A block's head stands in front of its
     * granules, so its own address says where it begins. */
    chunk.block = heap_block_up_to(heap, (uintptr_t)ptr);
    if (chunk.block != NULL) {
        ASSERT(chunk.block->heap == heap);
        if (block_find(chunk.block, ptr, &chunk.granule)) {
            return chunk;
        }
    }
    return heap_none();
}

unsigned char heap_code(const struct heap *heap, const void *ptr)
{
    if (heap->stock->ranged) {
        return range_code(ptr);
    }
    struct heap_chunk chunk = heap_find(heap, ptr);
    return chunk.block == NULL ? BLOCK_NONE
                               : sync_get(&chunk.block->map[chunk.granule]);
}

struct block *heap_shared_from(struct treap_node *shared, uintptr_t base)
{
    struct block *found = NULL;

    while (shared != NULL) {
        struct block *block = heap_shared_block(shared);
        if ((uintptr_t)block->base >= base) {
            found = block;
            shared = shared->left;
        } else {
            shared = shared->right;
        }
    }
    return found;
}

struct heap_chunk heap_find_shared(struct treap_node *shared,
                                   const void *ptr)
{
    struct heap_chunk chunk = {NULL, 0};

    /* As in a heap's own index: the last block that begins at or before the
     * address. */
    while (shared != NULL) {
        struct block *block = heap_shared_block(shared);
        if ((uintptr_t)block <= (uintptr_t)ptr) {
            chunk.block = block;
            shared = shared->right;
        } else {
            shared = shared->left;
        }
    }
    if (chunk.block != NULL && !block_find(chunk.block, ptr, &chunk.granule)) {
        chunk.block = NULL;
    }
    return chunk;
}

void heap_share(struct heap *heap, struct treap_node **shared)
{
    ASSERT(heap->shared == NULL && heap->blocks == 0);
    heap->shared = shared;
    treap_add(shared, &heap->first->shared, heap_index_before);
}

void heap_unshare(struct heap *heap)
{
    ASSERT(heap->shared != NULL && heap->blocks == 0);
    treap_remove(heap->shared, &heap->first->shared, heap_index_before);
    heap->shared = NULL;
}

/* A block has left the index. */
static void heap_index_left(struct heap *heap, struct block *block)
{
    if (heap->shared != NULL) {
        treap_remove(heap->shared, &block->shared, heap_index_before);
    }
    ASSERT(heap->blocks > 0);
    heap->blocks--;
    if (heap->blocks == 0) {
        heap_cover_first(heap);
    }
}

void heap_index_remove(struct heap *heap, struct block *block)
{
    ASSERT(block != heap->first && block->granules <= heap->size);
    treap_remove(&heap->index, &block->own, heap_index_before);
    heap_index_left(heap, block);
    heap->size -= block->granules;
}

void heap_index_add(struct heap *heap, struct block *block)
{
    ASSERT(block != heap->first && block->granules > 0);
    ASSERT((uintptr_t)block < (uintptr_t)block->base);
    treap_add(&heap->index, &block->own, heap_index_before);
    if (heap->shared != NULL) {
        treap_add(heap->shared, &block->shared, heap_index_before);
    }
    heap->blocks++;
    heap->size += block->granules;
    heap_cover(heap, block->base, block->granules);
}

struct block *heap_index_take_last(struct heap *heap)
{
    struct block *block = heap_index_block(treap_take_last(&heap->index));

    ASSERT(block != NULL || heap->blocks == 0);
    if (block != NULL) {
        heap_index_left(heap, block);
    }
    return block;
}
