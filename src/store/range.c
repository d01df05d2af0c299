/* SPDX-License-Identifier: MIT
 *
 * range.c - one stretch of addresses, where pools with thread caches live that
 * have no backing.
 *
 * spans.c knows which spans and slots are free, and finds the first that fit,
 * so that what is in use stays together; extent.c maps more where none does.
 * A span that is given back keeps its memory for the next taker, as long as no
 * more than RANGE_KEEP bytes lie so, or up to RANGE_HOLD if the program soon
 * wants again what it gave.  Beyond that the system gets the memory, not the
 * addresses.  If more than RANGE_KEEP bytes lie so for a second, the next that
 * is given lets the system have what is too much.  A span whose slots are all
 * free is a span again.
 *
 * What it cannot do: move what is taken together, or give back a span while
 * one of its slots is in use.
 */
#include "store/range.h"

#include "base/tool.h"
#include "store/spans.h"

/* Bytes of free spans that keep their memory, in the whole process: at first,
 * and at most, once the program took memory within RANGE_HOLD_TIME milliseconds
 * after some went.  Such a program gives back what it has, and soon wants as
 * much again.  One that did so once keeps at most twice as much, or what it
 * wanted again. */
#define RANGE_KEEP ((size_t)16 << 20)
#define RANGE_HOLD ((size_t)256 << 20)
#define RANGE_HOLD_TIME 1000u

/* From so many bytes on, to have memory anew from the system as zeros costs less
 * than to write them: a program may use no more than a part of them. */
#define RANGE_ZERO_LEAST ((size_t)4 << 20)

/* What a word of spans reaches. */
#define RANGE_WORD (64 * RANGE_SPAN)

_Static_assert(RANGE_SPAN / RANGE_SLOT == SPANS_SLOTS, "slots of a span");

static struct lock range_lock = LOCK_INIT(LOCK_RANGE); /* owns what follows,
                                                        * and the extent */
static struct spans range_spans;
static size_t range_hold = RANGE_KEEP; /* bytes that may be kept now */
static uint64_t range_dropped_at; /* milliseconds; when memory went last that
                                   * could not be kept; 0: none did */
static bool range_doubled; /* what may be kept was, since memory went last */
static uint64_t range_over_since; /* milliseconds; more than RANGE_KEEP bytes
                                   * have been kept since then; 0: no more */
/* The first word of spans; longer memory comes from the system. */
static uint64_t range_memory[136];

MP_INNER_OBJECT uint64_t (*range_clock)(void) = extent_now;

void range_tell_lock(void)
{
    lock_tell(&range_lock);
}

/* Has spans known up to so many bytes of the range; false: no memory. */
static bool range_know(size_t bytes)
{
    size_t words = range_spans.words;
    struct spans before = range_spans;

    ASSERT(lock_is_held(&range_lock) && words > 0);
    while (words * RANGE_WORD < bytes) {
        words *= 2;
    }
    if (words == before.words) {
        return true;
    }
    void *memory = extent_get(spans_bytes(words));
    if (memory == NULL) {
        return false;
    }
    spans_move(&range_spans, memory, words);
    if (before.free != range_memory) {
        extent_put(before.free, spans_bytes(before.words));
    }
    return true;
}

/* Makes room for so many spans in a row, or more; false: there is none. */
static bool range_grow(size_t spans)
{
    size_t start;
    size_t have = sync_get(&extent.bytes);

    ASSERT(lock_is_held(&range_lock) && spans > 0);
    if (spans > extent.limit / RANGE_SPAN ||
        !range_know(have + extent_step(spans * RANGE_SPAN))) {
        return false;
    }
    size_t bytes = extent_grow(spans * RANGE_SPAN, &start);
    /* The second can be refused where something lay in the way; the piece
     * behind that then stays unused. */
    if (bytes == 0 || !range_know(start + bytes)) {
        return false;
    }
    spans_give(&range_spans, start / RANGE_SPAN, bytes / RANGE_SPAN, false);
    return true;
}

/* The lock is held. */
static void range_make(void)
{
    ASSERT(sizeof range_memory >= spans_bytes(1));
    if (extent_start()) {
        spans_move(&range_spans, range_memory, 1);
        spans_give(&range_spans, 0, sync_get(&extent.bytes) / RANGE_SPAN,
                   false);
    }
}

/* Where it was refused, it is tried again by the second call, the fourth, the
 * eighth and so on: a limit may be raised, and a pool should not pay for one
 * that stays. */
