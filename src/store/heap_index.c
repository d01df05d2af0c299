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
 * The tree is a treap: the blocks are in order of their addresses from left to
 * right, and each has a higher rank than those below it.  The rank is a hash
 * of the address, so no balance has to be noted, and the tree is as deep as
 * one built in random order.  No block has a link to the block above it, since
 * struct block has no room for one.  So a walk from block to block searches for
 * each next block from the root.
 *
 * Invariants, for each block of the index:
 *
 *     all to its left < block < all to its right, as addresses
 *     block < its base
 *     rank(block) >= rank(block->left), rank(block->right)
 *
 * What it cannot do: say where a block is in the order of them all.
 */
#include "store/heap_index.h"

/* Blocks in the range lie in steps of equal length.  A single multiplication
 * would leave a pattern in their ranks, by which the tree could become deep. */
static uint64_t heap_index_rank(const struct block *block)
{
    uint64_t rank = (uintptr_t)block / SIZES_GRANULE;

    rank = (rank ^ rank >> 33) * UINT64_C(0xff51afd7ed558ccd);
    rank = (rank ^ rank >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return rank ^ rank >> 33;
}

struct block *heap_block_up_to(const struct heap *heap, uintptr_t address)
{
    struct block *block = heap->index;
    struct block *found = NULL;

    while (block != NULL) {
        if ((uintptr_t)block <= address) {
            found = block;
            block = block->right;
        } else {
            block = block->left;
        }
    }
    return found;
}

struct block *heap_block_from(const struct heap *heap, uintptr_t base)
{
    struct block *block = heap->index;
    struct block *found = NULL;

    while (block != NULL) {
        if ((uintptr_t)block->base >= base) {
            found = block;
            block = block->left;
        } else {
            block = block->right;
        }
    }
    return found;
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

/* Joins two trees, of which all of the left one comes before all of the right
 * one, and puts the result where the link is. */
static void heap_index_join(struct block **link, struct block *left,
                            struct block *right)
{
    while (left != NULL && right != NULL) {
        if (heap_index_rank(left) >= heap_index_rank(right)) {
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

void heap_index_remove(struct heap *heap, struct block *block)
{
    struct block **link = &heap->index;

    ASSERT(block != heap->first && block->granules <= heap->size);
    while (*link != block) {
        ASSERT(*link != NULL);
        link = (uintptr_t)block < (uintptr_t)*link ? &(*link)->left
                                                   : &(*link)->right;
    }
    heap_index_join(link, block->left, block->right);
    block->left = block->right = NULL;
    ASSERT(heap->blocks > 0);
    heap->blocks--;
    heap->size -= block->granules;
}

/* Parts a tree: what comes before the block goes to its left, the rest to its
 * right. */
static void heap_index_part(struct block *block, struct block *tree)
{
    struct block **left = &block->left;
    struct block **right = &block->right;

    while (tree != NULL) {
        ASSERT(tree != block);
        if ((uintptr_t)tree < (uintptr_t)block) {
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
void heap_index_add(struct heap *heap, struct block *block)
{
    struct block **link = &heap->index;
    uint64_t rank = heap_index_rank(block);

    ASSERT(block != heap->first && block->granules > 0);
    ASSERT((uintptr_t)block < (uintptr_t)block->base);
    while (*link != NULL && heap_index_rank(*link) >= rank) {
        ASSERT(*link != block);
        link = (uintptr_t)block < (uintptr_t)*link ? &(*link)->left
                                                   : &(*link)->right;
    }
    heap_index_part(block, *link);
    *link = block;
    heap->blocks++;
    heap->size += block->granules;
}

/* A block with others to its right goes below the next of them, until there
 * are none: so each step takes one off, or turns one that is not turned
 * again. */
struct block *heap_index_take_last(struct heap *heap)
{
    struct block *block = heap->index;

    ASSERT((block == NULL) == (heap->blocks == 0));
    if (block == NULL) {
        return NULL;
    }
    while (block->right != NULL) {
        struct block *right = block->right;
        block->right = right->left;
        right->left = block;
        block = right;
    }
    heap->index = block->left;
    block->left = NULL;
    heap->blocks--;
    return block;
}
