/* SPDX-License-Identifier: MIT
 *
 * spans.c - which spans of the range are free, and which are cut into slots.
 *
 * The tree is an array: the children of node n are 2n and 2n + 1, and the
 * leaf of word w is node words + w.  A node is made of its children alone, so
 * a change of some words is carried up level by level.
 *
 * Invariants:
 *
 *     dirty_count == bits of dirty
 *     dirty & ~free == 0
 *     nodes[n] == what spans_join() makes of its children
 *     cuts[s].free != 0  =>  span s is taken, and on the list
 *     starts & free == 0
 *     cuts[s].row != 0   =>  the bit of span s in starts is set
 *
 * What it cannot do: take a row of spans that is not together.
 */
#include "store/spans.h"

#include <string.h>

#include "base/assert.h"

#define SPANS_WORD 64u

size_t spans_bytes(size_t words)
{
    ASSERT(words > 0);
    return words * (3 * sizeof(uint64_t) + 2 * sizeof(struct spans_node) +
                    SPANS_WORD * sizeof(struct spans_cut));
}

/* A word's free spans in a row. */
static struct spans_node spans_leaf(uint64_t word)
{
    struct spans_node leaf = {SPANS_WORD, SPANS_WORD, 0};

    if (word != UINT64_MAX) {
        leaf.first = (uint32_t)__builtin_ctzll(~word);
        leaf.last = (uint32_t)__builtin_clzll(~word);
    }
    /* Each turn takes one off each row. */
    for (; word != 0; word &= word >> 1) {
        leaf.most++;
    }
    return leaf;
}

/* Two neighbours, each over so many spans. */
static struct spans_node spans_join(const struct spans_node *left,
                                    const struct spans_node *right,
                                    uint32_t spans)
{
    struct spans_node node = {left->first, right->last,
                              left->last + right->first};

    if (left->first == spans) {
        node.first += right->first;
    }
    if (right->last == spans) {
        node.last += left->last;
    }
    if (left->most > node.most) {
        node.most = left->most;
    }
    if (right->most > node.most) {
        node.most = right->most;
    }
    return node;
}

/* Makes the nodes above some words anew. */
static void spans_carry(struct spans *spans, size_t first, size_t last)
{
    uint32_t size = SPANS_WORD;

    ASSERT(first <= last && last < spans->words);
    for (size_t word = first; word <= last; word++) {
        spans->nodes[spans->words + word] = spans_leaf(spans->free[word]);
    }
    first += spans->words;
    last += spans->words;
    while (first > 1) {
        first /= 2;
        last /= 2;
        for (size_t n = first; n <= last; n++) {
            const struct spans_node *left = &spans->nodes[2 * n];
            spans->nodes[n] = spans_join(left, left + 1, size);
        }
        size *= 2;
    }
}

void spans_move(struct spans *spans, void *memory, size_t words)
{
    struct spans to = *spans;

    ASSERT(words > spans->words && (words & (words - 1)) == 0);
    ASSERT((uintptr_t)memory % sizeof(uint64_t) == 0);
    to.words = words;
    to.free = memory;
    to.dirty = to.free + words;
    to.starts = to.dirty + words;
    to.nodes = (struct spans_node *)(void *)(to.starts + words);
    to.cuts = (struct spans_cut *)(void *)(to.nodes + 2 * words);
    if (spans->words > 0) {
        memcpy(to.free, spans->free, spans->words * sizeof *to.free);
        memcpy(to.dirty, spans->dirty, spans->words * sizeof *to.dirty);
        memcpy(to.starts, spans->starts, spans->words * sizeof *to.starts);
        memcpy(to.cuts, spans->cuts,
               spans->words * SPANS_WORD * sizeof *to.cuts);
    }
    spans_carry(&to, 0, words - 1);
    *spans = to;
    ASSERT(spans_is_sound(spans));
}

/* The bits of a word that belong to a row of spans. */
static uint64_t spans_mask(size_t word, size_t first, size_t end)
{
    size_t start = word * SPANS_WORD;
    uint64_t mask = UINT64_MAX;

    ASSERT(first < start + SPANS_WORD && end > start);
    if (first > start) {
        mask <<= first - start;
    }
    if (end < start + SPANS_WORD) {
        mask &= UINT64_MAX >> (start + SPANS_WORD - end);
    }
    return mask;
}

