/* SPDX-License-Identifier: MIT
 *
 * extent.c - where the range lies, and how much of it is mapped.
 *
 * A place is looked for beside the addresses where the system puts a first
 * small mapping: systems that place from above have room below it, and those
 * that place from below, valgrind among them, have room above.  The gap is
 * for what else the process maps.  No place is held before it is used: what
 * the process maps there meanwhile stays, and the extent goes on behind it.
 *
 * MAP_FIXED_NOREPLACE maps at an address or fails.  Where it is missing, the
 * address is a hint, and an answer that lies elsewhere is given back.
 *
 * Invariants:
 *
 *     extent.bytes <= extent.limit
 *     map and owners are mapped for all that has been an extent's piece;
 *     owners, which the fast path reads for any address below the extent's
 *     end, also for what lies between pieces
 *
 * What it cannot do: go on behind a foreign mapping where the tables would
 * have to be.  The range then stays as it is.
 */
#include "store/extent.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/assert.h"

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* Linux's values: headers may be older than the system. */
#ifdef __linux__
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0 /* the address is a hint; the result is checked */
#endif

#define EXTENT_MIB ((size_t)1 << 20)
#define EXTENT_FIRST EXTENT_MIB         /* bytes of the first piece */
#define EXTENT_MOST (1024 * EXTENT_MIB) /* of one that nobody asked for */
#define EXTENT_JUMP (16 * EXTENT_MIB)   /* over what is in the way, at first */
#define EXTENT_ALIGN (2 * EXTENT_MIB)   /* of the range: a huge page */

#define EXTENT_GRANULE ((size_t)16)
#define EXTENT_NAME sizeof(struct memory_pool *)

enum extent_answer {
    EXTENT_OK,
    EXTENT_REFUSED, /* the system has no memory, or a limit is met */
    EXTENT_OCCUPIED /* something else is there */
};

/* MiB of the range, if there is room.  A build for the fuzzer has less, so that
 * the range is full soon. */
#ifndef EXTENT_LONGEST
#define EXTENT_LONGEST (1u << 20)
#endif

/* A choice of a place: so many MiB of spans, so many away. */
struct extent_place {
    unsigned limit;
    unsigned gap;
    bool above;
};

/* The first that the address space has room for.  Those below come first:
 * most systems place from above.  The short one above comes before valgrind's
 * memcheck would be slow: it finds what it knows of the first 128 GiB fast. */
static const struct extent_place extent_places[] = {
#if UINTPTR_MAX > 0xffffffffu
    {EXTENT_LONGEST, 1u << 18, false}, {1u << 18, 1u << 16, false},
    {1u << 16, 1u << 14, false}, {1u << 14, 1u << 12, false},
    {1u << 16, 1u << 12, true},  {1u << 14, 1u << 10, true},
#else
    {1u << 10, 1u << 8, false}, {1u << 9, 1u << 7, false},
    {1u << 8, 1u << 6, false},  {1u << 8, 1u << 6, true},
#endif
};
#define EXTENT_PLACES (sizeof extent_places / sizeof extent_places[0])

MP_INNER_OBJECT struct extent extent;

/* Where the mapped parts of the tables end; the range's lock. */
static unsigned char *extent_map_end;
static unsigned char *extent_owners_end;

static size_t extent_page(void)
{
    static size_t page; /* the range's lock */

    if (page == 0) {
        page = (size_t)sysconf(_SC_PAGESIZE);
    }
    return page;
}

static unsigned char *extent_down(unsigned char *at)
{
    return at - (uintptr_t)at % extent_page();
}

static unsigned char *extent_up(unsigned char *at)
{
    return at + (size_t)(-(uintptr_t)at % extent_page());
}

/* A name for /proc/self/maps, where the system has such. */
static void extent_name(void *at, size_t bytes, const char *name)
{
#ifdef __linux__
    static bool refused; /* the range's lock */

    if (!refused) {
        refused = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)at,
                        bytes, name) != 0;
    }
#else
    (void)at;
    (void)bytes;
    (void)name;
#endif
}

