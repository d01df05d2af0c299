/* SPDX-License-Identifier: MIT
 *
 * stress_scopes.h - marks, handles, trees of pools, strings and views, at
 * random.
 *
 * Part of stress.c.  An object that a rewind will free is never in the table: a
 * thread that takes an object out of there must be able to rely on it.  Of a
 * walk only the calls are checked, since other threads free what it visits.
 */
#ifndef STRESS_SCOPES_H
#define STRESS_SCOPES_H

#define STRESS_HANDLES 8

/* A handle, and a mark of it that the next to have it rewinds to. */
struct stress_handle {
    mp_handle_t *handle;
    memory_pool_t *mp;
    mp_mark_t mark; /* 0: none is open */
};
static _Atomic(struct stress_handle *) stress_handles[STRESS_HANDLES];
static atomic_long stress_cleanups; /* added and neither run nor removed */
static atomic_bool stress_stop; /* ends a round early */
/* /dev/null, opened once: the C library's own calls of malloc() are not held
 * back while the process forks, see inject.c. */
static FILE *stress_nowhere;
static char stress_nowhere_buffer[4096];

/* Forgets items, whose bytes are as they were. */
static void stress_forget(struct stress_item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        STRESS_EXPECT(items[i] == NULL ||
                      stress_holds(items[i]->at, items[i]->size,
                                   items[i]->tag));
        free(items[i]);
    }
}

/* Objects that stay as they were until a rewind takes them, while older ones
 * of anybody's are freed. */
static void stress_marked(uint64_t *state)
{
    memory_pool_t *mp = stress_pools[stress_below(state, STRESS_POOLS)];
    struct stress_item *items[60];
    mp_mark_t marks[2];

    for (size_t k = 0; k < 2; k++) {
        marks[k] = mp_mark(mp);
        STRESS_EXPECT(marks[k].number != 0);
        for (size_t i = 30 * k; i < 30 * k + 30; i++) {
            items[i] = stress_allocate(mp, state);
            stress_free(atomic_exchange(
                &stress_slots[stress_below(state, STRESS_SLOTS)], NULL));
            if (i % 4 == 3) {
                stress_free(items[i - 1]);
                items[i - 1] = NULL;
            }
        }
    }
    stress_forget(items + 30, 30);
    STRESS_EXPECT(stress_below(state, 2) == 0 || mp_rewind(mp, marks[1]) == 0);
    stress_forget(items, 30);
    STRESS_EXPECT(mp_rewind(mp, marks[0]) == 0);
    /* A reset may have used this one up. */
    marks[0] = mp_mark(stress_dropped);
    STRESS_EXPECT(marks[0].number != 0);
    STRESS_EXPECT(mp_allocate(stress_dropped, 100) != NULL);
    STRESS_EXPECT(mp_rewind(stress_dropped, marks[0]) == 0 ||
                  errno == EINVAL);
}

/* Takes the handle to its mark, if one is open. */
static void stress_handle_rewind(struct stress_handle *handle)
{
    if (handle->mark.number != 0) {
        STRESS_EXPECT(mp_handle_rewind(handle->handle, handle->mark) == 0);
        handle->mark.number = 0;
    }
}

static void stress_handle_end(struct stress_handle *handle)
{
    if (handle != NULL) {
        stress_handle_rewind(handle);
        mp_detach(handle->handle);
        free(handle);
    }
}

