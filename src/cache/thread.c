/* SPDX-License-Identifier: MIT
 *
 * thread.c - what the library knows of a thread, and all pools by thread.
 *
 * A key's destructor tells that a thread ends.  The hook then empties the
 * thread's caches into their pools, and the pools that it made go to a list of
 * orphans.  Key destructors that run later may still use pools: the thread is
 * then one without a cache, for good, so that nothing is made that nobody
 * would undo.
 *
 * What it cannot do: notice the end of a thread where no key is to be had,
 * since the process has used them all.  Such threads go without a cache.  Nor
 * can it see that a thread which comes here for the first time does so in the
 * last round of key destructors, after which our own is not run any more: no
 * system tells.  Two things narrow that down.  Our key has a high number, see
 * thread_make_key(), so that our destructor is run after those of most keys in
 * the same round.  And a thread that gets the memory of one that is gone, or
 * its pthread_t, ends it, see thread_end_stale().
 *
 * Invariants, under the lock of the list:
 *
 *     a thread is registered == its struct thread has state != NULL
 *     state != NULL          => state->own == that struct thread, while the
 *                               thread runs
 *     a place is in t->made  == its maker is t, under the lock of t
 */
#include "cache/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Keys that have a place in each thread from its start in glibc; others cost
 * each thread another piece of memory. */
#define THREAD_KEYS 32u

_Static_assert(sizeof(struct mp_inline_thread) <= 64,
               "a thread's state is more than a line of thread-local storage");

MP_INNER_OBJECT const struct mp_inline_cache thread_no_cache = {
    .pool = MP_INLINE_NO_POOL,
    .fenced = MP_INLINE_NO_POOL,
    .exact = MP_INLINE_NO_POOL,
    .exact_fenced = MP_INLINE_NO_POOL};

#define THREAD_STATE {.cache = (struct mp_inline_cache *)&thread_no_cache}

#if THREAD_KEEPS_STATE
/* Without ELF nobody looks into it.  Where the compiler emulates thread-local
 * variables they have no alias, so compiled-in code finds a cache that is
 * enabled for no pool, and calls: finding the variable is a call there, too. */
__thread struct mp_inline_thread mp_inline_thread_1 = THREAD_STATE;
__thread struct mp_inline_thread mp_inline_thread_2 = THREAD_STATE;
#else
/* The model stands here, too: gcc forgets that of the declaration where the
 * variable has another name. */
MP_INNER_OBJECT __thread struct mp_inline_thread thread_state MP_INLINE_TLS =
    THREAD_STATE;
/* The exported names are others for it, so that a second copy of the
 * library in the process keeps to its own, whatever the linker binds. */
extern __thread struct mp_inline_thread mp_inline_thread_1
    __attribute__((__alias__("thread_state")));
extern __thread struct mp_inline_thread mp_inline_thread_2
    __attribute__((__alias__("thread_state")));
#endif

MP_INNER_OBJECT struct lock thread_attachments = LOCK_INIT(LOCK_ATTACHMENTS);

static struct lock thread_lock = LOCK_INIT(LOCK_THREADS); /* owns the list and
                                                           * the key */
static struct thread thread_orphans = { /* pools whose makers have ended */
    .lock = LOCK_INIT(LOCK_ORPHANS)};
static struct thread *thread_list = &thread_orphans; /* which is its last */
static struct thread thread_ended; /* own of a thread after its destructor */
static const struct user thread_nobody; /* a thread without a struct thread */
static void (*thread_ends)(struct thread *thread); /* atomic; set once */
static pthread_key_t thread_key; /* written before thread_key_made */
static bool thread_key_made;     /* atomic */

void thread_tell_locks(void)
{
    ASSERT(thread_list == &thread_orphans);
    lock_tell(&thread_attachments);
    lock_tell(&thread_lock);
    lock_tell(&thread_orphans.lock);
}

void thread_set_end(void (*ends)(struct thread *thread))
{
    ASSERT(ends != NULL);
    ASSERT(sync_get(&thread_ends) == NULL || sync_get(&thread_ends) == ends);
    /* Relaxed: a function is there all the time. */
    sync_put(&thread_ends, ends);
}

#if THREAD_KEEPS_STATE

/* The state of a thread that is not registered, or has ended. */
static __thread struct mp_inline_thread thread_homeless = THREAD_STATE;
/* Leads to the calling thread's state; NULL: it has to be looked for, because
 * the thread never came here, or because this variable was made anew after the
 * memory of the first was freed. */