bool range_start(void)
{
    static unsigned long tries; /* range_lock */

    if (extent_bytes() != 0) {
        return true;
    }
    bool taken = lock_enter(&range_lock);
    if (sync_get(&extent.bytes) == 0) {
        tries++;
        if ((tries & (tries - 1)) == 0) {
            range_make();
        }
    }
    lock_leave(&range_lock, taken);
    return extent_bytes() != 0;
}

/* For assertions: start is that of so many bytes of whole slots. */
static inline bool range_has_slots(const void *start, size_t bytes)
{
    size_t offset = (size_t)((uintptr_t)start - (uintptr_t)extent.base);

    return bytes > 0 && bytes % RANGE_SLOT == 0 && range_reaches(start) &&
           offset % RANGE_SLOT == 0 && bytes <= extent_bytes() - offset;
}

/* For assertions: the map of a slot or of a span's first slot is clear.  More
 * of it may never have been touched. */
static inline bool range_is_clear(const void *start)
{
    const unsigned char *map = extent_map(start);

    for (size_t i = 0; i < RANGE_SLOT / SIZES_GRANULE; i++) {
        if (sync_get(&map[i]) != BLOCK_NONE) {
            return false;
        }
    }
    return true;
}

/* The system sets to 0 what it is given and lends again, for as long as it
 * takes all that it is given.  A span that is not dirty then has memory that is
 * all 0.  Systems other than Linux do not promise it.  range_lock */
#ifdef __linux__
static bool range_zeroes = true;
#else
static bool range_zeroes = false;
#endif

static bool range_drop(size_t first, size_t spans)
{
    ASSERT(lock_is_held(&range_lock));
    bool gone = extent_drop(first * RANGE_SPAN, spans * RANGE_SPAN);

    range_zeroes = range_zeroes && gone;
    return gone;
}

static bool range_keeps_more(void)
{
    return range_spans.dirty_count > RANGE_KEEP / RANGE_SPAN;
}

/* Lets the system have what was kept for too long. */
static void range_decay(void)
{
    size_t count;

    ASSERT(lock_is_held(&range_lock));
    if (!range_keeps_more()) {
        range_over_since = 0;
        return;
    }
    uint64_t now = range_clock();
    if (range_over_since == 0) {
        range_over_since = now;
    }
    if (now - range_over_since < RANGE_HOLD_TIME) {
        return;
    }
    range_over_since = 0;
    range_hold = RANGE_KEEP;
    while (range_keeps_more()) {
        size_t first = spans_clean(&range_spans, &count);
        (void)range_drop(first, count);
    }
}

/* So many bytes are taken, of which some are new: they might have been kept.
 * What may be kept doubles each time that memory went and was wanted again, so
 * that it takes few times until it is enough. */
static void range_regret(size_t bytes)
{
    ASSERT(lock_is_held(&range_lock));
    if (range_dropped_at == 0) {
        return;
    }
    if (range_clock() - range_dropped_at >= RANGE_HOLD_TIME) {
        range_dropped_at = 0;
    } else {
        /* Only by the first: small takes would soon make it the most. */
        bool doubles = !range_doubled && range_hold > bytes;
        range_hold += doubles ? range_hold : bytes;
        range_doubled = true;
        range_hold = range_hold > RANGE_HOLD ? RANGE_HOLD : range_hold;
    }
}

bool range_zero(void *start, size_t bytes)
{
    ASSERT(range_reaches(start) && bytes > 0);
    if (bytes < RANGE_ZERO_LEAST) {
        return false;
    }
    bool taken = lock_enter(&range_lock);
    bool zeroes = range_zeroes;
    lock_leave(&range_lock, taken);
    return zeroes && extent_zero(start, bytes);
}

/* A dirty span's memory holds what its last owner left.  Its map is clear all
 * the same: the heap that was there has cleared it. */
void *range_take(size_t spans, bool *zero)
{
    ASSERT(spans > 0 && extent_bytes() != 0);
    bool taken = lock_enter(&range_lock);
    size_t dirty = range_spans.dirty_count;
    size_t first = spans_take(&range_spans, spans);

    if (first == SPANS_NONE && range_grow(spans)) {
        first = spans_take(&range_spans, spans);
        ASSERT(first != SPANS_NONE);
    }
    void *start =
        first == SPANS_NONE ? NULL : extent.base + first * RANGE_SPAN;
    ASSERT(start == NULL || range_is_clear(start));
    if (zero != NULL) {
        *zero = range_zeroes && range_spans.dirty_count == dirty;
    }
    if (dirty - range_spans.dirty_count < spans) {
        range_regret(spans * RANGE_SPAN);
    }
    range_over_since = range_keeps_more() ? range_over_since : 0;
    lock_leave(&range_lock, taken);
    return start;
}

