/* SPDX-License-Identifier: MIT
 *
 * check_damage.c - mp_check() sees what it says that it sees.
 *
 * A pool has chunks of each sort.  A test damages it in one place, calls
 * mp_check(), and mends the place, for many places and values.  Some places are
 * in freed objects, which a program may write to by mistake.  The others are
 * all bytes of the pool's maps, which a program may reach by writing past a
 * block.  mp_check() may neither miss the damage, nor crash, nor go on for
 * ever.
 *
 * The public interface says nothing of maps.  So this program is linked with
 * the inner functions of the library, and knows block.h and heap.h.
 */
#include <errno.h>

#include "pool/pool.h"
#include "pools.h"

#define OBJECTS 540
#define MIXED 180 /* of several lengths; the others are short */

static void *freed[OBJECTS];
static unsigned freed_count;
static void *kept;

/* How much to damage: less of a buffer, which is one block of millions of
 * granules, all of which mp_check() reads. */
static unsigned places(const memory_pool_t *mp, unsigned n, unsigned slow)
{
    unsigned times = support_times(n, slow);

    return mp->heap.first->granules > 100000 ? (times + 11) / 12 : times;
}

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

/* Objects of several lengths, two of three of them freed: a cache's lists, or
 * the bins, have some of each, and live ones lie between; of one length enough
 * for the depot. */
static memory_pool_t *make(int kind)
{
    static const size_t sizes[] = {16, 16, 16, 40, 100, 300, 1024, 1200, 2000};
    static void *objects[OBJECTS];
    memory_pool_t *mp = pools_make(kind);

    freed_count = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        size_t size = sizes[i < MIXED ? i % 9 : 0];
        objects[i] = mp_allocate(mp, size);
        POOLS_EXPECT(objects[i] != NULL);
        support_fill(objects[i], size, i);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (i % 3 != 0) {
            free_memory(mp, objects[i]);
            freed[freed_count++] = objects[i];
        }
    }
    kept = objects[MIXED / 2 / 3 * 3];
    POOLS_EXPECT(mp_locate(mp, kept) == MP_LIVE);
    expect_whole(mp);
    return mp;
}

/* Words of a freed object that are links: the first in a cache, two in a bin;
 * none where it was joined with what is before it. */
static unsigned links(const memory_pool_t *mp, const void *object)
{
    struct heap_chunk chunk = heap_find(&mp->heap, object);
    POOLS_EXPECT(chunk.block != NULL);
    unsigned char code = chunk.block->map[chunk.granule];

    if ((code & 0xc0) == BLOCK_CACHED) {
        return 1;
    }
    if (!block_is_free(code)) {
        return 0;
    }
    uint32_t length = block_length(chunk.block, chunk.granule);
    return block_free_before(chunk.block, chunk.granule + length) == length
               ? 2
               : 0;
}

START_TEST(a_wrong_link_in_a_freed_object_is_found)
{
    if (pools_tracked(_i)) {
        return; /* its objects are in no map */
    }
    memory_pool_t *mp = make(_i);
    unsigned step = freed_count / places(mp, 30, 4);
    unsigned seen = 0;

    for (unsigned i = 0; i < freed_count; i += step) {
        void **words = freed[i];
        unsigned linked = links(mp, words);
        void *const wrong[] = {words,          kept,
                               (char *)kept + 1, &seen,
                               (void *)16,     freed[(i + 1) % freed_count],
                               (void *)UINTPTR_MAX, NULL};
        for (unsigned word = 0; word < 2; word++) {
            void *right = words[word];
            for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
                if (wrong[k] == right) {
                    continue;
                }
                words[word] = wrong[k];
                if (word < linked) {
                    expect_damage(mp);
                    seen++;
                } else {
                    mp_check(mp); /* as a chain's head it may be a link */
                }
            }
            words[word] = right;
            expect_whole(mp);
        }
    }
    ck_assert_uint_gt(seen, 0);
    pools_end(mp, _i);
}
END_TEST

/* In a cache, a short chunk of a pool that counts may keep the slack of its last
 * object, or have none. */