/* The first row of that many; SPANS_NONE: there is none. */
static size_t spans_find(const struct spans *spans, size_t count)
{
    size_t start = 0;
    size_t size = spans->words * SPANS_WORD;
    size_t node = 1;

    if (spans->words == 0 || spans->nodes[1].most < count) {
        return SPANS_NONE;
    }
    while (node < spans->words) {
        const struct spans_node *left = &spans->nodes[2 * node];
        const struct spans_node *right = left + 1;
        size /= 2;
        node *= 2;
        if (left->most >= count) {
            continue;
        }
        start += size;
        if (left->last + right->first >= count) {
            return start - left->last;
        }
        node++;
    }
    /* A bit stays set where a row of count starts. */
    uint64_t word = spans->free[start / SPANS_WORD];
    ASSERT(count <= SPANS_WORD);
    for (size_t i = 1; i < count; i++) {
        word &= word >> 1;
    }
    ASSERT(word != 0);
    return start + (size_t)__builtin_ctzll(word);
}

/* A row of free spans is taken now. */
static void spans_mark_taken(struct spans *spans, size_t first, size_t count)
{
    size_t last_word = (first + count - 1) / SPANS_WORD;

    for (size_t w = first / SPANS_WORD; w <= last_word; w++) {
        uint64_t mask = spans_mask(w, first, first + count);
        ASSERT((spans->free[w] & mask) == mask);
        spans->free[w] &= ~mask;
        spans->dirty_count -=
            (size_t)__builtin_popcountll(spans->dirty[w] & mask);
        spans->dirty[w] &= ~mask;
    }
    spans_carry(spans, first / SPANS_WORD, last_word);
}

size_t spans_take(struct spans *spans, size_t count)
{
    ASSERT(count > 0);
    size_t first = spans_find(spans, count);

    if (first == SPANS_NONE) {
        return SPANS_NONE;
    }
    spans_mark_taken(spans, first, count);
    spans->starts[first / SPANS_WORD] |= (uint64_t)1 << first % SPANS_WORD;
    return first;
}

bool spans_take_at(struct spans *spans, size_t first, size_t count)
{
    size_t end = first + count;

    ASSERT(count > 0);
    if (end > spans->words * SPANS_WORD) {
        return false;
    }
    for (size_t w = first / SPANS_WORD; w <= (end - 1) / SPANS_WORD; w++) {
        uint64_t mask = spans_mask(w, first, end);
        if ((spans->free[w] & mask) != mask) {
            return false;
        }
    }
    spans_mark_taken(spans, first, count);
    return true;
}

static bool spans_is_dirty(const struct spans *spans, size_t span)
{
    return (spans->dirty[span / SPANS_WORD] >> (span % SPANS_WORD) & 1) != 0;
}

size_t spans_clean(struct spans *spans, size_t *count)
{
    size_t word = 0;

    while (word < spans->words && spans->dirty[word] == 0) {
        word++;
    }
    if (word == spans->words) {
        return SPANS_NONE;
    }
    size_t first =
        word * SPANS_WORD + (size_t)__builtin_ctzll(spans->dirty[word]);
    size_t end = first;
    while (end < spans->words * SPANS_WORD && spans_is_dirty(spans, end)) {
        spans->dirty[end / SPANS_WORD] &= ~((uint64_t)1 << end % SPANS_WORD);
        end++;
    }
    *count = end - first;
    spans->dirty_count -= *count;
    return first;
}

void spans_give(struct spans *spans, size_t first, size_t count, bool dirty)
{
    ASSERT(count > 0 && count <= spans->words * SPANS_WORD - first);
    size_t last_word = (first + count - 1) / SPANS_WORD;

    /* Only the first of what was taken together may name a row, and it goes
     * last. */
    spans->cuts[first].row = 0;
    for (size_t w = first / SPANS_WORD; w <= last_word; w++) {
        uint64_t mask = spans_mask(w, first, first + count);
        ASSERT((spans->free[w] & mask) == 0);
        spans->free[w] |= mask;
        spans->starts[w] &= ~mask;
        if (dirty) {
            spans->dirty[w] |= mask;
        }
    }
    spans->dirty_count += dirty ? count : 0;
    spans_carry(spans, first / SPANS_WORD, last_word);
}

size_t spans_set_row(struct spans *spans, size_t first, size_t count)
{
    ASSERT((spans->starts[first / SPANS_WORD] >> first % SPANS_WORD & 1) != 0);
    ASSERT(count <= spans->words * SPANS_WORD - first);
    size_t before = spans->cuts[first].row;

    spans->cuts[first].row = (uint32_t)count;
    return before;
}