/* Maps just there.  Nothing that is mapped is ever replaced. */
static enum extent_answer extent_take(unsigned char *at, size_t bytes,
                                      const char *name)
{
    ASSERT((uintptr_t)at % extent_page() == 0 && bytes > 0);
    void *got = mmap(at, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (got == MAP_FAILED) {
        return errno == EEXIST ? EXTENT_OCCUPIED : EXTENT_REFUSED;
    }
    if (got != at) {
        munmap(got, bytes);
        return EXTENT_OCCUPIED;
    }
    extent_name(at, bytes, name);
    return EXTENT_OK;
}

/* Maps what of a table is not mapped yet, between two addresses, which become
 * those of whole pages. */
static enum extent_answer extent_take_table(unsigned char **end,
                                            unsigned char *from,
                                            unsigned char *to,
                                            const char *name)
{
    from = extent_down(from);
    to = extent_up(to);
    if (from < *end) {
        from = *end;
    }
    if (from >= to) {
        return EXTENT_OK;
    }
    enum extent_answer answer = extent_take(from, (size_t)(to - from), name);
    if (answer == EXTENT_OK) {
        *end = to;
    }
    return answer;
}

/* Maps tables for a piece of the range, and the map byte behind it, which a
 * search for the next chunk of a block reads.  If only one of the tables can be
 * mapped, that does no harm: the next piece finds it. */
static enum extent_answer extent_take_tables(size_t offset, size_t bytes)
{
    unsigned char *map = extent_map(extent.base);
    unsigned char *owners = (unsigned char *)extent.owners;
    size_t end = offset + bytes;
    unsigned char *map_end = map + end / EXTENT_GRANULE;

    if (map_end < owners) { /* which stand behind a whole map */
        map_end++;
    }
    enum extent_answer answer = extent_take_table(
        &extent_map_end, map + offset / EXTENT_GRANULE, map_end,
        "libmempool map");

    if (answer != EXTENT_OK) {
        return answer;
    }
    return extent_take_table(&extent_owners_end, extent_owners_end,
                             owners + end / EXTENT_SLOT * EXTENT_NAME,
                             "libmempool owners");
}

/* Maps a piece of the range and its tables, or neither: spans first, which are
 * most of it, so that what the system refuses costs no tables. */
static enum extent_answer extent_take_piece(size_t offset, size_t bytes)
{
    unsigned char *at = extent.base + offset;
    enum extent_answer answer = extent_take(at, bytes, "libmempool spans");

    if (answer != EXTENT_OK) {
        return answer;
    }
    if (extent_take_tables(offset, bytes) == EXTENT_OK) {
        return EXTENT_OK;
    }
    munmap(at, bytes);
    return EXTENT_REFUSED;
}

/* The same for less, where that much is not to be had, and down to the least.
 * *bytes is what was mapped. */
static enum extent_answer extent_take_less(size_t offset, size_t least,
                                           size_t *bytes)
{
    size_t room = extent.limit - offset;
    size_t ask = extent_step(least);

    ASSERT(least > 0 && least <= room);
    ask = ask > room ? room : ask;
    for (;;) {
        enum extent_answer answer = extent_take_piece(offset, ask);
        if (answer == EXTENT_OK || ask == least) {
            *bytes = ask;
            return answer;
        }
        ask = ask / 2 & ~(EXTENT_SPAN - 1);
        ask = ask < least ? least : ask;
    }
}

/* A half of what there is: so the pieces of a large program are few, and what
 * is mapped for nothing is in proportion to it. */
size_t extent_step(size_t least)
{
    size_t step = sync_get(&extent.bytes) / 2 & ~(EXTENT_SPAN - 1);

    ASSERT(least % EXTENT_SPAN == 0);
    step = step < EXTENT_FIRST ? EXTENT_FIRST : step;
    step = step > EXTENT_MOST ? EXTENT_MOST : step;
    return step < least ? least : step;
}

size_t extent_grow(size_t least, size_t *start)
{
    size_t at = sync_get(&extent.bytes);
    size_t jump = EXTENT_JUMP;
    size_t bytes = 0;
    int error = errno; /* the caller has other memory */

    while (at < extent.limit && least <= extent.limit - at) {
        enum extent_answer answer = extent_take_less(at, least, &bytes);
        if (answer == EXTENT_OK) {
            *start = at;
            /* Release pairs with the acquire in extent_bytes(). */
            sync_put_release(&extent.bytes, at + bytes);
            break;
        }
        bytes = 0;
        if (answer == EXTENT_REFUSED) {
            break;
        }
        /* Twice as far each time: behind what is long, too, in a few steps. */
        at += jump;
        jump *= 2;
    }
    errno = error;
    return bytes;
}

/* Where the system puts a small mapping if it may choose; 0: it refuses one. */
static uintptr_t extent_look(void)
{
    void *at = mmap(NULL, extent_page(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        return 0;
    }
    munmap(at, extent_page());
    return (uintptr_t)at;
}

/* The lowest address of a place, that of the map; 0: the address space ends
 * before. */
static uintptr_t extent_lowest(const struct extent_place *place,
                               uintptr_t about, size_t total)
{
    size_t gap = place->gap * EXTENT_MIB;

    if (place->above) {
        if (about > UINTPTR_MAX - gap - total - EXTENT_ALIGN) {
            return 0;
        }
        about += gap + EXTENT_ALIGN;
    } else {
        if (about < gap + total + EXTENT_ALIGN) {
            return 0;
        }
        about -= gap + total;
    }
    return about & ~(uintptr_t)(EXTENT_ALIGN - 1);
}

/* A table without the other, or without spans, goes back. */
static void extent_forget(unsigned char *table, unsigned char *end)
{
    if (end > table) {
        munmap(table, (size_t)(end - table));
    }
}

/* A page could be mapped there.  The address is a hint, whatever the system
 * has: ThreadSanitizer drops one that the program may not have, and with
 * MAP_FIXED_NOREPLACE the page of NULL would be asked for instead. */
static bool extent_can_have(unsigned char *at)
{
    void *got = mmap(at, extent_page(), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (got != MAP_FAILED) {
        munmap(got, extent_page());
    }
    return got == at;
}

/* Maps the first piece at a place, if both ends of the place can be mapped. */
static bool extent_settle(const struct extent_place *place, uintptr_t about)
{
    size_t limit = place->limit * EXTENT_MIB;
    size_t owners = limit / EXTENT_SLOT * EXTENT_NAME;
    size_t map = limit / EXTENT_GRANULE;
    uintptr_t lowest = extent_lowest(place, about, map + owners + limit);
    size_t start;

    unsigned char *base = (unsigned char *)(lowest + map + owners);
    if (lowest == 0 || !extent_can_have((unsigned char *)lowest) ||
        !extent_can_have(base + limit - extent_page())) {
        return false;
    }
    extent.base = base;
    extent.owners = (struct memory_pool **)(lowest + map);
    extent.bias = lowest - (uintptr_t)base / EXTENT_GRANULE;
    extent.limit = EXTENT_FIRST; /* no jump: there are other places */
    extent_map_end = (unsigned char *)lowest;
    extent_owners_end = (unsigned char *)extent.owners;
    if (extent_grow(EXTENT_SPAN, &start) == 0) {
        extent_forget((unsigned char *)lowest, extent_map_end);
        extent_forget((unsigned char *)extent.owners, extent_owners_end);
        return false;
    }
    extent.limit = limit;
    return true;
}

bool extent_start(void)
{
    int error = errno; /* the caller can do without the range */
    uintptr_t about = EXTENT_SPAN % extent_page() == 0 ? extent_look() : 0;

    ASSERT(sync_get(&extent.bytes) == 0);
    for (size_t i = 0; about != 0 && i < EXTENT_PLACES; i++) {
        if (extent_settle(&extent_places[i], about)) {
            break;
        }
    }
    errno = error;
    return sync_get(&extent.bytes) > 0;
}

bool extent_zero(void *start, size_t bytes)
{
    unsigned char *end = (unsigned char *)start + bytes;
    unsigned char *from = extent_up(start);
    unsigned char *to = extent_down(end);
    int error = errno;

    ASSERT(from < to);
    bool gone = madvise(from, (size_t)(to - from), MADV_DONTNEED) == 0;
    errno = error;
    if (gone) {
        memset(start, 0, (size_t)(from - (unsigned char *)start));
        memset(to, 0, (size_t)(end - to));
    }
    return gone;
}

bool extent_drop(size_t offset, size_t bytes)
{
    unsigned char *at = extent.base + offset;
    int error = errno;
    bool gone;

    ASSERT(bytes > 0 && offset + bytes <= sync_get(&extent.bytes));
    gone = madvise(at, bytes, MADV_DONTNEED) == 0;
    if (gone) {
        /* Pages of the map that other spans share stay: it is clear, and what
         * is all 0 is not missed. */
        unsigned char *from = extent_up(extent_map(at));
        unsigned char *to = extent_down(extent_map(at + bytes));
        if (from < to) {
            (void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
        }
    }
    errno = error;
    return gone;
}

void *extent_get(size_t bytes)
{
    int error = errno;
    void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (got == MAP_FAILED) {
        errno = error;
        return NULL;
    }
    extent_name(got, bytes, "libmempool");
    errno = error;
    return got;
}

void extent_put(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

/* A coarse clock is enough, and is read faster. */
uint64_t extent_now(void)
{
    struct timespec now = {0, 0};

#ifdef CLOCK_MONOTONIC_COARSE
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
