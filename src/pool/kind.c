/* SPDX-License-Identifier: MIT
 *
 * kind.c - what kind of pool a pool is, and why.
 *
 * One table has the kind and the words of each reason.  So the kind that a
 * program asks for and the one that it reads in a report cannot differ.
 *
 * What it cannot do: find a reason.  options.c and life.c do.
 */
#include "pool/kind.h"

#include "pool/pool.h"

#define KIND_CACHED_ROW(words) {MP_KIND_CACHED, "cached: " words}
#define KIND_COUNTED_ROW(words) {MP_KIND_COUNTED, "counted: " words}
#define KIND_LOCKED_ROW(words) {MP_KIND_LOCKED, "locked: " words}
#define KIND_TRACKED_ROW(words) {MP_KIND_TRACKED, "tracked: " words}

static const struct {
    mp_kind_t kind;
    const char *text;
} kind_rows[] = {
    [KIND_DEFAULT] = KIND_CACHED_ROW("no option asks for another kind"),
    [KIND_CAPACITY] = KIND_COUNTED_ROW("the pool has a capacity"),
    [KIND_ZERO] = KIND_COUNTED_ROW("MP_ZERO_ON_FREE was asked for"),
    [KIND_ABOVE] = KIND_COUNTED_ROW("a pool above has a capacity"),
    [KIND_SHORT] = KIND_COUNTED_ROW("max_object is below 1024"),
    [KIND_WAS_ABOVE] = KIND_COUNTED_ROW("a pool above had a capacity"),
    [KIND_LOCKED] =
        KIND_LOCKED_ROW("MP_THREADS_LOCKED was asked for, as a base pool does"),
    [KIND_BACKING] = KIND_COUNTED_ROW("the pool has a backing"),
    [KIND_BUFFER] = KIND_COUNTED_ROW("the pool has a buffer"),
    [KIND_NO_RANGE] =
        KIND_COUNTED_ROW("the system has no range of addresses for pools"),
    [KIND_NO_SLOT] = KIND_COUNTED_ROW(
        "the range of addresses could not grow for the pool"),
    [KIND_OUTSIDE] = KIND_LOCKED_ROW(
        "the range of addresses could not grow, so the caches were given up"),
    [KIND_NO_CACHE] = KIND_LOCKED_ROW(
        "there was no memory for a cache, so all were given up"),
    [KIND_FLAGS] = KIND_TRACKED_ROW("a flag for debugging was asked for"),
    [KIND_OPTIONS] = KIND_TRACKED_ROW("MEMPOOL_OPTIONS asks for it"),
    [KIND_CHECKER] = KIND_TRACKED_ROW("a checker watches the program"),
    [KIND_NO_POOL] = {MP_KIND_NONE, "none: there is no pool"},
};

static const char *const kind_words[] = {
    [MP_KIND_NONE] = "none",       [MP_KIND_CACHED] = "cached",
    [MP_KIND_COUNTED] = "counted", [MP_KIND_LOCKED] = "locked",
    [MP_KIND_TRACKED] = "tracked",
};

void kind_renew(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    enum kind_why why = sync_get(&mp->settings.why);
    bool is_short = !mp->settings.max_is_capacity &&
                    sync_get(&mp->settings.max_object) <
                        SIZES_SHORT * SIZES_GRANULE;

    if (why != KIND_ABOVE && why != KIND_SHORT && why != KIND_WAS_ABOVE) {
        return;
    }
    why = mp->quota.above != NULL ? KIND_ABOVE
          : is_short              ? KIND_SHORT
                                  : KIND_WAS_ABOVE;
    sync_put(&mp->settings.why, why);
}

/* Relaxed: a caller that reads an old answer has asked a moment earlier. */
enum kind_why kind_why_of(const struct memory_pool *mp)
{
    enum kind_why why = sync_get(&mp->settings.why);
    mp_kind_t kind = kind_of(why);
    bool caches = kind == MP_KIND_CACHED || kind == MP_KIND_COUNTED;

    if (!caches || !sync_get(&mp->caches.retired)) {
        return why;
    }
    return mp->blocks.ranged ? KIND_OUTSIDE : KIND_NO_CACHE;
}

mp_kind_t kind_of(enum kind_why why)
{
    ASSERT((size_t)why < sizeof kind_rows / sizeof kind_rows[0]);
    ASSERT(kind_rows[why].text != NULL);
    return kind_rows[why].kind;
}

const char *kind_text(enum kind_why why)
{
    ASSERT((size_t)why < sizeof kind_rows / sizeof kind_rows[0]);
    return kind_rows[why].text;
}

const char *kind_word(mp_kind_t kind)
{
    ASSERT((size_t)kind < sizeof kind_words / sizeof kind_words[0]);
    return kind_words[kind];
}
