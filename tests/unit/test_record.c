/* SPDX-License-Identifier: MIT
 *
 * test_record.c - the table of a tracked pool's records.
 *
 * Objects of many lengths lie in a row, with gaps.  A byte for each granule
 * tells which of them has it, so that any address can be asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "../support.h"

#include "pool/record.h"

#define MANY 4000u
#define GRANULE 16u
#define START ((uintptr_t)0x70001230u)

static struct record many[MANY];
static struct record_table table;

/* Buckets for so many records. */
static void widen(size_t room)
{
    struct record **buckets = calloc(room, sizeof *buckets);

    ck_assert_ptr_nonnull(buckets);
    free(record_widen(&table, buckets, room));
}

/* Lengths up to longest, with a gap behind every third one; returns the end. */
static uintptr_t lay_out(size_t longest)
{
    uintptr_t at = START;

    memset(many, 0, sizeof many);
    for (unsigned i = 0; i < MANY; i++) {
        size_t size = 1 + (i * 2654435761u >> 8) % longest;
        many[i].hidden = ~at;
        many[i].size = size;
        many[i].bytes = size;
        at += (size + GRANULE - 1) / GRANULE * GRANULE +
              (i % 3 == 0 ? 5 * GRANULE : 0);
    }
    return at;
}

static void add_all(void)
{
    table = (struct record_table){.buckets = NULL};
    for (unsigned i = 0; i < MANY; i++) {
        if (table.count == table.room) {
            widen(table.room == 0 ? 64 : table.room * 2);
        }
        record_insert(&table, &many[i]);
    }
}

static void end(void)
{
    free(table.buckets);
    table = (struct record_table){.buckets = NULL};
}

static struct record *found(uintptr_t address)
{
    struct record **link = record_find(&table, address);

    return link == NULL ? NULL : *link;
}

START_TEST(a_table_without_buckets_has_nothing)
{
    size_t count;
    size_t bytes;

    table = (struct record_table){.buckets = NULL};
    ck_assert_ptr_null(found(START));
    ck_assert_ptr_null(record_search(&table, START));
    ck_assert_ptr_null(record_next(&table, 0));
    ck_assert(record_is_sound(&table, &count, &bytes));
    ck_assert_uint_eq(count, 0);
}
END_TEST

static const size_t lengths[] = {16, 200, 5000, 100000};

START_TEST(any_address_finds_its_object)
{
    lay_out(lengths[_i]);
    add_all();
    for (unsigned i = 0; i < MANY; i++) {
        uintptr_t at = record_address(&many[i]);
        size_t size = many[i].size;
        struct record *behind =
            i + 1 < MANY && record_address(&many[i + 1]) == at + size
                ? &many[i + 1]
                : NULL;
        ck_assert_ptr_eq(found(at), &many[i]);
        ck_assert_ptr_null(found(at + 1));
        ck_assert_ptr_eq(record_search(&table, at), &many[i]);
        ck_assert_ptr_eq(record_search(&table, at + size / 2), &many[i]);
        ck_assert_ptr_eq(record_search(&table, at + size - 1), &many[i]);
        ck_assert_ptr_eq(record_search(&table, at + size), behind);
    }
    ck_assert_ptr_null(record_search(&table, START - 1));
    ck_assert_ptr_null(record_search(&table, 0));
    ck_assert_ptr_null(record_search(&table, UINTPTR_MAX));
    end();
}
END_TEST

/* The table grows at half of the way. */
START_TEST(a_walk_meets_each_record_once)
{
    static unsigned met[MANY];
    struct record *record = NULL;
    unsigned steps = 0;

    lay_out(lengths[_i]);
    add_all();
    memset(met, 0, sizeof met);
    while ((record = record_next(
                &table, record == NULL ? 0 : record_address(record))) != NULL) {
        met[record - many]++;
        if (++steps == MANY / 2) {
            widen(table.room * 2);
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_uint_eq(met[i], 1);
    }
    end();
}
END_TEST

/* So is the record of an object that went during the walk. */
START_TEST(a_walk_goes_on_behind_what_is_gone)
{
    struct record *record;
    uintptr_t last = 0;
    unsigned steps = 0;

    lay_out(200);
    add_all();
    while ((record = record_next(&table, last)) != NULL) {
        last = record_address(record);
        record_remove(&table, record_link(&table, record));
        steps++;
    }
    ck_assert_uint_eq(steps, MANY);
    ck_assert_uint_eq(table.count, 0);
    end();
}
END_TEST

START_TEST(what_is_removed_is_not_found)
{
    size_t count;
    size_t bytes;

    lay_out(200);
    add_all();
    for (unsigned i = 0; i < MANY; i += 2) {
        record_remove(&table, record_link(&table, &many[i]));
    }
    ck_assert(record_is_sound(&table, &count, &bytes));
    ck_assert_uint_eq(count, MANY / 2);
    for (unsigned i = 0; i < MANY; i++) {
        uintptr_t at = record_address(&many[i]);
        ck_assert_ptr_eq(found(at), i % 2 == 0 ? NULL : &many[i]);
        ck_assert_ptr_eq(record_search(&table, at),
                         i % 2 == 0 ? NULL : &many[i]);
    }
    end();
}
END_TEST

/* What malloc() gives lies in rows, of which each length has one. */
START_TEST(no_bucket_is_long)
{
    size_t step = (size_t)GRANULE << _i;
    size_t longest = 0;

    memset(many, 0, sizeof many);
    for (unsigned i = 0; i < MANY; i++) {
        many[i].hidden = ~(START + i * step);
        many[i].size = GRANULE;
        many[i].bytes = GRANULE;
    }
    add_all();
    for (size_t i = 0; i < table.room; i++) {
        size_t length = 0;
        const struct record *record = table.buckets[i];
        for (; record != NULL; record = record->chain) {
            length++;
        }
        longest = length > longest ? length : longest;
    }
    ck_assert_uint_le(longest, 16);
    end();
}
END_TEST

START_TEST(a_damaged_table_is_seen)
{
    size_t count;
    size_t bytes;

    lay_out(200);
    add_all();
    table.count++;
    ck_assert(!record_is_sound(&table, &count, &bytes));
    table.count -= 2;
    ck_assert(!record_is_sound(&table, &count, &bytes));
    table.count++;
    many[7].hidden ^= 0x1000;
    ck_assert(!record_is_sound(&table, &count, &bytes));
    many[7].hidden ^= 0x1000;
    ck_assert(record_is_sound(&table, &count, &bytes));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *records = support_case(suite, "records");

    tcase_add_test(records, a_table_without_buckets_has_nothing);
    tcase_add_loop_test(records, any_address_finds_its_object, 0, 4);
    tcase_add_loop_test(records, a_walk_meets_each_record_once, 0, 4);
    tcase_add_test(records, a_walk_goes_on_behind_what_is_gone);
    tcase_add_test(records, what_is_removed_is_not_found);
    tcase_add_loop_test(records, no_bucket_is_long, 0, 12);
    tcase_add_test(records, a_damaged_table_is_seen);
    return support_run(suite);
}
