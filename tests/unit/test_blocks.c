/* SPDX-License-Identifier: MIT
 *
 * test_blocks.c - where blocks come from, how they lie, and which are kept.
 *
 * A backing that counts what it gave stands for the program's.
 *
 * What it cannot do: test the range where the system has none; then the tests
 * of it are left out.
 */
#include "store/blocks.h"
#include "store/outside.h"

#include <stdlib.h>

#include "../support.h"
#include "store/heap.h"
#include "store/range.h"

#define HEAD ((size_t)128) /* bytes before the first granule, in the range */
#define OWNER ((struct memory_pool *)(void *)&counting)

/* What the backing gave and still has out. */
static struct {
    unsigned calls;
    unsigned out;
    size_t bytes; /* of the last request */
    bool empty;   /* it gives nothing */
    size_t limit; /* bytes of the longest request that it serves; 0: any */
} counting;

static struct blocks blocks;

static void *counting_acquire(void *context, size_t size, size_t alignment)
{
    ck_assert_ptr_eq(context, &counting);
    ck_assert_uint_eq(alignment, SIZES_GRANULE);
    counting.calls++;
    counting.bytes = size;
    if (counting.empty || (counting.limit != 0 && size > counting.limit)) {
        return NULL;
    }
    counting.out++;
    return malloc(size);
}

static void counting_release(void *context, void *block, size_t size)
{
    ck_assert_ptr_eq(context, &counting);
    ck_assert_uint_gt(size, 0);
    counting.out--;
    free(block);
}

static const mp_backing_t counting_backing = {
    .acquire = counting_acquire,
    .release = counting_release,
    .context = &counting,
};

static void start(void)
{
    memset(&counting, 0, sizeof counting);
    blocks_start(&blocks, OWNER, false, 10000, &counting_backing);
}

static void end(void)
{
    blocks_release(&blocks, blocks_excess(&blocks, 0));
    ck_assert_ptr_null(blocks.stock);
    ck_assert_uint_eq(counting.out, 0);
}

static struct block *acquire(size_t granules, size_t bytes)
{
    struct block *block = blocks_acquire(&blocks, granules, bytes);

    ck_assert_ptr_nonnull(block);
    ck_assert_uint_ge(block->granules, granules);
    ck_assert_uint_gt(block->bytes, 0);
    ck_assert(!block->lent);
    blocks_count(&blocks, block);
    return block;
}

static size_t stock_length(void)
{
    size_t length = 0;

    ck_assert(blocks_is_sound(&blocks));
    for (const struct block *b = blocks.stock; b != NULL; b = b->next) {
        length++;
    }
    return length;
}

START_TEST(a_layout_fits_into_its_bytes_and_no_fewer)
{
    for (size_t head = 0; head < 200; head += 40) {
        for (size_t granules = 1; granules < 300; granules++) {
            size_t bytes = blocks_layout(head, granules);
            ck_assert_uint_eq(blocks_fit(head, bytes), granules);
            ck_assert_uint_eq(blocks_fit(head, bytes - 1), granules - 1);
        }
        ck_assert_uint_eq(blocks_fit(head, 0), 0);
        ck_assert_uint_eq(blocks_fit(head, head), 0);
    }
}
END_TEST

/* All parts of a block lie in its memory, and one behind the other. */
static void expect_layout(const struct block *block, const void *memory,
                          size_t bytes)
{
    const unsigned char *from = memory;
    const unsigned char *map_end = block->map + block->granules + 1;

    ck_assert_uint_eq((uintptr_t)block->base % SIZES_GRANULE, 0);
    from += sizeof(struct outside);
    ck_assert(block->base >= from && block->base < from + SIZES_GRANULE);
    ck_assert(block->map - 1 >=
              block->base + block->granules * SIZES_GRANULE);
    ck_assert(map_end <= from + bytes);
    for (const unsigned char *at = block->map - 1; at < map_end; at++) {
        ck_assert_uint_eq(*at, 0);
    }
}