/* Kept spans are taken again without page faults.  The limit is for the
 * process: one for each pool would let many pools keep too much.  The memory
 * goes under the lock, since another thread could take the spans and write
 * there before. */
static void range_give_spans(size_t first, size_t spans)
{
    size_t bytes = spans * RANGE_SPAN;

    ASSERT(lock_is_held(&range_lock));
    bool dirty = range_spans.dirty_count * RANGE_SPAN + bytes <= range_hold;
    if (!dirty) {
        range_dropped_at = range_clock();
        range_doubled = false;
    }
    dirty = dirty || !range_drop(first, spans);
    spans_give(&range_spans, first, spans, dirty);
    range_decay();
}

void range_give(void *start, size_t spans)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SPAN;

    ASSERT(range_has_slots(start, spans * RANGE_SPAN));
    ASSERT((size_t)((unsigned char *)start - extent.base) % RANGE_SPAN == 0);
    ASSERT(range_is_clear(start));
    tool_hide(start, spans * RANGE_SPAN);
    bool taken = lock_enter(&range_lock);
    range_give_spans(first, spans);
    lock_leave(&range_lock, taken);
}

void *range_take_slot(void)
{
    ASSERT(extent_bytes() != 0);
    bool taken = lock_enter(&range_lock);
    size_t slot = spans_take_slot(&range_spans);

    if (slot == SPANS_NONE && range_grow(1)) {
        slot = spans_take_slot(&range_spans);
        ASSERT(slot != SPANS_NONE);
    }
    void *start = slot == SPANS_NONE ? NULL : extent.base + slot * RANGE_SLOT;
    ASSERT(start == NULL ||
           (range_has_slots(start, RANGE_SLOT) && range_is_clear(start)));
    lock_leave(&range_lock, taken);
    return start;
}

/* A slot keeps its memory until its span is whole again.  A page has two of
 * them, so to give one to the system would take the other's objects away.  The
 * name of a pool goes with it: what the next owner writes there is no pool. */
void range_give_slot(void *slot)
{
    size_t n = (size_t)((unsigned char *)slot - extent.base) / RANGE_SLOT;

    ASSERT(range_has_slots(slot, RANGE_SLOT) && range_is_clear(slot));
    tool_hide(slot, RANGE_SLOT);
    bool taken = lock_enter(&range_lock);
    if ((void *)sync_get(&extent.owners[n]) == slot) {
        sync_put(&extent.owners[n], (struct memory_pool *)NULL);
    }
    size_t span = spans_give_slot(&range_spans, n);
    if (span != SPANS_NONE) {
        range_give_spans(span, 1);
    }
    lock_leave(&range_lock, taken);
}

/* Writes what stands for an owner, with its lowest bit. */
static void range_write_owner(void *start, size_t bytes,
                              struct memory_pool *owner)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SLOT;
    struct memory_pool **owners = extent.owners + first;

    ASSERT(range_has_slots(start, bytes));
    for (size_t i = 0; i < bytes / RANGE_SLOT; i++) {
        /* Release, for mp_owner(), which reads the pool's members. */
        sync_put_release(&owners[i], owner);
    }
}

/* Tools hear of the memory first.  A pointer in what is hidden does not count
 * for them, and they would report what it leads to as a leak. */
void range_own(void *start, size_t bytes, struct memory_pool *owner)
{
    ASSERT(owner != NULL && range_has_slots(start, bytes));
    tool_show(start, bytes);
    range_rename(start, bytes, owner, false);
}

/* To name each slot of a long row would take longer than the system needs to
 * lend it.  Behind the first slot the names of former owners stay.  They do no
 * harm, since no object starts there. */
void range_own_row(void *start, size_t bytes, struct memory_pool *owner)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SPAN;

    ASSERT(owner != NULL && range_has_slots(start, bytes));
    ASSERT(bytes % RANGE_SPAN == 0);
    tool_show(start, bytes);
    bool taken = lock_enter(&range_lock);
    (void)spans_set_row(&range_spans, first, bytes / RANGE_SPAN);
    lock_leave(&range_lock, taken);
    range_rename(start, RANGE_SLOT, owner, false);
}

