/* SPDX-License-Identifier: MIT
 *
 * test_index.c - which blocks a heap has, by address.
 *
 * The blocks are heads alone, in steps of equal length as they lie in the
 * range.  A table of flags is the shadow: it says which of them are noted.
 *
 * What it cannot do: show what a heap does with its blocks; test_heap.c does.
 */
#include "store/heap_index.h"

#include "../support.h"
#include "depth.h"

#define BLOCKS 1000u
#define DEEP 40u /* a random tree of so many blocks has some 22 levels */

/* One granule behind each head, and no more: nothing is taken from them. */
static struct place {
    struct block block;
    unsigned char granule[SIZES_GRANULE];
    unsigned char map[SIZES_GRANULE];
} places[BLOCKS];

static bool noted[BLOCKS];
static struct heap heap;
static struct block first;

static void start(void)
{
    memset(&heap, 0, sizeof heap);
    memset(noted, 0, sizeof noted);
    heap.current = heap.first = &first;
    for (unsigned i = 0; i < BLOCKS; i++) {
        places[i].block.base = places[i].granule;
        places[i].block.map = places[i].map;
        places[i].block.granules = 1;
        places[i].block.heap = &heap;
    }
}

static void turn(unsigned i)
{
    if (noted[i]) {
        heap_index_remove(&heap, &places[i].block);
    } else {
        heap_index_add(&heap, &places[i].block);
    }
    noted[i] = !noted[i];
}

/* Both walks meet just the noted blocks, each in its order. */
static void expect_noted(void)
{
    const struct block *up = heap_block_lowest(&heap);
    const struct block *down = heap_block_up_to(&heap, UINTPTR_MAX);
    unsigned count = 0;
    bool agrees = true;

    for (unsigned i = 0; i < BLOCKS; i++) {
        if (noted[i]) {
            agrees = agrees && up == &places[i].block;
            up = up == NULL ? NULL : heap_block_above(&heap, up);
            count++;
        }
        if (noted[BLOCKS - 1 - i]) {
            agrees = agrees && down == &places[BLOCKS - 1 - i].block;
            down = down == NULL
                       ? NULL
                       : heap_block_up_to(&heap, (uintptr_t)down - 1);
        }
    }
    ck_assert(agrees && up == NULL && down == NULL);
    ck_assert_uint_eq(heap.blocks, count);
    ck_assert_uint_eq(heap.size, count);
    ck_assert_uint_le(depth(heap.index), DEEP);
}

START_TEST(blocks_in_any_order_are_met_by_address)
{
    uint64_t seed = support_seed();

    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < BLOCKS / 4; i++) {
            turn((unsigned)support_below(&seed, BLOCKS));
        }
        expect_noted();
    }
}
END_TEST

START_TEST(blocks_in_order_make_no_deep_tree)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        turn(i);
    }
    expect_noted();
    for (unsigned i = BLOCKS; i > BLOCKS / 2; i--) {
        turn(i - 1);
    }
    expect_noted();
}
END_TEST

START_TEST(any_address_finds_its_block)
{
    for (unsigned i = 0; i < BLOCKS; i += 3) {
        turn(i);
    }
    bool agrees = true;
    for (unsigned i = 0; i < BLOCKS; i++) {
        struct heap_chunk chunk = heap_find(&heap, places[i].granule);
        agrees = agrees &&
                 chunk.block == (noted[i] ? &places[i].block : NULL) &&
                 heap_find(&heap, &places[i].block).block == NULL &&
                 heap_find(&heap, places[i].map).block == NULL;
    }
    ck_assert(agrees);
}
END_TEST

START_TEST(the_last_block_is_taken_until_there_is_none)
{
    uint64_t seed = support_seed();

    for (unsigned i = 0; i < BLOCKS; i++) {
        turn((unsigned)support_below(&seed, BLOCKS));
    }
    bool agrees = true;
    for (unsigned i = BLOCKS; i > 0; i--) {
        if (noted[i - 1]) {
            agrees = agrees &&
                     heap_index_take_last(&heap) == &places[i - 1].block;
        }
    }
    ck_assert(agrees);
    ck_assert_ptr_null(heap_index_take_last(&heap));
    ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

/* Three heaps share a tree: each address is found with its own heap. */
START_TEST(the_heap_of_an_address_is_found_among_many)
{
    static struct heap heaps[3];
    static struct place firsts[3];
    struct treap_node *shared = NULL;

    start();
    for (unsigned h = 0; h < 3; h++) {
        memset(&heaps[h], 0, sizeof heaps[h]);
        firsts[h].block.base = firsts[h].granule;
        firsts[h].block.granules = 1;
        heaps[h].first = heaps[h].current = &firsts[h].block;
        heap_share(&heaps[h], &shared);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        heap_index_add(&heaps[i * i % 3], &places[i].block);
    }
    ck_assert_uint_le(depth(shared), DEEP);
    for (unsigned i = 0; i < BLOCKS; i++) {
        ck_assert_ptr_eq(heap_find_shared(shared, places[i].granule).block,
                         &places[i].block);
        ck_assert_ptr_null(
            heap_find_shared(shared, places[i].granule + 1).block);
    }
    /* One by one, and all at once. */
    heap_index_remove(&heaps[0], &places[0].block);
    ck_assert_ptr_null(heap_find_shared(shared, places[0].granule).block);
    for (unsigned h = 0; h < 3; h++) {
        while (heap_index_take_last(&heaps[h]) != NULL) {
            continue;
        }
        ck_assert_ptr_eq(heap_find_shared(shared, firsts[h].granule).block,
                         &firsts[h].block);
        heap_unshare(&heaps[h]);
    }
    ck_assert_ptr_null(shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index");
    TCase *index = support_case(suite, "index");

    tcase_add_checked_fixture(index, start, NULL);
    tcase_add_test(index, the_heap_of_an_address_is_found_among_many);
    tcase_add_test(index, blocks_in_any_order_are_met_by_address);
    tcase_add_test(index, blocks_in_order_make_no_deep_tree);
    tcase_add_test(index, any_address_finds_its_block);
    tcase_add_test(index, the_last_block_is_taken_until_there_is_none);
    return support_run(suite);
}
