/* SPDX-License-Identifier: MIT
 *
 * scope.c - marks: what a thread allocates since one goes at once.
 *
 * All marks of a pool are on one list, the newest first, so an owner's own
 * are in their order too.  Owners are told apart by numbers that are never
 * used again: a thread that ends need not look for the marks that it leaves
 * open, since nobody has its number; their objects stay until they are freed
 * or the pool is reset.
 *
 * A few structures are kept for the next marks, so that a mark in a loop
 * costs no memory to be got and given back.
 */
#include "pool/mark.h"

#include <errno.h>

#include "cache/handle.h"
#include "store/blocks.h"
#include "pool/tree.h"

/* Granules of a mark's first block where that is not in the range. */
#define SCOPE_FIRST 64u

/* Structures kept for use. */
#define SCOPE_SPARE 4u

static unsigned long scope_numbers; /* atomic; marks made so far */

struct scope *scope_search(const struct memory_pool *mp,
                           const struct mp_handle *handle)
{
    uint64_t owner = handle != NULL ? handle->number : thread_number();
    struct scope *scope = mp->scopes;

    while (scope != NULL && scope->owner != owner) {
        scope = scope->next;
    }
    return scope;
}

/* Memory for a mark, laid out; no lock held. */
static struct scope *scope_place(struct memory_pool *mp)
{
    struct scope *scope;
    unsigned char *slot = range_has(mp) ? range_take_slot() : NULL;

    if (slot != NULL) {
        scope = (struct scope *)(void *)slot;
        range_own(slot, RANGE_SLOT, mp);
        range_rename(slot, RANGE_SLOT, mp, true);
        supply_lay_range_block(&scope->first, slot + sizeof *scope,
                               slot + RANGE_SLOT);
        scope->bytes = RANGE_SLOT;
        return scope;
    }
    size_t bytes = supply_layout(sizeof *scope, SCOPE_FIRST);
    scope = mp->backing.acquire(mp->backing.context, bytes, BLOCK_GRANULE);
    if (scope != NULL) {
        supply_lay_block(&scope->first, (unsigned char *)(scope + 1),
                         SCOPE_FIRST);
        scope->bytes = bytes;
    }
    return scope;
}

static void scope_release(struct memory_pool *mp, struct scope *scope)
{
    int error = errno; /* whatever the backing does to it */

    while (scope != NULL) {
        struct scope *next = scope->next;
        if (range_has(scope)) {
            range_give_slot(scope);
        } else {
            mp->backing.release(mp->backing.context, scope, scope->bytes);
        }
        scope = next;
    }
    errno = error;
}

void scope_release_all(struct memory_pool *mp)
{
    scope_release(mp, mp->spare_scopes);
}

/* The same out of the pool's own blocks, where its backing has no more, as a
 * buffer has not; the lock is held. */
static struct scope *scope_carve(struct memory_pool *mp)
{
    size_t bytes = supply_layout(sizeof(struct scope), SCOPE_FIRST);
    struct scope *scope = supply_carve(mp, bytes);

    if (scope != NULL) {
        supply_lay_block(&scope->first, (unsigned char *)(scope + 1),
                         SCOPE_FIRST);
        scope->bytes = bytes;
    }
    return scope;
}

/* A structure that is not in use, from the spare ones or new; the lock, held
 * on entry and on return, may be left meanwhile. */
static struct scope *scope_take(struct memory_pool *mp, bool *taken)
{
    struct scope *scope = mp->spare_scopes;

    if (scope == NULL) {
        int error = errno; /* the pool's own blocks may serve */
        lock_leave(&mp->lock, *taken);
        scope = scope_place(mp);
        errno = error;
        *taken = pool_enter_lock(mp);
        if (scope == NULL) {
            scope = scope_carve(mp);
        }
        return scope;
    }
    mp->spare_scopes = scope->next;
    mp->spare_scope_count--;
    return scope;
}

