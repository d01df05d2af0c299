/* SPDX-License-Identifier: MIT
 *
 * man_mp_set_failure.c - the example of mp_set_failure(3).
 *
 * A store of records in a pool with a limit gives up what is oldest.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 100

/* Records that can be read again when they are needed. */
struct records {
    void *record[COUNT];
    size_t kept;
};

/* Gives the oldest record up, so that a new one has room. */
static bool give_up_oldest(memory_pool_t *mp, size_t size, int error,
                           void *context)
{
    struct records *records = context;

    (void)size;
    (void)error;
    if (records->kept == 0) {
        return false;
    }
    mp_free(mp, records->record[0]);
    records->kept--;
    memmove(records->record, records->record + 1,
            records->kept * sizeof records->record[0]);
    return true;
}

int main(void)
{
    const mp_options_t options = {.capacity = 10000};
    memory_pool_t *mp = mp_create(&options);
    struct records records = {.kept = 0};

    if (mp == NULL || mp_set_failure(mp, give_up_oldest, &records) != 0) {
        return EXIT_FAILURE;
    }
    for (int i = 0; i < COUNT; i++) {
        void *record = mp_allocate(mp, 1000);
        if (record == NULL) {
            return EXIT_FAILURE;
        }
        records.record[records.kept++] = record;
    }
    bool right = records.kept == 10;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
