/* SPDX-License-Identifier: MIT
 *
 * test_links.c - a program writes over the links of free chunks in a heap.
 *
 * Each word of each free chunk that is a link, or a node's length, gets wrong
 * values, all of it or some bytes.  Then every chunk of the heap is taken and
 * given back.  Nothing
 * outside of free chunks may be written to, nothing may be handed out twice,
 * the damage must be noted, and in the end all of the heap is free again.
 *
 * What it cannot do: write while the heap is at work, as another thread may.
 */
#include "store/heap.h"

#include "../support.h"
#include "store/backing.h"
#include "store/heap_links.h"

#define GRANULES 4000u
#define PIECES 40u

static struct blocks blocks;
static struct heap heap;
static struct block first;
static bool noted; /* the stock was told of damage */
static _Alignas(16) unsigned char memory[GRANULES * 20];
static unsigned char held[GRANULES]; /* 1: the granule was handed out */
static struct heap_chunk pieces[GRANULES];
static unsigned count;

/* Without a call of the system for each that holds. */
#define LINKS_EXPECT(what)           \
    do {                             \
        if (!(what)) {               \
            ck_abort_msg("%s", #what); \
        }                            \
    } while (0)

/* What a wrong link may lead to. */
static _Alignas(16) void *victim[16];

static bool take(uint32_t granules)
{
    struct heap_chunk chunk = heap_take(&heap, granules);

    if (chunk.block == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < granules; i++) {
        LINKS_EXPECT(held[chunk.granule + i] == 0);
        held[chunk.granule + i] = 1;
    }
    memset(block_address(chunk.block, chunk.granule), 0xee,
           granules * SIZES_GRANULE);
    pieces[count++] = chunk;
    return true;
}

static void give(unsigned i)
{
    struct heap_chunk chunk = pieces[i];
    uint32_t granules = block_length(chunk.block, chunk.granule);

    memset(&held[chunk.granule], 0, granules);
    heap_give(&heap, chunk);
    pieces[i] = pieces[--count];
}

/* Free chunks of several lengths, some of them equal, short and long, none of
 * which has a free neighbour.  Returns how many. */
static unsigned start(void *freed[])
{
    unsigned n = 0;

    memset(memory, 0, sizeof memory);
    memset(held, 0, sizeof held);
    memset(victim, 0x11, sizeof victim);
    blocks_start(&blocks, (struct memory_pool *)(void *)&heap, false,
                 SIZE_MAX, &backing_malloc);
    blocks_lay(&first, memory, GRANULES);
    heap_start(&heap, &first, &blocks, false);
    count = 0;
    for (unsigned i = 0; i < PIECES; i++) {
        LINKS_EXPECT(take(i % 2 == 0 ? 3 + i % 3 : 66 + i % 7));
        LINKS_EXPECT(take(1));
    }
    for (unsigned i = 0; i < PIECES; i++) {
        unsigned k = (i * 7) % PIECES;
        struct heap_chunk chunk = pieces[2 * k];
        freed[n++] = block_address(chunk.block, chunk.granule);
        memset(&held[chunk.granule], 0,
               block_length(chunk.block, chunk.granule));
        heap_give(&heap, chunk);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = pieces[2 * i + 1];
    }
    count = PIECES;
    return n;
}

/* Every chunk changes hands, and all of it comes back. */
static void use_all(uint64_t *seed)
{
    for (unsigned i = 0; i < 30; i++) {
        (void)take(1 + (uint32_t)support_below(seed, 90));
        give((unsigned)support_below(seed, count));
    }
    while (take(70) || take(3) || take(1)) {
        continue;
    }
    while (count > 0) {
        give((unsigned)support_below(seed, count));
    }
    noted = blocks_take_damage(&blocks);
    LINKS_EXPECT(heap_is_sound(&heap) && heap_has_free(&heap, 0));
    LINKS_EXPECT(heap.top == 0 && heap.taken == 0);
    for (size_t i = 0; i < sizeof victim; i++) {
        LINKS_EXPECT(((unsigned char *)victim)[i] == 0x11);
    }
}

START_TEST(a_written_link_of_a_free_chunk_is_never_written_through)
{
    void *freed[PIECES];
    uint64_t seed = support_seed();
    unsigned noticed[4] = {0};

    for (unsigned at = 0; at < PIECES; at++) {
        for (unsigned word = 0; word < 4; word++) {
            for (unsigned k = 0; k < 9; k++) {
                unsigned n = start(freed);
                struct heap_chunk live = pieces[0];
                struct heap_chunk chunk = heap_find(&heap, freed[at]);
                unsigned words =
                    block_length(chunk.block, chunk.granule) > SIZES_SHORT ? 4
                                                                           : 2;
                void *const wrong[] = {
                    victim, (char *)victim + 1, freed[at],
                    block_address(live.block, live.granule), NULL,
                    freed[(at + 1) % n], freed[(at + 2) % n], (void *)16,
                    (void *)UINTPTR_MAX};
                void **link = (void **)freed[at] + word;
                bool changes = word < words && *link != wrong[k];
                if (word < words) {
                    *link = wrong[k];
                }
                use_all(&seed);
                /* A link that is written anew before it is read does no
                 * harm, and is not noticed. */
                LINKS_EXPECT(noted ? changes : !changes || word > 0);
                noticed[word] += noted;
            }
        }
    }
    for (unsigned word = 0; word < 4; word++) {
        ck_assert_uint_gt(noticed[word], 20);
    }
}
END_TEST

/* The longest free chunks' memory is looked at for trimming, too.  Returns how
 * many bytes that are. */
static size_t count_unused(void)
{
    struct heap_unused place = {.tree = 0};
    size_t bytes = 0;

    while (heap_next_unused(&heap, &place, SIZE_MAX)) {
        LINKS_EXPECT(place.start >= memory &&
                     place.start + place.bytes <= memory + sizeof memory);
        bytes += place.bytes;
    }
    return bytes;
}

START_TEST(a_trim_follows_no_written_link)
{
    void *freed[PIECES];
    uint64_t seed = support_seed();

    start(freed);
    size_t right = count_unused();
    for (unsigned word = 0; word < 4; word++) {
        start(freed);
        void **node = heap_unseal(&heap, heap.trees[false]);
        node[word] = victim;
        (void)count_unused();
        ck_assert(blocks_take_damage(&blocks));
        ck_assert_uint_eq(count_unused(), right);
        use_all(&seed);
    }
}
END_TEST

/* All values of a byte, at each place of a link: what is written over no more
 * than a part of it is noticed, too. */
START_TEST(a_link_with_one_wrong_byte_leads_nowhere)
{
    void *freed[PIECES];

    start(freed);
    for (unsigned at = 0; at < PIECES; at++) {
        uint64_t link = heap_seal(&heap, freed[at]);
        ck_assert_ptr_eq(heap_unseal(&heap, link), freed[at]);
        for (unsigned byte = 0; byte < sizeof link; byte++) {
            for (uint64_t wrong = 1; wrong < 256; wrong++) {
                LINKS_EXPECT(heap_unseal(&heap, link ^ wrong << 8 * byte) ==
                             NULL);
            }
        }
        /* What a program writes most. */
        LINKS_EXPECT(heap_unseal(&heap, 0) == NULL);
        LINKS_EXPECT(heap_unseal(&heap, (uintptr_t)freed[at]) == NULL);
    }
    ck_assert(heap_is_end(&heap, heap_seal(&heap, NULL)));
    ck_assert_ptr_null(heap_unseal(&heap, heap_seal(&heap, NULL)));
}
END_TEST

/* A mark's heap is merged, with a written link in each of its words: no chunk
 * is lost, or in two heaps. */
START_TEST(a_merge_follows_no_written_link)
{
    static struct heap other;
    static struct {
        struct block block; /* in front of its memory, as all blocks are */
        _Alignas(16) unsigned char memory[2000 * 20];
    } more;
    void *freed[PIECES];

    for (unsigned at = 0; at < 4; at++) {
        for (unsigned word = 0; word < 4; word++) {
            start(freed);
            blocks_lay(&more.block, more.memory, 2000);
            heap_start(&other, &more.block, &blocks, false);
            struct heap_chunk chunks[8];
            for (unsigned i = 0; i < 8; i++) {
                chunks[i] = heap_take(&other, i < 4 ? 5 : 90);
            }
            for (unsigned i = 0; i < 8; i += 2) {
                heap_give(&other, chunks[i]);
            }
            struct heap_chunk hit = chunks[2 * at];
            if (word < (at < 2 ? 2 : 4)) {
                ((void **)block_address(hit.block, hit.granule))[word] =
                    victim;
            }
            more.block.bytes = sizeof more;
            uint32_t used = heap_merge(&heap, &other);
            ck_assert_uint_gt(used, 0);
            heap_merge_block(&heap, &more.block, used);
            for (unsigned i = 1; i < 8; i += 2) {
                heap_give(&heap, chunks[i]);
            }
            (void)blocks_take_damage(&blocks);
            LINKS_EXPECT(heap_is_sound(&heap));
            LINKS_EXPECT(heap.blocks == 0);
            for (size_t i = 0; i < sizeof victim; i++) {
                LINKS_EXPECT(((unsigned char *)victim)[i] == 0x11);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("links");
    TCase *written = support_case(suite, "written");

    tcase_add_test(written,
                   a_written_link_of_a_free_chunk_is_never_written_through);
    tcase_add_test(written, a_trim_follows_no_written_link);
    tcase_add_test(written, a_merge_follows_no_written_link);
    tcase_add_test(written, a_link_with_one_wrong_byte_leads_nowhere);
    return support_run(suite);
}
