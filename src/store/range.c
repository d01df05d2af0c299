/* SPDX-License-Identifier: MIT
 *
 * range.c - one stretch of addresses, where pools with thread caches live.
 *
 * A bit per span says whether it is taken.  Spans are taken first fit from
 * below, so that what is in use stays together.  A span that is given back
 * keeps its memory for the next taker as long as no more than RANGE_KEEP
 * bytes lie so; beyond that the system gets the memory, not the addresses.
 *
 * A span may be cut into slots.  It stays so for good: free slots are on a
 * list and only serve as slots again.
 *
 * Invariants:
 *
 *     dirty_bytes == RANGE_SPAN * bits of dirty
 *     taken & dirty == 0
 *     words of taken below lowest are all ones
 *
 * What it cannot do: move what is taken together, or take back a span whose
 * slots are all free.
 */
#include "store/range.h"

#include <errno.h>

#include "base/tool.h"

#if UINTPTR_MAX > 0xffffffffu
#include <sys/mman.h>
#endif

/* Bytes of free spans that keep their memory, in the whole process. */
#define RANGE_KEEP ((size_t)16 << 20)

#define RANGE_SPANS (RANGE_SIZE / RANGE_SPAN)
#define RANGE_WORDS (RANGE_SPANS / 64)

MP_INNER_OBJECT unsigned char *range_base;
MP_INNER_OBJECT uintptr_t range_bias;

static struct lock range_lock = LOCK_INIT(LOCK_RANGE); /* owns what follows */
static uint64_t range_taken[RANGE_WORDS];
static uint64_t range_dirty[RANGE_WORDS]; /* free, and with memory */
static size_t range_dirty_bytes;
static size_t range_lowest; /* no word below it has a free span */
static void *range_slots;   /* free slots, linked through their first word */

#if UINTPTR_MAX > 0xffffffffu
/* Maps tables and spans in one piece.  The lock is held. */
static void range_reserve(void)
{
    size_t tables = RANGE_GRANULES + RANGE_OWNERS_SIZE;

    ASSERT(lock_is_held(&range_lock));
    ASSERT(sync_get(&range_base) == NULL);
    /* Only pools with caches live here, and they need the heavy fence. */
    if (!sync_fence_start()) {
        return;
    }
    void *all = mmap(NULL, tables + RANGE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all != MAP_FAILED) {
        unsigned char *base = (unsigned char *)all + tables;
        ASSERT(range_map(base) == (unsigned char *)all);
        ASSERT((uintptr_t)base % RANGE_SLOT == 0);
        range_bias = (uintptr_t)all - (uintptr_t)base / SIZES_GRANULE;
        sync_put(&range_base, base);
    }
}
#endif

/* It is tried once in a process: a limit on address space that refused the
 * range would refuse it again, and each pool would pay for asking. */
bool range_start(void)
{
#if UINTPTR_MAX > 0xffffffffu
    static bool range_tried; /* range_lock */
    bool taken = lock_enter(&range_lock);

    if (!range_tried) {
        int error = errno; /* the caller can do without the range */
        range_reserve();
        range_tried = true;
        errno = error;
    }
    lock_leave(&range_lock, taken);
#endif
    return sync_get(&range_base) != NULL;
}

/* For assertions: start is that of so many bytes of whole slots. */
static inline bool range_has_slots(const void *start, size_t bytes)
{
    size_t offset = (size_t)((uintptr_t)start - (uintptr_t)range_base);

    return bytes > 0 && bytes % RANGE_SLOT == 0 && range_has(start) &&
           offset % RANGE_SLOT == 0 && bytes <= RANGE_SIZE - offset;
}

/* For assertions: the map of a slot or of a span's first slot is clear.  More
 * of it may never have been touched. */
static inline bool range_is_clear(const void *start)
{
    size_t i = (size_t)((uintptr_t)start - (uintptr_t)range_base) /
               SIZES_GRANULE;
    const unsigned char *map = range_map(range_base) + i;

    for (i = 0; i < RANGE_SLOT / SIZES_GRANULE; i++) {
        if (sync_get(&map[i]) != BLOCK_NONE) {
            return false;
        }
    }
    return true;
}

static bool range_is_taken(size_t span)
{
    ASSERT(lock_is_held(&range_lock));
    ASSERT(span < RANGE_SPANS);
    return (range_taken[span / 64] >> (span % 64) & 1) != 0;
}

/* First of that many free spans in a row; RANGE_SPANS: there are none. */
static size_t range_search(size_t spans)
{
    size_t span = range_lowest * 64;
    ASSERT(range_lowest <= RANGE_WORDS);

    while (span + spans <= RANGE_SPANS) {
        /* A word at a time over what is all taken. */
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
        span += length + 1; /* behind the one that is taken */
    }
    return RANGE_SPANS;
}

/* A dirty span's memory holds what its last owner left.  Its map is clear all
 * the same: the heap that was there has cleared it. */