START_TEST(a_block_lies_in_its_memory_at_any_address)
{
    const size_t granules = 33;
    const size_t bytes = blocks_layout(0, granules);

    for (size_t shift = 0; shift < 2 * SIZES_GRANULE; shift++) {
        unsigned char *memory = malloc(bytes + shift);
        struct block block;
        ck_assert_ptr_nonnull(memory);
        memset(memory, 0xa5, bytes + shift);
        memset(&block, 0xa5, sizeof block);
        blocks_lay(&block, memory + shift, granules);
        ck_assert_uint_eq(block.granules, granules);
        ck_assert_uint_eq(block.bytes, 0);
        ck_assert(block.heap == NULL && !block.lent && block.next == NULL);
        expect_layout(&block, memory + shift, bytes);
        free(memory);
    }
}
END_TEST

START_TEST(a_block_of_the_backing_has_what_was_asked_for)
{
    struct block *block = acquire(10, 1024);

    expect_layout(block, block + 1, block->bytes - sizeof *block);
    ck_assert_uint_eq(block->bytes, counting.bytes);
    ck_assert_uint_le(block->bytes, 1024);
    ck_assert_uint_gt(block->bytes, 1024 - 17);
    blocks_release(&blocks, block);
    block = acquire(500, 1024); /* more than so many bytes have */
    ck_assert_uint_eq(block->granules, 500);
    blocks_release(&blocks, block);
    counting.empty = true;
    ck_assert_ptr_null(blocks_acquire(&blocks, 10, 1024));
    ck_assert_ptr_null(blocks_acquire(&blocks, SIZES_GRANULES_MOST, 0));
}
END_TEST

START_TEST(the_stock_gives_the_first_block_that_is_long_enough)
{
    struct block *small = acquire(10, 0);
    struct block *large = acquire(100, 0);
    struct block *newest = acquire(20, 0);

    blocks_push(&blocks, large);
    blocks_push(&blocks, small);
    blocks_push(&blocks, newest);
    ck_assert_uint_eq(stock_length(), 3);
    ck_assert_uint_eq(blocks.stock_bytes,
                      small->bytes + large->bytes + newest->bytes);
    ck_assert_ptr_null(blocks_take(&blocks, 101));
    ck_assert_ptr_eq(blocks_take(&blocks, 50), large);
    ck_assert_ptr_eq(blocks_take(&blocks, 1), newest);
    ck_assert_ptr_eq(blocks_take(&blocks, 10), small);
    ck_assert_ptr_null(blocks_take(&blocks, 1));
    ck_assert_uint_eq(blocks.stock_bytes, 0);
    blocks_push(&blocks, small);
    blocks_push(&blocks, large);
    blocks_push(&blocks, newest);
}
END_TEST

START_TEST(what_is_more_than_is_to_be_kept_is_excess)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < 5; i++) {
        struct block *block = acquire(100, 0);
        bytes = block->bytes;
        blocks_push(&blocks, block);
    }
    ck_assert_ptr_null(blocks_excess(&blocks, 5 * bytes));
    struct block *excess = blocks_excess(&blocks, 3 * bytes);
    ck_assert_ptr_nonnull(excess);
    ck_assert_ptr_nonnull(excess->next);
    ck_assert_ptr_null(excess->next->next);
    ck_assert_uint_eq(stock_length(), 3);
    blocks_release(&blocks, excess);
    ck_assert_uint_eq(counting.out, 3);
    excess = blocks_excess(&blocks, 2 * bytes + 1);
    ck_assert(excess != NULL && excess->next == NULL);
    blocks_release(&blocks, excess);
    ck_assert_uint_eq(counting.out, 2);
}
END_TEST

START_TEST(a_wrong_stock_is_seen)
{
    struct block *block = acquire(10, 0);

    blocks_push(&blocks, block);
    ck_assert(blocks_is_sound(&blocks));
    blocks.stock_bytes++;
    ck_assert(!blocks_is_sound(&blocks));
    blocks.stock_bytes--;
    block->map[0] = BLOCK_LIVE;
    ck_assert(!blocks_is_sound(&blocks));
    block->map[0] = BLOCK_NONE;
    block->next = block; /* a circle */
    ck_assert(!blocks_is_sound(&blocks));
    block->next = NULL;
    ck_assert(blocks_is_sound(&blocks));
}
END_TEST