uint64_t scope_mark(struct memory_pool *mp, struct mp_handle *handle)
{
    struct cache *cache = NULL;
    uint64_t owner;

    if (handle != NULL) {
        owner = handle->number;
        cache = &handle->cache;
    } else {
        if (thread_self() == NULL) {
            errno = ENOMEM;
            return 0;
        }
        owner = thread_number();
        if (mp->kind == POOL_CACHED && !sync_get(&mp->uncached)) {
            cache = cache_own(mp);
            if (cache == NULL && !sync_get(&mp->uncached)) {
                /* One made later would not know of the mark. */
                errno = ENOMEM;
                return 0;
            }
        }
    }
    bool taken = pool_enter_lock(mp);
    struct scope *scope = scope_take(mp, &taken);
    if (scope == NULL) {
        lock_leave(&mp->lock, taken);
        errno = ENOMEM;
        return 0;
    }
    if (!range_has(scope)) { /* where caches do not reach */
        supply_give_up_caches(mp);
    }
    uint64_t number = sync_add(&scope_numbers, 1) + 1;
    scope->owner = owner;
    scope->number = number;
    scope->cache = mp->uncached ? NULL : cache;
    heap_start(&scope->heap, &scope->first,
               (mp->flags & MP_ZERO_ON_FREE) != 0, mp->bounded);
    scope->first.bytes = 0;
    /* Nobody else touches the cache: its owner is here. */
    if (scope->cache != NULL) {
        cache_close(scope->cache, mp);
        scope->cache->scope = scope;
    }
    scope->next = mp->scopes;
    mp->scopes = scope;
    pool_set_short(mp);
    lock_leave(&mp->lock, taken);
    return number;
}

/* Drops what is in a mark that is off the list. */
static void scope_drop(struct memory_pool *mp, struct scope *scope)
{
    struct block *block = heap_reset(&scope->heap);

    while (block != NULL) {
        struct block *next = block->next;
        supply_keep(mp, block);
        block = next;
    }
    heap_finish(&scope->heap);
    if (supply_give_carved(mp, scope)) {
        return;
    }
    scope->next = mp->spare_scopes;
    mp->spare_scopes = scope;
    mp->spare_scope_count++;
}

/* Structures beyond those that are kept. */
static struct scope *scope_surplus(struct memory_pool *mp)
{
    struct scope *surplus = NULL;

    while (mp->spare_scope_count > SCOPE_SPARE) {
        struct scope *scope = mp->spare_scopes;
        mp->spare_scopes = scope->next;
        mp->spare_scope_count--;
        scope->next = surplus;
        surplus = scope;
    }
    return surplus;
}

bool scope_rewind(struct memory_pool *mp, struct mp_handle *handle,
                  uint64_t number)
{
    bool taken = pool_enter_lock(mp);
    struct scope *scope = scope_current(mp, handle);
    uint64_t owner = scope == NULL ? 0 : scope->owner;
    struct cache *cache = scope == NULL ? NULL : scope->cache;
    size_t yielded = 0;

    while (scope != NULL &&
           (scope->owner != owner || scope->number != number)) {
        scope = scope->next;
    }
    if (scope == NULL) {
        lock_leave(&mp->lock, taken);
        return false;
    }
    for (struct scope **link = &mp->scopes; scope != NULL;) {
        struct scope *each = *link;
        if (each->owner != owner) {
            link = &each->next;
            continue;
        }
        *link = each->next;
        scope = each == scope ? NULL : scope;
        mp->freed += heap_count_live(&each->heap);
        yielded += each->heap.held;
        scope_drop(mp, each);
    }
    mp->room += yielded;
    if (cache != NULL && !mp->uncached) {
        cache->fast.cut = cache->fast.end = NULL;
        cache->scope = scope_current(mp, handle);
        if (cache->scope == NULL) {
            cache_open(cache);
        }
    }
    pool_set_short(mp);
    struct scope *surplus = scope_surplus(mp);
    pool_leave(mp, taken);
    scope_release(mp, surplus);
    if (mp->bounded) {
        tree_uncharge(mp, yielded);
    }
    return true;
}

void scope_drop_all(struct memory_pool *mp)
{
    while (mp->scopes != NULL) {
        struct scope *scope = mp->scopes;
        mp->scopes = scope->next;
        scope_drop(mp, scope);
    }
    pool_set_short(mp);
}