static void *range_take_spans(size_t spans)
{
    ASSERT(lock_is_held(&range_lock));
    ASSERT(spans > 0);
    if (spans > RANGE_SPANS) {
        return NULL;
    }
    size_t first = range_search(spans);
    ASSERT(first <= RANGE_SPANS);
    if (first == RANGE_SPANS) {
        return NULL;
    ASSERT(first + spans <= RANGE_SPANS);
    }
    for (size_t span = first; span < first + spans; span++) {
        uint64_t bit = (uint64_t)1 << (span % 64);
        ASSERT(!range_is_taken(span));
        range_taken[span / 64] |= bit;
        if ((range_dirty[span / 64] & bit) != 0) {
            range_dirty[span / 64] &= ~bit;
            ASSERT(range_dirty_bytes >= RANGE_SPAN);
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
    ASSERT(sync_get(&range_base) != NULL);
    bool taken = lock_enter(&range_lock);
    void *start = range_take_spans(spans);

    ASSERT(start == NULL || range_is_clear(start));
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

/* Marks spans as free; dirty: and as still having their memory. */
static void range_give_spans(size_t first, size_t spans, bool dirty)
{
    ASSERT(lock_is_held(&range_lock));
    ASSERT(spans > 0 && first + spans <= RANGE_SPANS);
    for (size_t span = first; span < first + spans; span++) {
        uint64_t bit = (uint64_t)1 << (span % 64);
        ASSERT(range_is_taken(span));
        ASSERT((range_dirty[span / 64] & bit) == 0);
        range_taken[span / 64] &= ~bit;
        if (dirty) {
            range_dirty[span / 64] |= bit;
            range_dirty_bytes += RANGE_SPAN;
        }
    }
    /* The lowest word follows down, since a search begins there: spans below
     * it would never be found again. */
    if (first / 64 < range_lowest) {
        range_lowest = first / 64;
    }
}

/* Kept spans are taken again without page faults.  The limit is for the
 * process: one for each pool would let many pools keep too much. */
void range_give(void *start, size_t spans)
{
    size_t first = (size_t)((unsigned char *)start - range_base) / RANGE_SPAN;
    size_t bytes = spans * RANGE_SPAN;

    ASSERT(range_has_slots(start, bytes));
    ASSERT((size_t)((unsigned char *)start - range_base) % RANGE_SPAN == 0);
    ASSERT(range_is_clear(start));
    tool_hide(start, bytes);
    /* The memory goes under the lock, since another thread could take the
     * spans and write there before. */
    bool taken = lock_enter(&range_lock);
    bool dirty = range_dirty_bytes + bytes <= RANGE_KEEP ||
                 !range_drop(start, bytes);
    range_give_spans(first, spans, dirty);
    lock_leave(&range_lock, taken);
}

/* Cuts a span into free slots, the lowest first; none where there is no
 * span. */
static void range_cut_slots(void)
{
    unsigned char *span = range_take_spans(1);
    ASSERT(lock_is_held(&range_lock) && range_slots == NULL);

    /* The loop goes from the end on, since each slot is pushed in front of
     * those before. */
    for (size_t at = span == NULL ? 0 : RANGE_SPAN; at > 0;) {
        at -= RANGE_SLOT;
        *(void **)(void *)(span + at) = range_slots;
        range_slots = span + at;
    }
}

/* A whole span is cut at once.  So small pools, which come and go often, lie
 * close together, and their owners' names share lines. */
void *range_take_slot(void)
{
    ASSERT(sync_get(&range_base) != NULL);
    bool taken = lock_enter(&range_lock);

    if (range_slots == NULL) {
        range_cut_slots();
    }
    void *slot = range_slots;
    if (slot != NULL) {
        range_slots = *(void **)slot;
        ASSERT(range_has_slots(slot, RANGE_SLOT) && range_is_clear(slot));
    }
    lock_leave(&range_lock, taken);
    return slot;
}

/* A slot keeps its memory.  A page has two of them, so to give one to the
 * system would take the other's objects away. */
void range_give_slot(void *slot)
{
    ASSERT(range_has_slots(slot, RANGE_SLOT) && range_is_clear(slot));
    tool_hide(slot, RANGE_SLOT);
    bool taken = lock_enter(&range_lock);

    ASSERT(range_slots != slot); /* it is not given back twice */
    *(void **)slot = range_slots;
    range_slots = slot;
    lock_leave(&range_lock, taken);
}

/* Tools hear of the memory first.  A pointer in what is hidden does not count
 * for them, and they would report what it leads to as a leak. */
void range_own(void *start, size_t bytes, struct memory_pool *owner)
{
    ASSERT(owner != NULL && range_has_slots(start, bytes));
    tool_show(start, bytes);
    range_rename(start, bytes, owner, false);
}

void range_rename(void *start, size_t bytes, struct memory_pool *owner,
                  bool apart)
{
    size_t first = (size_t)((unsigned char *)start - range_base) / RANGE_SLOT;
    struct memory_pool **owners = range_owners(range_base) + first;

    ASSERT(range_has_slots(start, bytes));
    ASSERT(((uintptr_t)owner & 1) == 0); /* the lowest bit says apart */
    owner = (struct memory_pool *)((uintptr_t)owner | apart);
    for (size_t i = 0; i < bytes / RANGE_SLOT; i++) {
        /* Release, for mp_owner(), which reads the pool's members. */
        sync_put_release(&owners[i], owner);
    }
}

/* The lock is held across fork(), so that the child does not find a bit set
 * without its bytes counted, by a thread that it does not have. */
void range_fork_prepare(void)
{
    lock_take(&range_lock);
}

void range_fork_done(void)
{
    lock_drop(&range_lock);
}