static bool means_nothing(const memory_pool_t *mp, const unsigned char *map,
                          size_t i, unsigned char value)
{
    return mp->mode->counts && i > 0 && map[i - 1] > BLOCK_CACHED &&
           map[i - 1] < BLOCK_LIVE &&
           (value == BLOCK_NONE || (value & 0xf0) == BLOCK_NIBBLE);
}

/* Other values for some bytes of a block's map. */
static void damage_bytes(memory_pool_t *mp, unsigned char *map, size_t from,
                         size_t bytes)
{
    /* All codes for the first; what is near the right one, and the bounds of
     * each sort, for the others. */
    static const unsigned char values[] = {
        0x00, 0x01, 0x10, 0x1f, 0x20, 0x21, 0x2f, 0x3c, 0x3d, 0x3e,
        0x3f, 0x40, 0x41, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xc1, 0xff};

    for (size_t i = from; i < from + bytes; i++) {
        unsigned char right = map[i];
        bool all = (i - from) % 97 == 0;
        for (unsigned k = 0; k < (all ? 256 : sizeof values + 2); k++) {
            unsigned char wrong = all                   ? (unsigned char)k
                                  : k < sizeof values   ? values[k]
                                  : k == sizeof values  ? right ^ 1
                                                        : right ^ 0x40;
            if (wrong == right) {
                continue;
            }
            map[i] = wrong;
            if (means_nothing(mp, map, i, wrong)) {
                expect_whole(mp);
            } else {
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
    size_t part = places(mp, 40, 5);
    size_t used = heap_used(&mp->heap, block);

    if (part > block->granules / 3) {
        damage_bytes(mp, block->map, 0, block->granules);
        return;
    }
    size_t middle = used > part ? used - part : part;
    damage_bytes(mp, block->map, 0, part);
    damage_bytes(mp, block->map, middle,
                 2 * part < block->granules - middle
                     ? 2 * part
                     : block->granules - middle);
    damage_bytes(mp, block->map, block->granules - part, part);
}

START_TEST(a_wrong_byte_in_a_map_is_found)
{
    if (pools_tracked(_i)) {
        return; /* its objects are in no map */
    }
    memory_pool_t *mp = make(_i);
    const struct heap *heap = &mp->heap;

    damage_map(mp, heap->first);
    uint32_t b = 0;
    for (const struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        if (b++ % (1 + heap->blocks / 3) == 0) {
            damage_map(mp, block);
        }
    }
    pools_end(mp, _i);
}
END_TEST

/* A chunk is in the bin of its length. */
START_TEST(a_chunk_in_the_bin_of_another_length_is_found)
{
    if (pools_tracked(_i)) {
        return; /* its objects are in no map */
    }
    memory_pool_t *mp = make(_i);
    struct heap *heap = &mp->heap;
    unsigned used = 0; /* bins */
    unsigned last = 0;

    for (unsigned bin = 0; bin < SIZES_SHORT; bin++) {
        struct heap_link *link = heap->bins[bin];
        if ((heap->bits >> bin & 1) == 0) {
            continue;
        }
        if (used++ > 0) {
            heap->bins[bin] = heap->bins[last];
            heap->bins[last] = link;
            expect_damage(mp);
            heap->bins[last] = heap->bins[bin];
            heap->bins[bin] = link;
            expect_whole(mp);
        }
        last = bin;
    }
    ck_assert(used > 1 || pools_cached(mp));
    pools_end(mp, _i);
}
END_TEST

/* A program writes over the link in an object that it freed: nothing but free
 * memory of the pool is handed out, the program is told, and afterwards the
 * pool is whole. */
/* Not for the longest size in a pool with a limit: its caches keep one such
 * object, and never look at what it leads to. */
START_TEST(a_link_that_was_written_over_leads_nowhere)
{
    static const size_t sizes[] = {16, 32, 1000, 3000, 40000};
    size_t size = sizes[_i % 5];
    mp_options_t options = {.report = pools_report,
                            .capacity = _i < 5 ? 0 : POOLS_CAPACITY};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(NULL);
    void *theirs = mp_allocate(other, size);
    void *objects[202];
    /* No more than a cache keeps. */
    unsigned n = size <= 1000 ? 200 : size < 10000 ? 10 : 1;
    int local;

    ck_assert(mp != NULL && theirs != NULL);
    void *const wrong[] = {(void *)((uintptr_t)mp & ~(uintptr_t)15), &local,
                           theirs, (void *)(uintptr_t)16,
                           (void *)(UINTPTR_MAX & ~(uintptr_t)15)};
    for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        for (unsigned i = 0; i < n; i++) {
            objects[i] = mp_allocate(mp, size);
            POOLS_EXPECT(objects[i] != NULL);
        }
        for (unsigned i = 0; i < n; i++) {
            free_memory(mp, objects[i]);
        }
        pools_forget_reports();
        *(void **)objects[n - 1] = wrong[k];
        for (unsigned i = 0; i < n + 2; i++) {
            objects[i] = mp_allocate(mp, size);
            POOLS_EXPECT(objects[i] != NULL &&
                         mp_locate(mp, objects[i]) == MP_LIVE);
            memset(objects[i], 0x5a, size);
        }
        if (pools_caches_exist()) {
            ck_assert_int_eq(pools_reported.event, MP_EVENT_DAMAGE);
        }
        ck_assert_int_eq(mp_check(mp), 0);
        for (unsigned i = 0; i < n + 2; i++) {
            free_memory(mp, objects[i]);
        }
        free_all_memory(mp);
    }
    ck_assert_int_eq(mp_check(other), 0);
    destroy_memory_pool(other);
    destroy_memory_pool(mp);
}
END_TEST

/* Ways in which a chunk's links are read or changed. */
enum links_way {
    LINKS_TAKE, /* the chunks are taken again */
    LINKS_JOIN, /* what lies between them is freed, too */
    LINKS_TRIM,
    LINKS_RESET,
    LINKS_WAYS
};

/* A kind of pool whose free chunks of some length are in the heap. */
struct links_kind {
    mp_threads_t threads;
    enum pools_source source;
    size_t capacity;
    size_t size; /* of the objects: two links in short chunks, a node in
                  * others */
};

static const struct links_kind links_kinds[] = {
    {MP_THREADS_LOCKED, POOLS_DEFAULT, 0, 16},
    {MP_THREADS_LOCKED, POOLS_DEFAULT, 0, 100},
    {MP_THREADS_LOCKED, POOLS_DEFAULT, 0, 3000},
    {MP_THREADS_LOCKED, POOLS_OWN, 0, 1000},
    {MP_THREADS_LOCKED, POOLS_OWN, POOLS_CAPACITY, 1100},
    {MP_THREADS_LOCKED, POOLS_BUFFER, 0, 64},
    {MP_THREADS_LOCKED, POOLS_BUFFER, 0, 2000},
    {MP_THREADS_CACHED, POOLS_DEFAULT, 0, 70000},
};
#define LINKS_KINDS (sizeof links_kinds / sizeof *links_kinds)
#define LINKS_OBJECTS 24

static memory_pool_t *links_make(const struct links_kind *kind)
{
    static _Alignas(16) unsigned char buffer[1 << 20];
    mp_backing_t backing = mp_backing_malloc;
    mp_options_t options = {.report = pools_report,
                            .threads = kind->threads,
                            .capacity = kind->capacity};

    if (kind->source == POOLS_OWN) {
        pools_backing_start(&pools_own);
        backing = pools_backing_of(&pools_own);
        options.backing = &backing;
    } else if (kind->source == POOLS_BUFFER) {
        backing = mp_backing_buffer(buffer, sizeof buffer);
        options.backing = &backing;
    }
    return mp_create(&options);
}

static void links_use(memory_pool_t *mp, enum links_way way, void *objects[],
                      size_t size)
{
    if (way == LINKS_TRIM) {
        mp_trim(mp, 0);
    }
    if (way == LINKS_RESET) {
        free_all_memory(mp);
    }
    for (unsigned i = 0; i < LINKS_OBJECTS; i++) {
        if (way == LINKS_JOIN && i % 2 != 0) {
            free_memory(mp, objects[i]);
        }
        if (way == LINKS_RESET || (way != LINKS_JOIN && i % 2 == 0)) {
            objects[i] = mp_allocate(mp, size);
            POOLS_EXPECT(objects[i] != NULL &&
                         mp_locate(mp, objects[i]) == MP_LIVE);
            memset(objects[i], 0x5a, size);
        }
    }
}

/* A program writes over a word of a freed object, to have the library write to
 * a victim, or read where nothing is.  It does neither; whatever meets the link
 * reports it once; and the pool is whole afterwards. */
static bool links_try(const struct links_kind *kind, enum links_way way,
                      unsigned word, void *wrong)
{
    memory_pool_t *mp = links_make(kind);
    void *objects[LINKS_OBJECTS];

    POOLS_EXPECT(mp != NULL);
    for (unsigned i = 0; i < LINKS_OBJECTS; i++) {
        objects[i] = mp_allocate(mp, kind->size);
        POOLS_EXPECT(objects[i] != NULL);
    }
    for (unsigned i = 0; i < LINKS_OBJECTS; i += 2) {
        free_memory(mp, objects[i]);
    }
    pools_forget_reports();
    ((void **)objects[10])[word] = wrong;
    POOLS_EXPECT(mp_check(mp) == -1);
    links_use(mp, way, objects, kind->size);
    size_t reports = pools_reported.count;
    POOLS_EXPECT(reports <= 1);
    POOLS_EXPECT(reports == 0 || pools_reported.event == MP_EVENT_DAMAGE);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
    return reports == 1;
}

START_TEST(a_link_in_a_heap_that_was_written_over_leads_nowhere)
{
    const struct links_kind *kind = &links_kinds[_i];
    unsigned words = kind->size > 1024 ? 3 : 2;
    void *victim[8];
    unsigned told[LINKS_WAYS] = {0};

    if (kind->threads == MP_THREADS_CACHED && !pools_caches_exist()) {
        return; /* no pool has a range, or a tool watches */
    }
    memset(victim, 0x11, sizeof victim);
    void *const wrong[] = {victim, NULL, (void *)16, (void *)UINTPTR_MAX};
    for (unsigned way = 0; way < LINKS_WAYS; way++) {
        for (unsigned word = 0; word < words; word++) {
            for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
                told[way] += links_try(kind, way, word, wrong[k]);
            }
        }
    }
    for (size_t i = 0; i < sizeof victim; i++) {
        POOLS_EXPECT(((unsigned char *)victim)[i] == 0x11);
    }
    /* A reset drops all links unread. */
    ck_assert_uint_eq(told[LINKS_TAKE], words * 4);
    ck_assert_uint_eq(told[LINKS_JOIN], words * 4);
    ck_assert_uint_eq(told[LINKS_RESET], 0);
}
END_TEST

static void damage_note(const mp_report_t *report, void *context)
{
    *(bool *)context |= report->event == MP_EVENT_DAMAGE;
}

/* What an attack makes of one such write: the words of a chunk in a bin name
 * the place of a function pointer and the value that it is to have. */
START_TEST(no_unlinking_in_a_base_pool_writes_to_a_function_pointer)
{
    memory_pool_t *mp = init_memory_pool();
    void *objects[8];
    bool told = false;

    ck_assert_ptr_nonnull(mp);
    /* It may have been built with less. */
    ck_assert_int_eq(mp_set_capacity(mp, 4096), 0);
    ck_assert_int_eq(mp_set_reporter(mp, damage_note, &told), 0);
    for (unsigned i = 0; i < 8; i++) {
        objects[i] = mp_allocate(mp, 48);
        ck_assert_ptr_nonnull(objects[i]);
    }
    free_memory(mp, objects[2]);
    free_memory(mp, objects[4]);
    uintptr_t *words = objects[2];
    words[0] = (uintptr_t)&mp->reporter.fn - sizeof(void *);
    words[1] = (uintptr_t)objects[0];
    /* The chunk is joined with what is freed behind it. */
    free_memory(mp, objects[3]);
    ck_assert(mp->reporter.fn == damage_note);
    ck_assert(told);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

/* What an overflow leads to: none of these may ever be called. */
static void damage_called(void)
{
    abort();
}

/* Two pools, the second of which stands right behind the last object of the
 * first one; NULL: pools do not lie side by side here. */
#define NEIGHBOURS 64
static memory_pool_t *damage_neighbours(memory_pool_t **pools, void **last)
{
    memory_pool_t *below = NULL, *above = NULL;

    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        pools[i] = pools_make_named();
    }
    for (unsigned i = 0; i < NEIGHBOURS * NEIGHBOURS; i++) {
        memory_pool_t *one = pools[i % NEIGHBOURS];
        memory_pool_t *other = pools[i / NEIGHBOURS];
        if ((uintptr_t)other - (uintptr_t)one == RANGE_SLOT) {
            below = one;
            above = other;
        }
    }
    *last = NULL;
    for (void *at = NULL; below != NULL && *last == NULL;) {
        at = mp_allocate(below, 16);
        ck_assert_ptr_nonnull(at);
        if ((uintptr_t)above - (uintptr_t)at == 16) {
            *last = at;
        } else if ((uintptr_t)at - (uintptr_t)below > RANGE_SLOT) {
            return NULL;
        }
    }
    return above;
}

#define REFUSED(call)                           \
    do {                                        \
        errno = 0;                              \
        ck_assert(call);                        \
        ck_assert_int_eq(errno, ENOTRECOVERABLE); \
    } while (0)

START_TEST(an_overflow_from_the_pool_before_calls_no_function)
{
    memory_pool_t *pools[NEIGHBOURS];
    void *last, *object = &last;
    mp_stats_t stats;
    memory_pool_t *mp = damage_neighbours(pools, &last);

    if (mp == NULL || last == NULL) {
        return; /* there is no range here, or another one */
    }
    /* As far as that, or only up to the lock. */
    size_t words = _i == 0 ? sizeof *mp / sizeof(void *) : 4;
    for (size_t i = 0; i < 2 + words; i++) {
        ((void (**)(void))last)[i] = damage_called;
    }
    support_capture();
    REFUSED(mp_allocate(mp, 100) == NULL);
    REFUSED(mp_allocate(mp, 100000) == NULL);
    REFUSED(mp_allocate(mp, 0) == NULL);
    REFUSED(mp_calloc(mp, 1, 100) == NULL);
    REFUSED(mp_realloc(mp, object, 100) == NULL);
    REFUSED((free_memory(mp, object), true));
    REFUSED((mp_free(mp, object), true));
    REFUSED(MP_MARK_FAILED(mp_mark(mp)));
    REFUSED(mp_stats(mp, &stats) == -1);
    REFUSED(mp_check(mp) == -1);
    REFUSED(mp_attach(mp) == NULL);
    REFUSED(!is_mp_ptr(mp, object));
    REFUSED((mp_reset(mp), true));
    REFUSED((mp_destroy(mp), true));
    char *lines = support_release();
    ck_assert_ptr_nonnull(
        strstr(lines, "the memory of a pool itself was written over"));
    free(lines);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *kinds = support_case(suite, "kinds");
    /* With caches, with a lock, without; in other kinds it is the same code. */
    int count = (int)support_times((unsigned)pools_count, 3);

    tcase_add_loop_test(kinds, a_wrong_link_in_a_freed_object_is_found, 0,
                        count);
    tcase_add_loop_test(kinds, a_wrong_byte_in_a_map_is_found, 0, count);
    tcase_add_loop_test(kinds, a_chunk_in_the_bin_of_another_length_is_found,
                        0, count);
    tcase_add_loop_test(kinds, a_link_that_was_written_over_leads_nowhere, 0,
                        9);
    tcase_add_loop_test(kinds,
                        a_link_in_a_heap_that_was_written_over_leads_nowhere,
                        0, LINKS_KINDS);
    tcase_add_loop_test(kinds,
                        an_overflow_from_the_pool_before_calls_no_function, 0,
                        2);
    tcase_add_test(kinds,
                   no_unlinking_in_a_base_pool_writes_to_a_function_pointer);
    return support_run(suite);
}