static __thread struct mp_inline_thread *thread_found_state;

static MP_SLOW struct mp_inline_thread *thread_look_for_state(void)
{
    struct thread *thread = NULL;

    /* Acquire pairs with the release in thread_make_key(). */
    if (sync_get_acquire(&thread_key_made)) {
        thread = pthread_getspecific(thread_key);
    }
    if (thread == &thread_ended) {
        thread_homeless.own = thread;
    }
    thread_found_state = thread == NULL || thread == &thread_ended
                             ? &thread_homeless
                             : &thread->home;
    return thread_found_state;
}

struct mp_inline_thread *thread_find_state(void)
{
    struct mp_inline_thread *state = thread_found_state;

    return MP_LIKELY(state != NULL) ? state : thread_look_for_state();
}

bool thread_is_own(const struct mp_inline_thread *state)
{
    return state == &thread_state || state == &thread_homeless;
}

/* The caller uses the state in that struct thread from now on. */
static void thread_move_in(struct thread *thread)
{
    thread->home = (struct mp_inline_thread)THREAD_STATE;
    thread->state = &thread->home;
    thread->id = pthread_self();
    thread_found_state = thread->state;
}

/* The record has what only one thread that runs can have, and the caller has
 * that now.  The list's lock is held. */
static bool thread_is_caller(const struct thread *thread)
{
    return thread->state != NULL && pthread_equal(thread->id, pthread_self());
}

/* The caller is back at a state of its own.  One that has ended is known by
 * its key from then on: thread_end() comes in each round of destructors. */
static void thread_move_out(struct thread *own)
{
    thread_homeless.own = own;
    thread_found_state = &thread_homeless;
    (void)pthread_setspecific(thread_key, own);
}

/* In the key's destructor, for which the system has cleared the key.  The
 * variables may be new ones.  False: the thread ended in a round before. */
static bool thread_comes_home(struct thread *thread)
{
    if (thread == &thread_ended) {
        thread_move_out(thread);
        return false;
    }
    thread_found_state = &thread->home;
    return true;
}

#else

static void thread_move_in(struct thread *thread)
{
    thread->state = &thread_state;
}

static bool thread_is_caller(const struct thread *thread)
{
    return thread->state == &thread_state;
}

static void thread_move_out(struct thread *own)
{
    thread_state.own = own;
}

static bool thread_comes_home(const struct thread *thread)
{
    (void)thread;
    return true;
}

#endif

/* Puts a place on a thread's list; its lock is held. */
static void thread_push(struct thread *thread, struct thread_place *place)
{
    ASSERT(lock_is_held(&thread->lock));
    list_push(&thread->made, &place->link);
    /* Release pairs with the acquire in thread_delist(): a thread that reads
     * the maker finds the pool on its list. */
    sync_put_release(&place->maker, thread);
}

/* The pools that a thread made are nobody's from now on, but for those that it
 * kept; its lock and that of the orphans are held.  Nothing is kept but where
 * fork() left the thread behind: else the hook has destroyed those pools. */
static void thread_orphan(struct thread *thread)
{
    struct list_link *link = thread->made.first;

    ASSERT(thread != &thread_orphans);
    ASSERT(lock_is_held(&thread->lock) && lock_is_held(&thread_orphans.lock));
    while (link != NULL) {
        struct list_link *next = link->next;
        struct thread_place *place =
            LIST_ENTRY(link, struct thread_place, link);
        if (!sync_get(&place->kept)) {
            list_remove(link);
            thread_push(&thread_orphans, place);
        }
        link = next;
    }
}

/* What is left to do once the hook has ended the thread's caches.  The struct
 * thread may be used again from the moment that its state is NULL, so that
 * comes last. */
static void thread_retire(struct thread *thread)
{
    bool taken = lock_enter(&thread->lock);
    bool orphans_taken = lock_enter(&thread_orphans.lock);

    thread_orphan(thread);
    ASSERT(thread->made.first == NULL);
    lock_leave(&thread_orphans.lock, orphans_taken);
    lock_leave(&thread->lock, taken);

    taken = lock_enter(&thread_lock);
    ASSERT(thread->state != NULL);
    thread->state = NULL;
    lock_leave(&thread_lock, taken);
}