START_TEST(a_block_is_planned_as_long_as_all_before_it)
{
    size_t bytes = BLOCKS_LEAST;

    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(blocks_plan(&blocks, true), 0); /* its own length */
        ck_assert_uint_eq(blocks_plan(&blocks, false), bytes);
        blocks_push(&blocks, acquire(1, bytes));
        bytes = blocks.bytes > bytes ? blocks.bytes : bytes;
        bytes = bytes < BLOCKS_MOST ? bytes : BLOCKS_MOST;
    }
    ck_assert_uint_eq(bytes, BLOCKS_MOST);
    blocks_release(&blocks, blocks_excess(&blocks, 10000));
    ck_assert_uint_eq(blocks_plan(&blocks, false), blocks.bytes);
    ck_assert_uint_le(blocks.bytes, 10000);
    blocks_release(&blocks, blocks_excess(&blocks, 0));
    ck_assert_uint_eq(blocks_plan(&blocks, false), BLOCKS_LEAST);
}
END_TEST

START_TEST(a_source_with_less_is_asked_for_less)
{
    counting.limit = 5000;
    struct block *block = acquire(10, BLOCKS_MOST);
    ck_assert_uint_le(block->bytes, 5000);
    ck_assert_uint_gt(block->bytes, 2500 - 18);
    blocks_push(&blocks, block);
    /* Not below what is needed, which is asked for last. */
    unsigned calls = counting.calls;
    ck_assert_ptr_null(blocks_acquire(&blocks, 1000, BLOCKS_MOST));
    ck_assert_uint_eq(counting.bytes,
                      blocks_layout(sizeof(struct block), 1000));
    ck_assert_uint_gt(counting.calls, calls + 2);
    block = acquire(250, BLOCKS_MOST);
    ck_assert_uint_le(block->bytes, 5000);
    blocks_push(&blocks, block);
}
END_TEST

START_TEST(short_blocks_stay_where_a_long_one_does_not_fit)
{
    struct block *small = acquire(10, 0);
    struct block *large = acquire(1000, 0);
    size_t bytes = small->bytes;

    blocks_push(&blocks, small);
    blocks_push(&blocks, large);
    ck_assert_ptr_eq(blocks_excess(&blocks, large->bytes - 1), large);
    ck_assert_uint_eq(blocks.stock_bytes, bytes);
    ck_assert_ptr_eq(blocks.stock, small);
    ck_assert_uint_eq(blocks.bytes, bytes);
    blocks_release(&blocks, large);
}
END_TEST

/* Blocks that are one chunk have room behind it, and may get more. */
START_TEST(a_block_has_room_behind_its_granules)
{
    struct block *block = acquire(100, 0);

    ck_assert_uint_eq(blocks_room(block), 100);
    block->granules = 70;
    ck_assert_uint_eq(blocks_room(block), 100);
    ck_assert(blocks_extend(&blocks, block, 100));
    ck_assert(!blocks_extend(&blocks, block, 101));
    ck_assert(!blocks_can_shrink(block));
    blocks_push(&blocks, block);
    ck_assert_uint_eq(block->granules, 100);
}
END_TEST

START_TEST(memory_for_a_structure_is_the_backings)
{
    bool ranged = true;
    void *memory = blocks_get(&blocks, 777, &ranged);

    ck_assert_ptr_nonnull(memory);
    ck_assert(!ranged);
    ck_assert_uint_eq(counting.bytes, 777);
    blocks_put(&blocks, memory, 777);
    ck_assert_uint_eq(counting.out, 0);
    counting.empty = true;
    ck_assert_ptr_null(blocks_get(&blocks, 777, &ranged));
    ck_assert(!ranged);
}
END_TEST

/* False where there is no range; then blocks are not of it. */
static bool start_ranged(void)
{
    bool ranged = range_start();

    blocks_start(&blocks, OWNER, ranged, SIZE_MAX, &counting_backing);
    return ranged;
}

/* Between a reset and their release such blocks have a map that shows objects.
 * A cache must take none of them for the pool's, so their owner's name says
 * that they are apart. */
