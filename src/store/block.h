/* SPDX-License-Identifier: MIT
 *
 * block.h - one block of memory, cut into chunks, and the map beside it.
 *
 * A block is a run of 16-byte granules with a byte per granule kept outside
 * of it.  The byte of a chunk's first granule says what the chunk is and how
 * long; so objects need no header, any address can be checked without
 * reading through it, and a block can be walked from its start.
 *
 * Map bytes:
 *
 *   0x00            not the start of a chunk
 *   0x10 | nibble   four bits of a long chunk's length, or of a live chunk's
 *                   slack: the bytes that were not asked for
 *   0x20            start of a long live chunk
 *   0x20 | nibble   start of a live chunk of one granule, and its slack, not 0
 *   0x3d            start of a long chunk that holds a mark's block
 *   0x3e            start of a long chunk that lies free in a thread's cache
 *   0x3f            start, and also end, of a long free chunk
 *   0x40 | n - 1    start, and also end, of a free chunk of n <= 64 granules
 *   0x80 | n - 1    start of a chunk that lies free in a thread's cache
 *   0xc0 | n - 1    start of a live chunk of n <= 64 granules
 *
 * A chunk of more than 64 granules is long: eight nibbles behind its start,
 * and for a free one eight before its end too, hold its length.  A free
 * chunk has its length at both ends so that the chunk behind it can find its
 * start.  Slack, where objects are counted to the byte, has one nibble behind
 * the start of a short chunk of several granules, and four behind the length
 * of a long one.  In a cache, a short chunk may keep the nibble of its last
 * object.  Every other byte is 0, so no old byte can be taken for the start of a
 * chunk.  The codes of free chunks are in a row, and so are those of
 * all that is free or cached, so that one compare tells them from all others.
 *
 * What it cannot do: find the chunk that an address inside of it belongs to
 * other than by walking, and hold more than 2^32 - 1 granules.
 *
 * Nothing here locks.  A block belongs to one heap, and the holder of the
 * pool's lock owns all of it, with one exception.  The first map byte of a live
 * chunk belongs to the user of the object, and that of a chunk in a cache to
 * the cache's user.  They may change it from live to cached and back at any
 * moment.  So single bytes are read and written as relaxed atomics.  Relaxed
 * suffices, since to all other threads both states mean "not free", and the
 * object's contents are handed over by other means.  Only when a chunk becomes
 * live is the byte written with release, see mp_inline_take().
 */
#ifndef MP_BLOCK_H
#define MP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/list.h"
#include "base/sync.h"
#include "base/treap.h"
#include "store/sizes.h"

enum {
    BLOCK_NONE = 0x00,
    BLOCK_NIBBLE = 0x10,
    BLOCK_LONG_LIVE = 0x20,
    BLOCK_ONE = 0x20, /* and more */
    BLOCK_LONG_LENT = 0x3d,
    BLOCK_LONG_CACHED = 0x3e,
    BLOCK_LONG_FREE = 0x3f,
    BLOCK_FREE = 0x40,
    BLOCK_CACHED = 0x80,
    BLOCK_LIVE = 0xc0,
    BLOCK_LENGTH_BITS = 0x3f
};

struct heap;

/* The pool's lock owns all of it, but bytes of the map as said above. */
struct block {
    unsigned char *base;  /* granule 0, aligned to SIZES_GRANULE */
    unsigned char *map;   /* a byte per granule; one more at each end is 0 */
    uint32_t granules;
    bool longs : 1;       /* for long chunks, where its heap parts them */
    bool lent : 1;        /* it lies in a chunk of another heap */
    bool apart : 1;       /* it is a mark's, or was: no cache takes what is
                           * freed in it */
    bool dirty : 1;       /* a reset has not cleared its map.  The function that
                           * releases the block does */
    bool fresh : 1;       /* of a live chunk that has the block to itself: it
                           * was all 0 when it was handed out */
    bool row : 1;         /* a row of the range, of whose slots the first alone
                           * may have the right name */
    union {
        size_t bytes;        /* got from the source; 0: part of a pool or a
                              * mark */
        struct heap *lender; /* of a lent one: whose chunk it lies in */
    };
    struct heap *heap; /* whose it is; stale in the stock */
    union {
        struct block *next;    /* of the stock */
        struct treap_node own; /* in its heap's index */
    };
    struct treap_node shared; /* in the index of all of its heap's and others,
                               * where the heap has such */
};

