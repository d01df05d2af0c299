/* SPDX-License-Identifier: MIT
 *
 * options.c - what a caller asks of a pool, checked and completed.
 *
 * A program's mp_options_t is shorter than the library's if the program was
 * built with an earlier release.  Then the other members are zero, the default.
 * It is longer if the program was built with a later release.  Then the members
 * that the library does not know must be zero, since it could not do what they
 * ask for.
 *
 * What completing means: a backing where the pool is not to lie in the range,
 * and the threads that it is really going to have.  A pool has caches unless it
 * is asked to have none.
 *
 * What it cannot do: see whether a parent is a pool at all.
 */
#include "api/options.h"

#include <string.h>

#include "pool/setting.h"
#include "store/backing.h"
#include "store/range.h"

/* Bytes behind the library's own structure are members of a later release. */
static bool options_has_more(const mp_options_t *given, size_t size)
{
    ASSERT(given != NULL);
    const unsigned char *bytes = (const unsigned char *)given;

    /* Byte by byte: this release does not know where a member begins. */
    for (size_t i = sizeof *given; i < size; i++) {
        if (bytes[i] != 0) {
            return true;
        }
    }
    return false;
}

/* A member that is invalid, alone or together with others; NULL: none is. */
static const char *options_invalid(const mp_options_t *options)
{
    ASSERT(options != NULL);
    /* An object larger than the capacity could never be had, so the two
     * options contradict each other. */
    if (options->capacity != 0 && options->max_object > options->capacity) {
        return "max_object";
    }
    /* Unsigned: a program may have put any number there, a negative one too. */
    if ((unsigned)options->threads > MP_THREADS_NONE) {
        return "threads";
    }
    /* A flag of a later release asks for what this one does not do. */
    if ((options->flags & ~(unsigned)SETTING_FLAGS) != 0) {
        return "flags";
    }
    /* Half of a backing would crash only as the first block is given back. */
    if (options->backing != NULL && (options->backing->acquire == NULL ||
                                     options->backing->release == NULL)) {
        return "backing";
    }
    /* The context is for the function.  Alone it means that the program forgot
     * the function, and would never get a report. */
    if (options->report == NULL && options->report_context != NULL) {
        return "report_context";
    }
    return NULL;
}

/* Makes flags of the words that the program gave; false: one is invalid.  The
 * numbers stay in the words, for track_make(). */
static bool options_take_words(mp_options_t *options)
{
    unsigned flags = 0;

    if (options->debug != NULL &&
        !setting_read_words(options->debug, &flags)) {
        return false;
    }
    options->flags |= flags;
    if ((options->flags & MP_LEAKS) != 0) {
        options->flags |= MP_LEAK_CHECK;
    }
    return true;
}

/* Why the pool has no caches, or lies outside of the range, by options that are
 * not completed yet but for their flags, of which the program gave some;
 * KIND_DEFAULT: it has caches, and lies in the range. */
static enum kind_why options_why(const mp_options_t *options, unsigned given)
{
    if ((given & SETTING_TRACKED) != 0) {
        return KIND_FLAGS;
    }
    if ((options->flags & SETTING_TRACKED) != 0) {
        return setting_get()->checked ? KIND_CHECKER : KIND_OPTIONS;
    }
    if (options->threads == MP_THREADS_LOCKED) {
        return KIND_LOCKED;
    }
    if (options->backing != NULL) {
        return backing_buffer_room(options->backing) > 0 ? KIND_BUFFER
                                                         : KIND_BACKING;
    }
    return range_start() ? KIND_DEFAULT : KIND_NO_RANGE;
}

const char *options_complete(const mp_options_t *given, size_t size,
                             mp_options_t *options, enum kind_why *why)
{
    ASSERT(options != NULL && given != options && why != NULL);
    ASSERT(lock_none_is_held());
    /* Zero is the default of every member, so a shorter structure is completed
     * by what is not copied over. */
    memset(options, 0, sizeof *options);
    if (given != NULL) {
        /* First, so that a report function is known to whom a member that is
         * invalid is told. */
        memcpy(options, given,
               size < sizeof *options ? size : sizeof *options);
        if (options_has_more(given, size)) {
            return "a later release's member";
        }
    }
    /* The program's own numbers are tested, before defaults are put in their
     * place, so that a report names what the program wrote. */
    const char *invalid = options_invalid(options);
    if (invalid != NULL) {
        return invalid;
    }
    ASSERT((unsigned)options->threads <= MP_THREADS_NONE);
    if (!options_take_words(options)) {
        return "debug";
    }
    unsigned flags = options->flags;
    if (!setting_is_none()) {
        options->flags |= setting_flags(options->name);
    }
    *why = options_why(options, flags);
    /* A pool that one thread uses at a time is no worse with caches than it
     * would be without. */
    mp_kind_t kind = kind_of(*why);
    options->threads = kind == MP_KIND_CACHED || kind == MP_KIND_COUNTED
                           ? MP_THREADS_CACHED
                           : MP_THREADS_LOCKED;
    if (*why != KIND_DEFAULT && options->backing == NULL) {
        options->backing = &backing_malloc;
    }
    ASSERT(options->threads == MP_THREADS_CACHED || options->backing != NULL);
    ASSERT(options->capacity == 0 ||
           options->max_object <= options->capacity);
    return NULL;
}