START_TEST(blocks_that_a_reset_leaves_dirty_are_cleared_when_released)
{
    struct block first;
    struct heap heap;
    struct heap_chunk chunk;
    unsigned char *memory = malloc(blocks_layout(0, 64));
    size_t keep = 0;

    bool ranged = start_ranged();
    ck_assert_ptr_nonnull(memory);
    blocks_lay(&first, memory, 64);
    heap_start(&heap, &first, &blocks, false);
    struct block *block = acquire(5000, 0);
    heap_add_whole(&heap, block, 5000, &chunk);
    ck_assert_uint_eq(heap_count_live(&heap), 1);
    heap_defer(&heap, &keep);
    ck_assert(block->dirty);
    ck_assert_uint_eq(heap_count_live(&heap), 0);
    heap_reset(&heap);
    ck_assert_uint_eq(block->map[0], BLOCK_LONG_LIVE);
    if (ranged) {
        size_t slot = (size_t)((unsigned char *)block - extent.base) /
                      EXTENT_SLOT;
        ck_assert_uint_eq((uintptr_t)extent.owners[slot],
                          (uintptr_t)OWNER | 1);
    }
    ck_assert_ptr_null(blocks_take(&blocks, 1));
    struct block *excess = blocks_excess(&blocks, SIZE_MAX);
    ck_assert_ptr_eq(excess, block);
    unsigned char *map = block->map;
    blocks_release(&blocks, excess);
    ck_assert(!ranged || map[0] == BLOCK_NONE);
    free(memory);
}
END_TEST

/* The block fills that many bytes of the range, and names its owner there. */
static void expect_ranged(const struct block *block, size_t bytes)
{
    const unsigned char *from = (const unsigned char *)block;
    const unsigned char *last = block->base + block->granules * SIZES_GRANULE;

    ck_assert_uint_eq(block->bytes, bytes);
    ck_assert(last == from + bytes);
    ck_assert_ptr_eq(block->base, from + HEAD);
    ck_assert_ptr_eq(block->map, extent_map(block->base));
    ck_assert_ptr_eq(range_owner(from), OWNER);
    ck_assert_ptr_eq(range_owner(last - 1), OWNER);
    ck_assert_uint_eq(counting.calls, 0);
}

START_TEST(a_ranged_block_is_a_slot_or_whole_spans)
{
    if (!start_ranged()) {
        return;
    }
    size_t slot_granules = (RANGE_SLOT - HEAD) / SIZES_GRANULE;
    size_t span_granules = (RANGE_SPAN - HEAD) / SIZES_GRANULE;
    struct block *block = acquire(slot_granules, RANGE_SLOT);
    expect_ranged(block, RANGE_SLOT);
    blocks_push(&blocks, block);
    block = acquire(slot_granules + 1, RANGE_SLOT);
    expect_ranged(block, RANGE_SPAN);
    blocks_push(&blocks, block);
    block = acquire(1, RANGE_SLOT + 1);
    expect_ranged(block, RANGE_SPAN);
    blocks_push(&blocks, block);
    block = acquire(span_granules, 0);
    expect_ranged(block, RANGE_SPAN);
    blocks_push(&blocks, block);
    block = acquire(span_granules + 1, 0);
    expect_ranged(block, 2 * RANGE_SPAN);
    blocks_push(&blocks, block);
    ck_assert_uint_eq(stock_length(), 5);
}
END_TEST

START_TEST(a_ranged_plan_goes_from_a_slot_to_spans)
{
    if (!start_ranged()) {
        return;
    }
    ck_assert_uint_eq(blocks_plan(&blocks, false), RANGE_SLOT);
    blocks_push(&blocks, acquire(1, RANGE_SLOT));
    for (size_t bytes = 0; bytes < BLOCKS_MOST;) {
        size_t plan = blocks_plan(&blocks, false);
        ck_assert_uint_eq(plan, bytes == 0 ? RANGE_SPAN : bytes);
        blocks_push(&blocks, acquire(1, plan));
        bytes += plan;
    }
    ck_assert_uint_eq(blocks_plan(&blocks, false), BLOCKS_MOST);
}
END_TEST