/* The eight nibbles of a length are one word for the processor.  They are
 * written and read as a whole: the holder of a long chunk or of the lock owns
 * them, and others look at the chunk's first byte alone. */
static inline void block_put_length(unsigned char *at, uint32_t length)
{
    uint64_t word = length;

    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    word |= UINT64_C(0x0101010101010101) * BLOCK_NIBBLE;
    memcpy(at, &word, sizeof word);
}

static inline void block_clear_length(unsigned char *at)
{
    memset(at, BLOCK_NONE, 8);
}

static inline uint32_t block_get_length(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    word &= UINT64_C(0x0f0f0f0f0f0f0f0f);
    word = (word | word >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(word | word >> 16);
}

static inline bool block_starts_live(unsigned char code)
{
    return code >= BLOCK_LIVE || (code & 0xf0) == BLOCK_LONG_LIVE;
}

static inline bool block_is_cached(unsigned char code)
{
    return (code & 0xc0) == BLOCK_CACHED || code == BLOCK_LONG_CACHED;
}

/* Of a chunk whose length stands behind its start. */
static inline bool block_is_long(unsigned char code)
{
    return code == BLOCK_LONG_LIVE ||
           (code >= BLOCK_LONG_LENT && code <= BLOCK_LONG_FREE);
}

static inline bool block_is_free(unsigned char code)
{
    return code >= BLOCK_LONG_FREE && code < BLOCK_CACHED;
}

/* A live chunk of one granule, with slack. */
static inline bool block_is_one(unsigned char code)
{
    return code > BLOCK_ONE && code <= (BLOCK_ONE | 0xf);
}

/* True: a long free chunk starts there, and does not end. */
static inline bool block_starts_long_free(const struct block *block,
                                          uint32_t i)
{
    return sync_get(&block->map[i]) == BLOCK_LONG_FREE &&
           (block->map[i + 1] & 0xf0) == BLOCK_NIBBLE;
}

/* Length of the chunk that starts where the map has that byte. */
static inline uint32_t block_length_at(const unsigned char *at)
{
    unsigned char code = sync_get(at);

    if ((code & 0xc0) != 0) {
        return (code & BLOCK_LENGTH_BITS) + 1u;
    }
    return block_is_one(code) ? 1 : block_get_length(at + 1);
}

/* Length of the chunk that starts at granule i, live or free. */
static inline uint32_t block_length(const struct block *block, uint32_t i)
{
    return block_length_at(block->map + i);
}

/* Notes the bytes of a live chunk that were not asked for: less than 16 of a
 * short one, less than 2^16 of a long one. */
static inline void block_put_slack_at(unsigned char *at, size_t length,
                                      size_t slack)
{
    ASSERT(slack < (length <= SIZES_SHORT ? SIZES_GRANULE : (size_t)1 << 16));
    if (length == 1) {
        /* Release as for any byte by which a chunk becomes live. */
        sync_put_release(at, (unsigned char)(slack == 0 ? BLOCK_LIVE
                                                        : BLOCK_ONE | slack));
    } else if (length <= SIZES_SHORT) {
        sync_put(at + 1, (unsigned char)(BLOCK_NIBBLE | slack));
    } else {
        /* Four nibbles, as those of a length are eight. */
        uint32_t word = (uint32_t)slack;
        word = (word | word << 8) & UINT32_C(0x00ff00ff);
        word = (word | word << 4) & UINT32_C(0x0f0f0f0f);
        word |= UINT32_C(0x01010101) * BLOCK_NIBBLE;
        memcpy(at + 9, &word, sizeof word);
    }
}

/* 0 where none was noted. */
static inline size_t block_get_slack_at(const unsigned char *at,
                                        size_t length)
{
    if (length == 1) {
        return sync_get(at) & 0xfu; /* of BLOCK_LIVE it is 0 */
    }
    if (length <= SIZES_SHORT) {
        return sync_get(at + 1) & 0xfu;
    }
    uint32_t word;
    memcpy(&word, at + 9, sizeof word);
    word &= UINT32_C(0x0f0f0f0f);
    word = (word | word >> 4) & UINT32_C(0x00ff00ff);
    return (word | word >> 8) & UINT32_C(0xffff);
}

/* Takes the slack of a chunk off the map whose first byte says that it is not
 * live. */
static inline void block_clear_slack_at(unsigned char *at, size_t length)
{
    if (length > SIZES_SHORT) {
        memset(at + 9, BLOCK_NONE, 4);
    } else if (length > 1) {
        sync_put(at + 1, BLOCK_NONE);
    }
}

/* The same for a live chunk of a block. */
static inline size_t block_get_slack(const struct block *block, uint32_t i)
{
    return block_get_slack_at(block->map + i, block_length(block, i));
}

static inline void block_put_slack(struct block *block, uint32_t i,
                                   size_t slack)
{
    block_put_slack_at(block->map + i, block_length(block, i), slack);
}

/* Length of the free chunk that ends just before granule i; 0: none does. */
static inline uint32_t block_free_before(const struct block *block, uint32_t i)
{
    const unsigned char *last = block->map + i - 1;
    unsigned char code = sync_get(last);

    if (!block_is_free(code)) {
        return 0;
    }
    if (code == BLOCK_LONG_FREE) {
        return block_get_length(last - 8);
    }
    return (code & BLOCK_LENGTH_BITS) + 1u;
}

static inline void block_mark_live(struct block *block, uint32_t i,
                                   uint32_t length)
{
    if (length <= SIZES_SHORT) {
        sync_put_release(&block->map[i],
                         (unsigned char)(BLOCK_LIVE | (length - 1)));
    } else {
        sync_put(&block->map[i], BLOCK_LONG_LIVE);
        block_put_length(block->map + i + 1, length);
    }
}

/* Takes the mark of a live or cached chunk away; its bytes of the map are 0
 * again. */
static inline void block_clear_live(struct block *block, uint32_t i,
                                    uint32_t length)
{
    unsigned char *at = block->map + i;

    sync_put(at, BLOCK_NONE);
    if (length > SIZES_SHORT) {
        memset(at + 1, BLOCK_NONE, 12); /* its length and its slack */
    } else if (length > 1) {
        sync_put(at + 1, BLOCK_NONE);
    }
}

static inline void block_mark_free(struct block *block, uint32_t i,
                                   uint32_t length)
{
    unsigned char *first = block->map + i;
    unsigned char *last = first + length - 1;

    if (length <= SIZES_SHORT) {
        unsigned char code = (unsigned char)(BLOCK_FREE | (length - 1));
        sync_put(first, code);
        sync_put(last, code);
    } else {
        sync_put(first, BLOCK_LONG_FREE);
        sync_put(last, BLOCK_LONG_FREE);
        block_put_length(first + 1, length);
        block_put_length(last - 8, length);
    }
}

static inline void block_clear_free(struct block *block, uint32_t i,
                                    uint32_t length)
{
    unsigned char *first = block->map + i;
    unsigned char *last = first + length - 1;

    sync_put(first, BLOCK_NONE);
    sync_put(last, BLOCK_NONE);
    if (length > SIZES_SHORT) {
        block_clear_length(first + 1);
        block_clear_length(last - 8);
    }
}

/* Granule at an address, counted from base; at least 2^28 (on 64 bits 2^60)
 * where ptr is before base or between granules.  Reads nothing. */
static inline uintptr_t block_granule_at(const unsigned char *base,
                                         const void *ptr)
{
    uintptr_t offset = (uintptr_t)ptr - (uintptr_t)base;

    return offset >> 4 | offset << (sizeof offset * 8 - 4);
}

/* Sixteen bytes at once, for compilers that have such types; they make plain
 * code of it where the processor has not.  clang takes these for AltiVec's own
 * types on PowerPC, where a comparison gives another type. */
#if (defined(__GNUC__) || defined(__clang__)) && \
    !(defined(__clang__) && defined(__ALTIVEC__))
#define BLOCK_SIXTEEN
typedef unsigned char block_sixteen __attribute__((__vector_size__(16)));

/* Live chunks that start in n granules, a multiple of 16 and no more than
 * 255 times that: each byte counts its own column. */
static inline size_t block_count_columns(const unsigned char *map, size_t n)
{
    block_sixteen columns = {0};
    uint64_t halves[2];

    for (size_t i = 0; i < n; i += sizeof columns) {
        block_sixteen codes;
        memcpy(&codes, map + i, sizeof codes);
        /* A comparison that holds gives a byte of ones, which is -1. */
        columns -= (block_sixteen)((codes >= BLOCK_LIVE) |
                                   ((codes & 0xf0) == BLOCK_LONG_LIVE));
    }
    memcpy(halves, &columns, sizeof halves);
    /* Pairs of bytes are added to four sums of 16 bits, and the product has the
     * sum of these in its upper bits. */
    uint64_t sums = 0;
    for (size_t i = 0; i < 2; i++) {
        sums += (halves[i] & UINT64_C(0x00ff00ff00ff00ff)) +
                (halves[i] >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    }
    return (size_t)(sums * UINT64_C(0x0001000100010001) >> 48);
}
#endif

/* Clears the map of a block of which so many granules were used.  All of that
 * of a single long object would be a sixteenth of the object's memory, which
 * may never have been touched. */
static inline void block_clear(struct block *block, size_t used)
{
    if (used > SIZES_SHORT && block->map[0] == BLOCK_LONG_LIVE &&
        block_length(block, 0) == used) {
        block_clear_live(block, 0, (uint32_t)used);
    } else {
        memset(block->map, 0, used);
    }
}

/* Live chunks that start in n granules whose map is that. */
static inline size_t block_count_live_at(const unsigned char *map, size_t n)
{
    size_t live = 0;
    size_t i = 0;

#ifdef BLOCK_SIXTEEN
    while (n - i >= sizeof(block_sixteen)) {
        size_t most = 255 * sizeof(block_sixteen);
        size_t part = (n - i < most ? n - i : most) /
                      sizeof(block_sixteen) * sizeof(block_sixteen);
        live += block_count_columns(map + i, part);
        i += part;
    }
    if (i < n) {
        unsigned char last[sizeof(block_sixteen)] = {BLOCK_NONE};
        memcpy(last, map + i, n - i);
        return live + block_count_columns(last, sizeof last);
    }
#endif
    for (; i < n; i++) {
        live += block_starts_live(map[i]);
    }
    return live;
}

/* The same in the first n granules of a block. */
static inline size_t block_count_live(const struct block *block, size_t n)
{
    return block_count_live_at(block->map, n);
}

static inline bool block_find(const struct block *block, const void *ptr,
                              uint32_t *granule)
{
    uintptr_t i = block_granule_at(block->base, ptr);

    *granule = (uint32_t)i;
    return i < block->granules;
}

static inline void *block_address(const struct block *block, uint32_t i)
{
    return block->base + (size_t)i * SIZES_GRANULE;
}

#endif /* MP_BLOCK_H */