/* The names come first: until they are there, the row answers. */
void range_spread(void *start, size_t bytes)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SPAN;

    range_write_owner(start, bytes, extent.owners[first * SPANS_SLOTS]);
    bool taken = lock_enter(&range_lock);
    (void)spans_set_row(&range_spans, first, 0);
    lock_leave(&range_lock, taken);
}

/* The lock is held. */
static struct memory_pool *range_held_holder(const void *ptr)
{
    ASSERT(lock_is_held(&range_lock));
    if (!range_reaches(ptr)) {
        return NULL;
    }
    size_t span = (size_t)((uintptr_t)ptr - (uintptr_t)extent.base) /
                  RANGE_SPAN;
    size_t first = spans_row(&range_spans, span);
    return range_owner(first == SPANS_NONE ? ptr
                                           : extent.base + first * RANGE_SPAN);
}

struct memory_pool *range_holder(const void *ptr)
{
    if (!range_reaches(ptr)) {
        return NULL;
    }
    bool taken = lock_enter(&range_lock);
    struct memory_pool *holder = range_held_holder(ptr);
    lock_leave(&range_lock, taken);
    return holder;
}

/* A pool that is gone may still stand for an address, and so may one that began
 * where it did.  A pool's own slot bears its name from the moment that it can
 * be asked until the slot is given back. */
struct memory_pool *range_pool(const void *ptr)
{
    struct memory_pool *mp = range_held_holder(ptr);

    return mp != NULL && range_owner(mp) == mp ? mp : NULL;
}

void range_rename(void *start, size_t bytes, struct memory_pool *owner,
                  bool apart)
{
    ASSERT(((uintptr_t)owner & 1) == 0); /* the lowest bit says apart */
    range_write_owner(start, bytes,
                      (struct memory_pool *)((uintptr_t)owner | apart));
}

/* Behind the end of what is mapped the range may grow.  The name is written as
 * range_own() does it: before any address in the new spans is handed out. */
void range_narrow(void *start, size_t spans, size_t less)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SPAN;

    ASSERT(range_has_slots(start, spans * RANGE_SPAN));
    ASSERT(less > 0 && less < spans);
    tool_hide(start, spans * RANGE_SPAN);
    tool_show(start, (spans - less) * RANGE_SPAN);
    bool taken = lock_enter(&range_lock);
    if (spans_set_row(&range_spans, first, 0) != 0) {
        (void)spans_set_row(&range_spans, first, spans - less);
    }
    range_give_spans(first + spans - less, less);
    lock_leave(&range_lock, taken);
}

bool range_extend(void *start, size_t spans, size_t more)
{
    size_t first = (size_t)((unsigned char *)start - extent.base) / RANGE_SPAN;
    unsigned char *end = (unsigned char *)start + spans * RANGE_SPAN;

    ASSERT(range_has_slots(start, spans * RANGE_SPAN) && more > 0);
    bool taken = lock_enter(&range_lock);
    bool fits =
        spans_take_at(&range_spans, first + spans, more) ||
        ((first + spans) * RANGE_SPAN == sync_get(&extent.bytes) &&
         range_grow(more) &&
         spans_take_at(&range_spans, first + spans, more));
    ASSERT(!fits || range_is_clear(end));
    size_t row = fits ? spans_set_row(&range_spans, first, 0) : 0;
    if (row != 0) {
        (void)spans_set_row(&range_spans, first, spans + more);
    }
    lock_leave(&range_lock, taken);
    if (fits) {
        /* LeakSanitizer forgets a region only as it was told of it. */
        tool_hide(start, spans * RANGE_SPAN);
        tool_show(start, (spans + more) * RANGE_SPAN);
        if (row == 0) {
            range_write_owner(end, more * RANGE_SPAN,
                              extent.owners[first * SPANS_SLOTS]);
        }
    }
    return fits;
}

/* The lock is left between two rows: the system takes its time. */
void range_trim(void)
{
    size_t count = 1;

    while (extent_bytes() != 0 && count > 0) {
        bool taken = lock_enter(&range_lock);
        size_t first = spans_clean(&range_spans, &count);
        if (first == SPANS_NONE) {
            count = 0;
        } else {
            /* Where the system refuses it, nobody can do anything. */
            (void)range_drop(first, count);
        }
        lock_leave(&range_lock, taken);
    }
}

/* The lock is held across fork(), so that the child does not find a bit set
 * without its bytes counted, by a thread that it does not have. */
void range_enter(void)
{
    lock_take(&range_lock);
}

void range_leave(void)
{
    lock_drop(&range_lock);
}