START_TEST(a_ranged_block_grows_and_shrinks_where_it_is)
{
    if (!start_ranged()) {
        return;
    }
    const size_t more = RANGE_SPAN / SIZES_GRANULE;
    struct block *block = acquire(5 * more, 0);
    size_t bytes = block->bytes;
    size_t granules = block->granules;
    unsigned char *end = (unsigned char *)block + bytes;
    ck_assert(blocks_extend(&blocks, block, granules + 2 * more));
    ck_assert_uint_eq(block->bytes, bytes + 2 * RANGE_SPAN);
    ck_assert_uint_eq(blocks.bytes, block->bytes);
    ck_assert_ptr_eq(range_holder(end), OWNER);
    ck_assert_uint_ge(blocks_room(block), granules + 2 * more);
    struct block *behind = acquire(more / 2, 0);
    ck_assert_ptr_eq(behind, end + 2 * RANGE_SPAN);
    ck_assert(!blocks_extend(&blocks, block, granules + 3 * more));
    ck_assert(blocks_can_shrink(block));
    block->granules = (uint32_t)(2 * more);
    blocks_shrink(&blocks, block);
    ck_assert_uint_eq(block->bytes, 3 * RANGE_SPAN);
    ck_assert_uint_eq(blocks.bytes, block->bytes + behind->bytes);
    blocks_push(&blocks, block);
    blocks_push(&blocks, behind);
    ck_assert_uint_ge(block->granules, 2 * more + more - HEAD / SIZES_GRANULE);
}
END_TEST

START_TEST(a_ranged_structure_has_a_slot_of_its_own)
{
    bool ranged = false;

    if (!start_ranged()) {
        return;
    }
    unsigned char *memory = blocks_get(&blocks, 100, &ranged);
    ck_assert_ptr_nonnull(memory);
    ck_assert(ranged);
    ck_assert_ptr_eq(range_owner(memory), OWNER);
    struct block block;
    blocks_lay_range(&block, memory + 100, memory + RANGE_SLOT);
    ck_assert_uint_eq(block.granules, (RANGE_SLOT - 112) / SIZES_GRANULE);
    ck_assert_ptr_eq(block.base, memory + 112);
    blocks_put(&blocks, memory, 100);
    ck_assert_uint_eq(counting.calls, 0);
    ck_assert_ptr_eq(blocks_get(&blocks, 100, &ranged), memory);
    blocks_put(&blocks, memory, 100);
}
END_TEST

START_TEST(what_the_range_has_no_room_for_is_the_backings)
{
    if (!start_ranged()) {
        return;
    }
    counting.empty = true; /* it is asked, which is enough */
    extent.limit = extent_bytes();
    ck_assert_ptr_null(blocks_acquire(&blocks,
                                      extent.limit / SIZES_GRANULE, 0));
    ck_assert_uint_eq(counting.calls, 1);
    counting.empty = false;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blocks");
    TCase *one = support_case(suite, "blocks");

    tcase_add_checked_fixture(one, start, end);
    tcase_add_test(one, a_layout_fits_into_its_bytes_and_no_fewer);
    tcase_add_test(one, a_block_lies_in_its_memory_at_any_address);
    tcase_add_test(one, a_block_of_the_backing_has_what_was_asked_for);
    tcase_add_test(one, the_stock_gives_the_first_block_that_is_long_enough);
    tcase_add_test(one, what_is_more_than_is_to_be_kept_is_excess);
    tcase_add_test(one, a_wrong_stock_is_seen);
    tcase_add_test(one, a_block_is_planned_as_long_as_all_before_it);
    tcase_add_test(one, a_source_with_less_is_asked_for_less);
    tcase_add_test(one, short_blocks_stay_where_a_long_one_does_not_fit);
    tcase_add_test(one, a_block_has_room_behind_its_granules);
    tcase_add_test(one, memory_for_a_structure_is_the_backings);
    tcase_add_test(one, a_ranged_block_is_a_slot_or_whole_spans);
    tcase_add_test(one,
                   blocks_that_a_reset_leaves_dirty_are_cleared_when_released);
    tcase_add_test(one, a_ranged_plan_goes_from_a_slot_to_spans);
    tcase_add_test(one, a_ranged_block_grows_and_shrinks_where_it_is);
    tcase_add_test(one, a_ranged_structure_has_a_slot_of_its_own);
    tcase_add_test(one, what_the_range_has_no_room_for_is_the_backings);
    return support_run(suite);
}
