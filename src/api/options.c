/* SPDX-License-Identifier: MIT
 *
 * options.c - what a caller asks of a pool, checked and completed.
 *
 * A program's mp_options_t may be shorter than the library's, when it was
 * built against an earlier release: the rest is then zero, the default.  Or
 * longer: then what the library does not know must be zero, so that nothing
 * is promised and not kept.
 *
 * What completing means: a backing where the default is not the range, and
 * the threads that the pool is really going to have.  A thread's cache counts
 * no capacity, knows no smaller largest object than its own, reaches only
 * into the range and does not look at freed memory; a pool that asks for any
 * of those, or is below a pool with a capacity, is locked instead, which does
 * the same, only slower with many threads.
 */
#include "api/options.h"

#include <string.h>

#include "store/range.h"
#include "pool/tree.h"

static bool options_can_cache(const mp_options_t *options)
{
    return options->capacity == 0 && options->backing == NULL &&
           (options->flags & ~MP_LEAK_CHECK) == 0 &&
           (options->parent == NULL || !tree_is_bounding(options->parent)) &&
           (options->max_object == 0 ||
            options->max_object >= BLOCK_SHORT * BLOCK_GRANULE) &&
           range_start();
}

const char *options_complete(const mp_options_t *given, size_t size,
                             mp_options_t *options)
{
    memset(options, 0, sizeof *options);
    if (given != NULL) {
        const unsigned char *bytes = (const unsigned char *)given;
        memcpy(options, given, size < sizeof *options ? size
                                                      : sizeof *options);
        for (size_t i = sizeof *options; i < size; i++) {
            if (bytes[i] != 0) {
                return "a later release's member";
            }
        }
    }
    if (options->capacity != 0 && options->max_object > options->capacity) {
        return "max_object";
    }
    if ((unsigned)options->threads > MP_THREADS_NONE) {
        return "threads";
    }
    if ((options->flags & ~(MP_ZERO_ON_FREE | MP_LEAK_CHECK)) != 0) {
        return "flags";
    }
    if (options->backing != NULL && (options->backing->acquire == NULL ||
                                     options->backing->release == NULL)) {
        return "backing";
    }
    if (options->report == NULL && options->report_context != NULL) {
        return "report_context";
    }
    if (options->max_object == 0) {
        options->max_object = options->capacity;
    }
    if (options->threads == MP_THREADS_CACHED && !options_can_cache(options)) {
        options->threads = MP_THREADS_LOCKED;
    }
    if (options->threads != MP_THREADS_CACHED && options->backing == NULL) {
        options->backing = &mp_backing_malloc;
    }
    return NULL;
}