/* The key's destructor. */
static void thread_end(void *argument)
{
    struct thread *thread = argument;

    ASSERT(lock_none_is_held());
    if (!thread_comes_home(thread)) {
        return;
    }
    ASSERT(thread == thread_state.own && thread->state == &thread_state);
    sync_get(&thread_ends)(thread);
    /* Before the pools are orphans: nothing below may register the thread
     * again, whose key's destructor may not be run another time. */
    thread_move_out(&thread_ended);
    thread_retire(thread);
}

/* Two threads that run have no memory in common, and no pthread_t.  So a struct
 * thread with those of the calling thread, which is not registered, is that of
 * a thread that is gone and was never told to have ended.  The thread that got
 * its memory ends it now.  The pthread_t decides where no thread gets that
 * memory, since a struct thread holds the state.  A system that numbers its
 * threads and gives no number twice leaves such a thread unnoticed there. */
static void thread_end_stale(void)
{
    bool taken = lock_enter(&thread_lock);
    struct thread *thread = thread_list;

    ASSERT(thread_state.own == NULL);
    while (thread != NULL && !thread_is_caller(thread)) {
        thread = thread->next;
    }
    /* The record stays as it is without the lock: no other thread passes for
     * the one that is gone, and none uses a record that has a state. */
    lock_leave(&thread_lock, taken);
    if (thread != NULL) {
        sync_get(&thread_ends)(thread);
        thread_retire(thread);
    }
}

uint64_t thread_new_number(void)
{
    static uint64_t numbers; /* atomic */

    return lock_next_number(&numbers);
}

/* Gets a key; false: the process has used them all.  The list's lock is held.
 *
 * Systems run the destructors of a round in the order of the keys' numbers, and
 * glibc gives a new key the lowest number that is free.  A destructor may be
 * the first in its thread to use a pool, in the last round; ours is still run
 * if its key's number is higher.  So this function makes keys until it has the
 * highest number that costs threads nothing, and deletes all the others. */
static bool thread_make_key(void)
{
    pthread_key_t keys[THREAD_KEYS];
    unsigned made = 0;

    ASSERT(lock_is_held(&thread_lock) && !sync_get(&thread_key_made));
    while (made < THREAD_KEYS &&
           pthread_key_create(&keys[made], thread_end) == 0) {
        made++;
        /* As numbers, which keys are in all systems where this helps. */
        if ((uintptr_t)keys[made - 1] >= THREAD_KEYS - 1) {
            break;
        }
    }
    if (made == 0) {
        return false;
    }
    thread_key = keys[--made];
    while (made > 0) {
        pthread_key_delete(keys[--made]);
    }
    sync_put_release(&thread_key_made, true);
    return true;
}

/* A struct thread that is not in use, on the list; NULL: there is none.  The
 * list's lock is held. */
static struct thread *thread_find_free(void)
{
    struct thread *thread = thread_list;

    ASSERT(lock_is_held(&thread_lock));
    while (thread != NULL &&
           (thread == &thread_orphans || thread->state != NULL)) {
        thread = thread->next;
    }
    /* Its caches left their pools as the thread before ended. */
    ASSERT(thread == NULL || thread->attached.first == NULL);
    return thread;
}

/* The caller has a struct thread from now on.  The list's lock is held. */
static void thread_occupy(struct thread *thread)
{
    ASSERT(lock_is_held(&thread_lock));
    ASSERT(thread->state == NULL && thread_state.own == NULL);
    thread_move_in(thread);
    thread->user.number = thread_new_number();
    /* What the thread before found is freed, or another one's. */
    memset(thread->found, 0, sizeof thread->found);
    thread_state.own = thread;
}

/* A new one for the caller.  calloc() may be the program's own: so no lock is
 * held, and it may have registered the caller. */
static void thread_add(void)
{
    ASSERT(lock_none_is_held());
    struct thread *thread = calloc(1, sizeof *thread);

    if (thread == NULL || thread_state.own != NULL) {
        free(thread);
        return;
    }
    lock_start(&thread->lock, LOCK_THREAD);
    bool taken = lock_enter(&thread_lock);
    thread->next = thread_list;
    thread_list = thread;
    thread_occupy(thread);
    lock_leave(&thread_lock, taken);
}