size_t spans_row(const struct spans *spans, size_t span)
{
    size_t word = span / SPANS_WORD;

    /* The range may be longer: where there was no memory for the tables, what
     * was mapped last is never used. */
    if (word >= spans->words) {
        return SPANS_NONE;
    }
    uint64_t mask = UINT64_MAX >> (SPANS_WORD - 1 - span % SPANS_WORD);
    uint64_t starts = spans->starts[word] & mask;

    while (starts == 0 && word > 0) {
        starts = spans->starts[--word];
    }
    if (starts == 0) {
        return SPANS_NONE;
    }
    size_t first = word * SPANS_WORD + SPANS_WORD - 1 -
                   (size_t)__builtin_clzll(starts);
    return span - first < spans->cuts[first].row ? first : SPANS_NONE;
}

/* Puts a span in front of those with a free slot, or takes it off. */
static void spans_link(struct spans *spans, size_t span)
{
    struct spans_cut *cut = &spans->cuts[span];
    uint32_t name = (uint32_t)span + 1;

    cut->from = 0;
    cut->next = spans->cut;
    if (spans->cut != 0) {
        spans->cuts[spans->cut - 1].from = name;
    }
    spans->cut = name;
}

static void spans_unlink(struct spans *spans, size_t span)
{
    struct spans_cut *cut = &spans->cuts[span];

    if (cut->next != 0) {
        spans->cuts[cut->next - 1].from = cut->from;
    }
    if (cut->from != 0) {
        spans->cuts[cut->from - 1].next = cut->next;
    } else {
        ASSERT(spans->cut == (uint32_t)span + 1);
        spans->cut = cut->next;
    }
    cut->next = cut->from = 0;
}

/* A whole span is cut at once.  So small pools, which come and go often, lie
 * close together, and their owners' names share lines. */
size_t spans_take_slot(struct spans *spans)
{
    if (spans->cut == 0) {
        size_t span = spans_take(spans, 1);
        if (span == SPANS_NONE) {
            return SPANS_NONE;
        }
        ASSERT(spans->cuts[span].free == 0);
        spans->cuts[span].free = UINT32_MAX;
        spans_link(spans, span);
    }
    size_t span = spans->cut - 1;
    struct spans_cut *cut = &spans->cuts[span];
    ASSERT(cut->free != 0);
    size_t slot = span * SPANS_SLOTS + (size_t)__builtin_ctz(cut->free);
    cut->free &= cut->free - 1;
    if (cut->free == 0) {
        spans_unlink(spans, span);
    }
    return slot;
}

size_t spans_give_slot(struct spans *spans, size_t slot)
{
    size_t span = slot / SPANS_SLOTS;
    struct spans_cut *cut = &spans->cuts[span];
    uint32_t bit = (uint32_t)1 << slot % SPANS_SLOTS;

    ASSERT(span < spans->words * SPANS_WORD);
    ASSERT((cut->free & bit) == 0); /* it is not given back twice */
    if (cut->free == 0) {
        spans_link(spans, span);
    }
    cut->free |= bit;
    if (cut->free != UINT32_MAX || (cut->next == 0 && cut->from == 0)) {
        return SPANS_NONE;
    }
    spans_unlink(spans, span);
    cut->free = 0;
    return span;
}

bool spans_is_sound(const struct spans *spans)
{
    size_t dirty = 0;
    uint32_t size = SPANS_WORD;

    for (size_t w = 0; w < spans->words; w++) {
        struct spans_node leaf = spans_leaf(spans->free[w]);
        if (memcmp(&leaf, &spans->nodes[spans->words + w], sizeof leaf) != 0 ||
            (spans->dirty[w] & ~spans->free[w]) != 0 ||
            (spans->starts[w] & spans->free[w]) != 0) {
            return false;
        }
        dirty += (size_t)__builtin_popcountll(spans->dirty[w]);
    }
    for (size_t level = spans->words / 2; level > 0; level /= 2) {
        for (size_t n = level; n < 2 * level; n++) {
            const struct spans_node *left = &spans->nodes[2 * n];
            struct spans_node node = spans_join(left, left + 1, size);
            if (memcmp(&node, &spans->nodes[n], sizeof node) != 0) {
                return false;
            }
        }
        size *= 2;
    }
    return dirty == spans->dirty_count;
}