/* Works with a handle that some other thread had before. */
static void stress_wander(uint64_t *state)
{
    size_t slot = stress_below(state, STRESS_HANDLES);
    struct stress_handle *handle =
        atomic_exchange(&stress_handles[slot], NULL);

    if (handle == NULL) {
        handle = malloc(sizeof *handle);
        STRESS_EXPECT(handle != NULL);
        handle->mp = stress_pools[stress_below(state, STRESS_POOLS)];
        handle->handle = mp_attach(handle->mp);
        handle->mark.number = 0;
        STRESS_EXPECT(handle->handle != NULL);
    }
    for (size_t i = stress_below(state, 40); i > 0; i--) {
        size_t size = stress_size(state);
        unsigned char *at =
            size % 2 == 0 ? mp_handle_allocate(handle->handle, size)
                          : CALLED(mp_handle_allocate)(handle->handle, size);
        STRESS_EXPECT(at != NULL || errno == ENOBUFS);
        if (at != NULL) {
            memset(at, (int)i, size);
        }
        if (at != NULL &&
            (handle->mark.number == 0 || stress_below(state, 2) == 0)) {
            errno = 0;
            mp_handle_free(handle->handle, at);
            STRESS_EXPECT(errno == 0);
        }
    }
    stress_handle_rewind(handle);
    if (stress_below(state, 2) == 0) {
        handle->mark = mp_handle_mark(handle->handle);
        STRESS_EXPECT(handle->mark.number != 0);
    }
    if (stress_below(state, 8) == 0) {
        stress_handle_end(handle);
        handle = NULL;
    }
    stress_handle_end(atomic_exchange(&stress_handles[slot], handle));
}

static void stress_cleanup(void *argument)
{
    memory_pool_t *mp = argument;

    STRESS_EXPECT(mp_allocate(mp, 50) != NULL);
    atomic_fetch_sub(&stress_cleanups, 1);
}

static void stress_add_cleanup(memory_pool_t *mp)
{
    STRESS_EXPECT(mp_add_cleanup(mp, stress_cleanup, mp) == 0);
    atomic_fetch_add(&stress_cleanups, 1);
}

/* Puts pools below one, of all depths, with cleanups. */
static void stress_grow_tree(memory_pool_t *mp, uint64_t *state)
{
    for (size_t i = stress_below(state, 6); i > 0; i--) {
        mp_options_t options = {.parent = mp};
        memory_pool_t *child = mp_create(&options);
        STRESS_EXPECT(child != NULL && mp_allocate(child, 3000) != NULL);
        stress_add_cleanup(child);
        stress_add_cleanup(mp);
        if (stress_below(state, 4) == 0) {
            destroy_memory_pool(child);
        } else if (stress_below(state, 4) == 0) {
            STRESS_EXPECT(mp_remove_cleanup(mp, stress_cleanup, mp) == 0);
            atomic_fetch_sub(&stress_cleanups, 1);
        } else if (stress_below(state, 4) == 0) {
            free_all_memory(mp);
        } else {
            mp = child;
        }
    }
}

static int stress_visit(void *object, size_t size, void *argument)
{
    STRESS_EXPECT(object != NULL && size > 0);
    return ++*(unsigned long *)argument == 5000;
}

/* Looks at a pool in all the ways there are. */
static void stress_view(uint64_t *state)
{
    memory_pool_t *mp = stress_pools[stress_below(state, STRESS_POOLS)];
    unsigned long visited = 0;
    size_t live = 0;
    mp_stats_t stats;

    STRESS_EXPECT(mp_stats(mp, &stats) == 0);
    STRESS_EXPECT(stats.allocations - stats.frees == stats.live_objects);
    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        live += stats.class_live[i];
    }
    STRESS_EXPECT(live == stats.live_objects);
    STRESS_EXPECT(stats.peak_bytes >= stats.live_bytes);
    STRESS_EXPECT(mp_walk(mp, stress_visit, &visited) == (visited == 5000));
    if (stress_below(state, 8) == 0) {
        STRESS_EXPECT(mp_map(mp, stress_nowhere) == 0);
        STRESS_EXPECT(mp_stats_print(mp, stress_nowhere, MP_JSON) == 0);
    }
}

static void stress_strings(uint64_t *state)
{
    memory_pool_t *mp = stress_pools[stress_below(state, 2)];
    int number = (int)stress_below(state, 1000000);
    char *text = mp_asprintf(mp, "%d %s", number, "words");
    char *copy = text == NULL ? NULL : mp_strdup(mp, text);
    void *bytes = copy == NULL ? NULL : mp_memdup(mp, copy, strlen(copy));

    STRESS_EXPECT(bytes != NULL && atoi(text) == number);
    STRESS_EXPECT(strcmp(copy, text) == 0);
    STRESS_EXPECT(memcmp(bytes, text, strlen(text)) == 0);
    free_memory(mp, text);
    free_memory(mp, copy);
    free_memory(mp, bytes);
}

#endif /* STRESS_SCOPES_H */