/* Registers the caller, where there is memory and a key. */
static void thread_register(void)
{
    ASSERT(sync_get(&thread_ends) != NULL);
    bool taken = lock_enter(&thread_lock);
    bool key = sync_get(&thread_key_made) || thread_make_key();
    struct thread *thread = key ? thread_find_free() : NULL;

    if (thread != NULL) {
        thread_occupy(thread);
    }
    lock_leave(&thread_lock, taken);
    if (key && thread == NULL) {
        thread_add();
    }
    thread = thread_state.own;
    /* That may need memory, too.  Without it nobody would tell of the thread's
     * end, so it ends for the library now. */
    if (thread != NULL && pthread_setspecific(thread_key, thread) != 0) {
        sync_get(&thread_ends)(thread);
        thread_move_out(NULL);
        thread_retire(thread);
    }
}

struct thread *thread_self_slow(void)
{
    int error = errno; /* the caller does without, and may succeed */

    ASSERT(lock_none_is_held());
    ASSERT(thread_state.own == NULL);
    thread_end_stale();
    thread_register();
    errno = error;
    return thread_state.own;
}

struct thread *thread_known(void)
{
    struct thread *thread = thread_state.own;

    return thread == &thread_ended ? NULL : thread;
}

const struct user *thread_user(void)
{
    const struct thread *thread = thread_state.own;

    /* That of thread_ended has the number 0, too. */
    ASSERT(thread_ended.user.number == 0);
    return thread == NULL ? &thread_nobody : &thread->user;
}

void thread_enlist(struct thread *thread, struct thread_place *place)
{
    ASSERT(sync_get(&place->maker) == NULL && !list_has(&place->link));
    if (thread == NULL) {
        thread = &thread_orphans;
    }
    bool taken = lock_enter(&thread->lock);
    thread_push(thread, place);
    lock_leave(&thread->lock, taken);
}

void thread_delist(struct thread_place *place)
{
    for (;;) {
        /* Acquire pairs with the release in thread_push(). */
        struct thread *thread = sync_get_acquire(&place->maker);
        ASSERT(thread != NULL);
        bool taken = lock_enter(&thread->lock);
        /* The maker may have ended meanwhile, and the place be an orphan's;
         * under the lock of the list that it is on it stays there. */
        bool found = sync_get(&place->maker) == thread;
        if (found) {
            list_remove(&place->link);
            sync_put(&place->maker, (struct thread *)NULL);
        }
        lock_leave(&thread->lock, taken);
        if (found) {
            return;
        }
    }
}

/* In the order of the ranks, so the orphans' lock after those of threads. */
void thread_hold(void)
{
    lock_take(&thread_lock);
    lock_take(&thread_attachments);
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        if (t != &thread_orphans) {
            lock_take(&t->lock);
        }
    }
    lock_take(&thread_orphans.lock);
    ASSERT(thread_list_is_sound());
}

void thread_drop(void)
{
    ASSERT(lock_is_held(&thread_lock));
    ASSERT(thread_list_is_sound());
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        lock_drop(&t->lock);
    }
    lock_drop(&thread_attachments);
    lock_drop(&thread_lock);
}

void thread_each_pool(void (*visit)(struct thread_place *place,
                                    void *argument),
                      void *argument)
{
    ASSERT(lock_is_held(&thread_lock));
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        for (struct list_link *link = t->made.first; link != NULL;
             link = link->next) {
            visit(LIST_ENTRY(link, struct thread_place, link), argument);
        }
    }
}

void thread_forked(void (*gone)(struct thread *thread))
{
    ASSERT(lock_is_held(&thread_lock));
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        /* The orphans' has no state either. */
        if (t->state != NULL && t->state != &thread_state) {
            gone(t);
            ASSERT(t->attached.first == NULL);
            thread_orphan(t);
            t->state = NULL;
        }
    }
}

/* Every place on a thread's list names that thread, and is linked back; a
 * registered thread has a number.  Its lock is held, or all are. */
static bool thread_is_sound(const struct thread *thread)
{
    struct list_link *const *from = &thread->made.first;

    for (; *from != NULL; from = &(*from)->next) {
        const struct thread_place *place =
            LIST_ENTRY(*from, struct thread_place, link);
        if ((*from)->from != from || sync_get(&place->maker) != thread) {
            return false;
        }
    }
    return thread->state == NULL || thread->user.number != 0;
}

bool thread_list_is_sound(void)
{
    /* The orphans' record is no thread's, and on the list all the time. */
    bool sound = true;
    bool orphans = false;

    for (const struct thread *t = thread_list; t != NULL; t = t->next) {
        sound = sound && thread_is_sound(t);
        orphans = orphans || t == &thread_orphans;
    }
    return sound && orphans && thread_orphans.state == NULL;
}
