/* SPDX-License-Identifier: MIT
 *
 * wordfreq_index.h - wordfreq's table of words and their counts.
 *
 * A hash table whose buckets and entries are objects of a pool, or of
 * malloc() where there is none.  Several tables may share a pool, each with
 * a thread of its own; a table itself serves one thread at a time.
 */
#ifndef WORDFREQ_INDEX_H
#define WORDFREQ_INDEX_H

#include <memory_pool.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word's count: its place is found by hash, and it stays for good. */
struct wordfreq_count {
    struct wordfreq_count *next; /* of the same bucket */
    uintmax_t count;
    size_t length;
    char text[];
};

struct wordfreq_index {
    memory_pool_t *pool; /* NULL: malloc() */
    struct wordfreq_count **buckets;
    size_t size; /* of buckets: a power of two */
    size_t used; /* different words */
};

static bool wordfreq_index_no_memory(void)
{
    fprintf(stderr, "wordfreq: %s\n", strerror(ENOMEM));
    return false;
}

static void *wordfreq_index_allocate(const struct wordfreq_index *index,
                                     size_t size)
{
    return index->pool != NULL ? mp_allocate(index->pool, size)
                               : malloc(size);
}

static void wordfreq_index_free(const struct wordfreq_index *index,
                                void *object)
{
    if (index->pool == NULL) {
        free(object);
    } else if (object != NULL) {
        free_memory(index->pool, object);
    }
}

/* FNV-1a: short, and good enough for words. */
static size_t wordfreq_index_hash(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return (size_t)(hash ^ hash >> 32);
}

static bool wordfreq_index_grow(struct wordfreq_index *index)
{
    size_t size = index->size == 0 ? 1024 : index->size * 2;
    struct wordfreq_count **buckets =
        index->pool != NULL ? mp_calloc(index->pool, size, sizeof *buckets)
                            : calloc(size, sizeof *buckets);

    if (buckets == NULL) {
        return wordfreq_index_no_memory();
    }
    for (size_t i = 0; i < index->size; i++) {
        struct wordfreq_count *entry = index->buckets[i];
        while (entry != NULL) {
            struct wordfreq_count *next = entry->next;
            size_t at =
                wordfreq_index_hash(entry->text, entry->length) & (size - 1);
            entry->next = buckets[at];
            buckets[at] = entry;
            entry = next;
        }
    }
    wordfreq_index_free(index, index->buckets);
    index->buckets = buckets;
    index->size = size;
    return true;
}

/* The link to the word's entry, or to NULL where it belongs; NULL: no
 * memory. */
static struct wordfreq_count **wordfreq_index_find(
    struct wordfreq_index *index, const char *text, size_t length)
{
    if (index->used >= index->size && !wordfreq_index_grow(index)) {
        return NULL;
    }
    size_t at = wordfreq_index_hash(text, length) & (index->size - 1);
    struct wordfreq_count **link = &index->buckets[at];
    while (*link != NULL && ((*link)->length != length ||
                             memcmp((*link)->text, text, length) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

static bool wordfreq_index_add(struct wordfreq_index *index, const char *text,
                               size_t length)
{
    struct wordfreq_count **link = wordfreq_index_find(index, text, length);

    if (link == NULL) {
        return false;
    }
    if (*link == NULL) {
        struct wordfreq_count *entry =
            wordfreq_index_allocate(index, sizeof *entry + length + 1);
        if (entry == NULL) {
            return wordfreq_index_no_memory();
        }
        memcpy(entry->text, text, length);
        entry->text[length] = '\0';
        entry->length = length;
        entry->count = 0;
        entry->next = NULL;
        *link = entry;
        index->used++;
    }
    (*link)->count++;
    return true;
}

/* Moves all of another thread's entries into index. */
static bool wordfreq_index_join(struct wordfreq_index *index,
                                struct wordfreq_index *other)
{
    for (size_t i = 0; i < other->size; i++) {
        while (other->buckets[i] != NULL) {
            struct wordfreq_count *entry = other->buckets[i];
            struct wordfreq_count **link =
                wordfreq_index_find(index, entry->text, entry->length);
            if (link == NULL) {
                return false;
            }
            other->buckets[i] = entry->next;
            if (*link != NULL) {
                (*link)->count += entry->count;
                wordfreq_index_free(index, entry);
            } else {
                entry->next = NULL;
                *link = entry;
                index->used++;
            }
        }
    }
    return true;
}

/* Without a pool; with one, the pool's end is enough. */
static inline void wordfreq_index_drop(struct wordfreq_index *index)
{
    for (size_t i = 0; i < index->size; i++) {
        while (index->buckets[i] != NULL) {
            struct wordfreq_count *entry = index->buckets[i];
            index->buckets[i] = entry->next;
            free(entry);
        }
    }
    free(index->buckets);
}

/* The most frequent first, words of one count by their bytes. */
static inline int wordfreq_index_order(const void *left, const void *right)
{
    const struct wordfreq_count *a = *(struct wordfreq_count *const *)left;
    const struct wordfreq_count *b = *(struct wordfreq_count *const *)right;

    if (a->count != b->count) {
        return a->count < b->count ? 1 : -1;
    }
    return strcmp(a->text, b->text);
}

#endif /* WORDFREQ_INDEX_H */
