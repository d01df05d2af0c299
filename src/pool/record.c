/* SPDX-License-Identifier: MIT
 *
 * record.c - a table of records by the pieces that their objects start in.
 *
 * The key of a piece is its number times a constant, and the highest bits of
 * the key are the number of a bucket.  So the buckets in their order have keys
 * in their order, however many buckets there are.  The order of the table is
 * that of keys, and in a piece that of addresses.
 *
 *     key(record) >> shift == number of its bucket
 *     count == records in all buckets
 *
 * What it cannot do: keep the buckets short for addresses that an attacker
 * chooses.  malloc() chooses them, and pieces that lie side by side are spread
 * evenly.
 */
#include "pool/record.h"

#include "base/assert.h"

/* In a bucket, the record that the address lies in; NULL: none. */
static struct record *record_of(struct record *record, uintptr_t address)
{
    while (record != NULL &&
           address - record_address(record) >= record->size) {
        record = record->chain;
    }
    return record;
}

struct record *record_search(const struct record_table *table,
                             uintptr_t address)
{
    struct record *found = NULL;
    uintptr_t pieces = (table->longest >> RECORD_PIECE) + 2;

    if (table->count == 0) {
        return NULL;
    }
    if (pieces > table->room) {
        for (size_t i = 0; i < table->room && found == NULL; i++) {
            found = record_of(table->buckets[i], address);
        }
        return found;
    }
    uintptr_t start = address;
    do {
        found = record_of(*record_bucket(table, record_key(start)), address);
        start -= (uintptr_t)1 << RECORD_PIECE;
    } while (found == NULL && --pieces > 0);
    return found;
}

/* The first is before the second in the order of the table. */
static bool record_is_before(uintptr_t address, uintptr_t other)
{
    uint64_t key = record_key(address);
    uint64_t other_key = record_key(other);

    return key != other_key ? key < other_key : address < other;
}

struct record *record_next(const struct record_table *table,
                           uintptr_t address)
{
    struct record *found = NULL;
    size_t i = 0;

    if (table->count > 0) {
        /* An address of 0 has the least key, and is no object's. */
        i = (size_t)(record_key(address) >> table->shift);
    }
    for (; i < table->room && found == NULL; i++) {
        struct record *record = table->buckets[i];
        for (; record != NULL; record = record->chain) {
            uintptr_t own = record_address(record);
            if (record_is_before(address, own) &&
                (found == NULL ||
                 record_is_before(own, record_address(found)))) {
                found = record;
            }
        }
    }
    return found;
}

struct record **record_widen(struct record_table *table,
                             struct record **buckets, size_t room)
{
    struct record **was = table->buckets;
    size_t had = table->room;
    unsigned bits = 0;

    ASSERT(buckets != NULL && room > 1 && (room & (room - 1)) == 0);
    while ((size_t)1 << bits < room) {
        bits++;
    }
    table->buckets = buckets;
    table->room = room;
    table->shift = 64 - bits;
    for (size_t i = 0; i < had; i++) {
        while (was[i] != NULL) {
            struct record *record = was[i];
            was[i] = record->chain;
            table->count--;
            record_insert(table, record);
        }
    }
    return was;
}

bool record_is_sound(const struct record_table *table, size_t *count,
                     size_t *bytes)
{
    size_t all = 0;

    *count = 0;
    *bytes = 0;
    for (size_t i = 0; i < table->room; i++) {
        const struct record *record = table->buckets[i];
        for (; record != NULL; record = record->chain) {
            if (record_key(record_address(record)) >> table->shift != i ||
                record->size > record->bytes ||
                record->bytes > table->longest || all == table->count) {
                return false;
            }
            all++;
            if (!record->freed) {
                ++*count;
                *bytes += record->size;
            }
        }
    }
    return all == table->count;
}
