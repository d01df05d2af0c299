/* SPDX-License-Identifier: MIT
 *
 * record.c - a tree of records in the order of their addresses.
 *
 * It is a treap: each record has a weight that looks like chance and follows
 * from its address, and none below it is heavier.  So the tree has the shape
 * that it would have if the records had come in the order of their weights,
 * which is one of logarithmic depth, however they really came.
 *
 *     address(low) < address(record) < address(high)
 *     weight(record) >= weight of all records below it
 *
 * What it cannot do: stay shallow for addresses that an attacker chooses.
 * malloc() chooses them, and no order of calls alone makes the tree deep.
 */
#include "pool/record.h"

#include "base/assert.h"

/* The last step of murmur3's hash for 64 bits. */
static uint64_t record_weigh(const struct record *record)
{
    uint64_t weight = record->plot.hidden;

    weight = (weight ^ weight >> 33) * 0xff51afd7ed558ccdu;
    weight = (weight ^ weight >> 33) * 0xc4ceb9fe1a85ec53u;
    return weight ^ weight >> 33;
}

struct record *record_find(struct record *root, uintptr_t address)
{
    struct record *found = NULL;

    while (root != NULL) {
        if (record_address(root) <= address) {
            found = root;
            root = root->high;
        } else {
            root = root->low;
        }
    }
    return found;
}

struct record *record_find_next(struct record *root, uintptr_t address)
{
    struct record *found = NULL;

    while (root != NULL) {
        if (record_address(root) >= address) {
            found = root;
            root = root->low;
        } else {
            root = root->high;
        }
    }
    return found;
}

/* It goes where the first lighter record was, and that one's tree is split
 * between its two links. */
void record_insert(struct record **root, struct record *record)
{
    uintptr_t address = record_address(record);
    uint64_t weight = record_weigh(record);

    record->weight = weight;
    while (*root != NULL && (*root)->weight >= weight) {
        ASSERT(record_address(*root) != address);
        root = record_address(*root) < address ? &(*root)->high
                                               : &(*root)->low;
    }
    struct record *rest = *root;
    struct record **low = &record->low;
    struct record **high = &record->high;
    *root = record;
    while (rest != NULL) {
        ASSERT(record_address(rest) != address);
        if (record_address(rest) < address) {
            *low = rest;
            low = &rest->high;
            rest = rest->high;
        } else {
            *high = rest;
            high = &rest->low;
            rest = rest->low;
        }
    }
    *low = NULL;
    *high = NULL;
}

/* Its two trees become one in its place. */
void record_remove(struct record **root, struct record *record)
{
    uintptr_t address = record_address(record);

    while (*root != record) {
        ASSERT(*root != NULL); /* it is in the tree */
        root = record_address(*root) < address ? &(*root)->high
                                               : &(*root)->low;
    }
    struct record *low = record->low;
    struct record *high = record->high;
    while (low != NULL && high != NULL) {
        if (low->weight >= high->weight) {
            *root = low;
            root = &low->high;
            low = low->high;
        } else {
            *root = high;
            root = &high->low;
            high = high->low;
        }
    }
    *root = low != NULL ? low : high;
}

/* By addresses and not by links, so that it needs no stack. */
bool record_is_sound(const struct record *root, size_t *count, size_t *bytes)
{
    uintptr_t next = 0;
    const struct record *record;

    *count = 0;
    *bytes = 0;
    while ((record = record_find_next((struct record *)(uintptr_t)root,
                                      next)) != NULL) {
        if ((record->low != NULL &&
             (record_address(record->low) >= record_address(record) ||
              record->low->weight > record->weight)) ||
            (record->high != NULL &&
             (record_address(record->high) <= record_address(record) ||
              record->high->weight > record->weight))) {
            return false;
        }
        if (!record->freed) {
            ++*count;
            *bytes += record->size;
        }
        next = record_address(record) + record->size;
    }
    return true;
}
