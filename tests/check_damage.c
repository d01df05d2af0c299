/* SPDX-License-Identifier: MIT
 *
 * check_damage.c - mp_check() sees what it says that it sees.
 *
 * A pool with chunks of each sort is damaged in one place and looked over,
 * and the place mended, for many places and values: what a program does that
 * writes into objects it freed, and every byte of the pool's maps, which it
 * reaches by writing past a block.  Looking may neither miss it, nor crash,
 * nor go on for ever.
 *
 * The maps are no matter of the public interface: this program is linked with
 * the library's inside and knows block.h and heap.h.
 */
#include <errno.h>

#include "pool.h"
#include "pools.h"

#define OBJECTS 450

static void *freed[OBJECTS];
static unsigned freed_count;
static void *kept;

static void expect_whole(memory_pool_t *mp)
{
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_check(mp) == 0 && errno == SUPPORT_ERRNO);
}

static void expect_damage(memory_pool_t *mp)
{
    errno = 0;
    POOLS_EXPECT(mp_check(mp) == -1 && errno == ENOTRECOVERABLE);
}

/* Objects of several lengths, two of three of them freed: a cache's lists and
 * the depot, or the bins, have some of each, and live ones lie between. */
static memory_pool_t *make(int kind)
{
    static const size_t sizes[] = {16, 16, 16, 16, 40, 100, 1024, 3000, 9000};
    static void *objects[OBJECTS];
    memory_pool_t *mp = pools_make(kind);

    freed_count = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = mp_allocate(mp, sizes[i % 9]);
        POOLS_EXPECT(objects[i] != NULL);
        support_fill(objects[i], sizes[i % 9], i);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (i % 3 != 0) {
            free_memory(mp, objects[i]);
            freed[freed_count++] = objects[i];
        }
    }
    kept = objects[OBJECTS / 2 / 3 * 3];
    POOLS_EXPECT(mp_locate(mp, kept) == MP_LIVE);
    expect_whole(mp);
    return mp;
}

/* What is linked in the first word of a freed object is not to be changed;
 * what a second word is for depends on the list. */
START_TEST(test_freed_objects)
{
    memory_pool_t *mp = make(_i);
    unsigned step = freed_count / support_times(20, 4);
    unsigned seen = 0;

    for (unsigned i = 0; i < freed_count; i += step) {
        void **words = freed[i];
        void *const wrong[] = {words,          kept,
                               (char *)kept + 1, &seen,
                               (void *)16,     freed[(i + 1) % freed_count],
                               (void *)UINTPTR_MAX, NULL};
        for (unsigned word = 0; word < 2; word++) {
            void *right = words[word];
            for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
                words[word] = wrong[k];
                /* Joined with a free neighbour it is inside of a chunk; so
                 * its words are nobody's. */
                int answer = mp_check(mp);
                POOLS_EXPECT(answer == 0 || answer == -1);
                seen += answer == -1;
            }
            words[word] = right;
            expect_whole(mp);
        }
    }
    ck_assert_uint_gt(seen, freed_count / step);
    pools_end(mp, _i);
}
END_TEST

/* Other values for some bytes of a map. */
static void damage_bytes(memory_pool_t *mp, unsigned char *map, size_t bytes)
{
    /* All codes for the first; what is near the right one, and the bounds of
     * each sort, for the others. */
    static const unsigned char values[] = {0x00, 0x01, 0x10, 0x1f, 0x20, 0x21,
                                           0x22, 0x23, 0x40, 0x41, 0x7f, 0x80,
                                           0x81, 0xbf, 0xc0, 0xc1, 0xff};

    for (size_t i = 0; i < bytes; i++) {
        unsigned char right = map[i];
        bool all = i % 97 == 0;
        for (unsigned k = 0; k < (all ? 256 : sizeof values + 2); k++) {
            unsigned char wrong = all                   ? (unsigned char)k
                                  : k < sizeof values   ? values[k]
                                  : k == sizeof values  ? right ^ 1
                                                        : right ^ 0x40;
            if (wrong != right) {
                map[i] = wrong;
                expect_damage(mp);
            }
        }
        map[i] = right;
    }
    expect_whole(mp);
}

/* The beginning of a block, what lies around a place in it, and its end. */
static void damage_map(memory_pool_t *mp, const struct block *block)
{
    size_t part = support_times(30, 6);
    size_t used = heap_used(&mp->heap, block);

    if (part > block->granules / 3) {
        damage_bytes(mp, block->map, block->granules);
        return;
    }
    size_t middle = used > part ? used - part : part;
    damage_bytes(mp, block->map, part);
    damage_bytes(mp, block->map + middle,
                 2 * part < block->granules - middle
                     ? 2 * part
                     : block->granules - middle);
    damage_bytes(mp, block->map + block->granules - part, part);
}

START_TEST(test_maps)
{
    memory_pool_t *mp = make(_i);
    const struct heap *heap = &mp->heap;

    damage_map(mp, heap->first);
    for (uint32_t b = 0; b < heap->blocks; b += 1 + heap->blocks / 3) {
        damage_map(mp, heap->index[b]);
    }
    pools_end(mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *kinds = support_case(suite, "kinds");

    tcase_add_loop_test(kinds, test_freed_objects, 0, pools_count);
    tcase_add_loop_test(kinds, test_maps, 0, pools_count);
    return support_run(suite);
}
