/* SPDX-License-Identifier: MIT
 *
 * range.c - one stretch of addresses, where pools with thread caches live.
 *
 * A bit per span says whether it is taken; spans are taken first fit from
 * below, so that what is in use stays together.  A span that is given back
 * keeps its memory for the next taker as long as no more than RANGE_KEEP
 * bytes lie so; beyond that the system gets the memory, not the addresses.
 */
#include "store/range.h"

#include <errno.h>

#include "base/lock.h"

#if UINTPTR_MAX > 0xffffffffu
#include <sys/mman.h>
#endif

/* LeakSanitizer does not look for pointers in the range of its own accord: a
 * program that runs under it finds what pools hold only if it is told. */
#if defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
void __lsan_register_root_region(const void *start, size_t bytes)
    __attribute__((__weak__));
void __lsan_unregister_root_region(const void *start, size_t bytes)
    __attribute__((__weak__));

void range_show(const void *start, size_t bytes)
{
    if (__lsan_register_root_region != NULL) {
        __lsan_register_root_region(start, bytes);
    }
}

void range_hide(const void *start, size_t bytes)
{
    if (__lsan_unregister_root_region != NULL) {
        __lsan_unregister_root_region(start, bytes);
    }
}
#else
void range_show(const void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

void range_hide(const void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}
#endif

/* Bytes of free spans that keep their memory, in the whole process. */
#define RANGE_KEEP ((size_t)16 << 20)

#define RANGE_SPANS (RANGE_SIZE / RANGE_SPAN)
#define RANGE_WORDS (RANGE_SPANS / 64)

unsigned char *range_base;
uintptr_t range_bias;

static struct lock range_lock; /* owns all that follows */
static uint64_t range_taken[RANGE_WORDS];
static uint64_t range_dirty[RANGE_WORDS]; /* free, and with memory */
static size_t range_dirty_bytes;
static size_t range_lowest; /* no word below it has a free span */
static void *range_slots;   /* free slots, linked through their first word */

bool range_start(void)
{
#if UINTPTR_MAX > 0xffffffffu
    static bool range_tried; /* range_lock */
    bool taken = lock_enter(&range_lock);

    if (!range_tried) {
        int error = errno; /* who asks can do without */
        size_t tables = RANGE_GRANULES + RANGE_OWNERS_SIZE;
        void *all = MAP_FAILED;
        /* Only pools with caches live here, and they need the barrier. */
        if (sync_barrier_start()) {
            all = mmap(NULL, tables + RANGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        }
        if (all != MAP_FAILED) {
            unsigned char *base = (unsigned char *)all + tables;
            range_bias = (uintptr_t)all - (uintptr_t)base / BLOCK_GRANULE;
            sync_put(&range_base, base);
        }
        range_tried = true;
        errno = error;
    }
    lock_leave(&range_lock, taken);
#endif
    return sync_get(&range_base) != NULL;
}

static bool range_is_taken(size_t span)
{
    return (range_taken[span / 64] >> (span % 64) & 1) != 0;
}

/* First of that many free spans in a row; RANGE_SPANS: there are none. */
static size_t range_search(size_t spans)
{
    size_t span = range_lowest * 64;

    while (span + spans <= RANGE_SPANS) {
        if (span % 64 == 0 && range_taken[span / 64] == UINT64_MAX) {
            span += 64;
            continue;
        }
        size_t length = 0;
        while (length < spans && !range_is_taken(span + length)) {
            length++;
        }
        if (length == spans) {
            return span;
        }
        span += length + 1;
    }
    return RANGE_SPANS;
}

static void *range_take_locked(size_t spans)
{
    if (spans > RANGE_SPANS) {
        return NULL;
    }
    size_t first = range_search(spans);
    if (first == RANGE_SPANS) {
        return NULL;
    }
    for (size_t span = first; span < first + spans; span++) {
        uint64_t bit = (uint64_t)1 << (span % 64);
        range_taken[span / 64] |= bit;
        if ((range_dirty[span / 64] & bit) != 0) {
            range_dirty[span / 64] &= ~bit;
            range_dirty_bytes -= RANGE_SPAN;
        }
    }
    while (range_lowest < RANGE_WORDS &&
           range_taken[range_lowest] == UINT64_MAX) {
        range_lowest++;
    }
    return range_base + first * RANGE_SPAN;
}

void *range_take(size_t spans)
{
    bool taken = lock_enter(&range_lock);
    void *start = range_take_locked(spans);

    lock_leave(&range_lock, taken);
    return start;
}

/* Gives the memory of spans to the system; true: done. */
static bool range_drop(void *start, size_t bytes)
{
#if UINTPTR_MAX > 0xffffffffu
    return madvise(start, bytes, MADV_DONTNEED) == 0;
#else
    (void)start;
    (void)bytes;
    return false;
#endif
}

void range_give(void *start, size_t spans)
{
    size_t first = (size_t)((unsigned char *)start - range_base) / RANGE_SPAN;
    size_t bytes = spans * RANGE_SPAN;
    range_hide(start, bytes);
    bool taken = lock_enter(&range_lock);
    bool dirty = range_dirty_bytes + bytes <= RANGE_KEEP ||
                 !range_drop(start, bytes);

    for (size_t span = first; span < first + spans; span++) {
        uint64_t bit = (uint64_t)1 << (span % 64);
        range_taken[span / 64] &= ~bit;
        if (dirty) {
            range_dirty[span / 64] |= bit;
            range_dirty_bytes += RANGE_SPAN;
        }
    }
    if (first / 64 < range_lowest) {
        range_lowest = first / 64;
    }
    lock_leave(&range_lock, taken);
}

void *range_take_slot(void)
{
    bool taken = lock_enter(&range_lock);

    if (range_slots == NULL) {
        unsigned char *span = range_take_locked(1);
        for (size_t at = span == NULL ? 0 : RANGE_SPAN; at > 0;) {
            at -= RANGE_SLOT;
            *(void **)(void *)(span + at) = range_slots;
            range_slots = span + at;
        }
    }
    void *slot = range_slots;
    if (slot != NULL) {
        range_slots = *(void **)slot;
    }
    lock_leave(&range_lock, taken);
    return slot;
}

void range_give_slot(void *slot)
{
    range_hide(slot, RANGE_SLOT);
    bool taken = lock_enter(&range_lock);

    *(void **)slot = range_slots;
    range_slots = slot;
    lock_leave(&range_lock, taken);
}

void range_own(void *start, size_t bytes, struct memory_pool *owner)
{
    range_show(start, bytes);
    range_rename(start, bytes, owner, false);
}

void range_rename(void *start, size_t bytes, struct memory_pool *owner,
                  bool apart)
{
    size_t first = (size_t)((unsigned char *)start - range_base) / RANGE_SLOT;
    struct memory_pool **owners = range_owners(range_base) + first;

    owner = (struct memory_pool *)((uintptr_t)owner | apart);
    for (size_t i = 0; i < bytes / RANGE_SLOT; i++) {
        /* Release, for mp_owner(), which looks into the pool. */
        sync_put_release(&owners[i], owner);
    }
}

void range_fork_prepare(void)
{
    lock_take(&range_lock);
}

void range_fork_done(void)
{
    lock_drop(&range_lock);
}
