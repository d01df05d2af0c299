/* SPDX-License-Identifier: MIT
 *
 * whole.cc - the whole library under Relacy: all that is shared is found.
 *
 * What it cannot do: tell two accesses of different lengths apart that begin at
 * one address.
 */
#include <cerrno>
#include <new>

static const int *const whole_errno = &errno; /* Relacy has a macro for it */

#include "whole.h"
#include "whole_model.h"

/* Addresses that runs came to: atomics, and what plain accesses are to. */
#define WHOLE_ATOMICS 1024u
#define WHOLE_VARS 4096u
#define WHOLE_HASH (1u << 14)
#define WHOLE_PAGES 1024u /* of memory that is not the model's */
#define WHOLE_PAGE 1024u

extern "C" {
extern char __start_whole_local[];
extern char __stop_whole_local[];
}

struct whole_place {
    volatile void *place;
    unsigned size; /* of an atomic; 0: a variable */
    unsigned number; /* of its kind */
    unsigned gone;   /* the run in which its memory went */
};

static whole_place whole_places[WHOLE_HASH];
static whole_place *whole_by_number[2][WHOLE_VARS];
static unsigned whole_count[2]; /* of variables and of atomics */
static unsigned whole_known[2]; /* that this run knows */
static unsigned whole_dirty[WHOLE_ATOMICS]; /* plainly written since */
static unsigned whole_dirty_count;
static bool whole_is_dirty[WHOLE_ATOMICS];
static unsigned whole_run; /* counted from 1 */
static bool whole_runs;   /* threads of a run do */
/* A page of a piece: how many the piece has from here on; the highest bit: it
 * is free when the run has ended. */
static unsigned whole_pages[WHOLE_PAGES];
alignas(64) static char whole_memory[WHOLE_PAGES][WHOLE_PAGE];
static const unsigned whole_is_freed = 1u << 31;
static unsigned whole_muted_runs;
static bool whole_muted;  /* the run came to what it did not know */
static unsigned whole_acting;
static unsigned whole_here; /* whose the local variables are */
static char *whole_locals[WHOLE_MODEL_THREADS + 1]; /* and those of a new
                                                     * thread */
static uintptr_t whole_stacks[WHOLE_MODEL_THREADS];

alignas(64) static char
    whole_atomics[WHOLE_ATOMICS][sizeof(rl::atomic<uintptr_t>)];
alignas(64) static char whole_vars[WHOLE_VARS][sizeof(rl::var<int>)];

static rl::atomic<uintptr_t> *whole_atomic(unsigned i)
{
    return reinterpret_cast<rl::atomic<uintptr_t> *>(whole_atomics[i]);
}

static rl::var<int> *whole_var(unsigned i)
{
    return reinterpret_cast<rl::var<int> *>(whole_vars[i]);
}

/* Where it is in the table, or would be. */
static whole_place *whole_search(const volatile void *place)
{
    uintptr_t hash = reinterpret_cast<uintptr_t>(place);

    hash = (hash ^ hash >> 15) * 0x9e3779b97f4a7c15u >> 40;
    while (whole_places[hash % WHOLE_HASH].place != NULL &&
           whole_places[hash % WHOLE_HASH].place != place) {
        hash++;
    }
    return &whole_places[hash % WHOLE_HASH];
}

/* The run does not know the place, the next one will. */
static void whole_note(whole_place *at, volatile void *place, unsigned size)
{
    unsigned kind = size > 0;
    unsigned most = kind ? WHOLE_ATOMICS : WHOLE_VARS;

    if (whole_count[kind] == most) {
        std::fprintf(stderr, "too many places\n");
        std::abort();
    }
    at->place = place;
    at->size = size;
    at->number = whole_count[kind];
    whole_by_number[kind][whole_count[kind]++] = at;
    whole_muted = true;
}

/* What plain accesses wrote to atomics since the last atomic access: no other
 * thread ran meanwhile, nor does one run in between. */
static void whole_clean()
{
    if (whole_dirty_count == 0) {
        return;
    }
    rl::ctx().disable_preemption();
    while (whole_dirty_count > 0) {
        unsigned i = whole_dirty[--whole_dirty_count];
        whole_is_dirty[i] = false;
        const whole_place *at = whole_by_number[1][i];
        uintptr_t value = 0;
        std::memcpy(&value, const_cast<void *>(at->place), at->size);
        whole_atomic(i)->store(value, rl::mo_relaxed, $);
    }
    rl::ctx().enable_preemption();
}

static rl::atomic<uintptr_t> *whole_find(const volatile void *place,
                                         unsigned size)
{
    if (!whole_runs || (place >= __start_whole_local &&
                        place < __stop_whole_local)) {
        return NULL; /* a thread's own, wherever it is */
    }
    whole_clean();
    whole_place *at = whole_search(place);
    if (at->place == NULL || at->size == 0) {
        if (at->size == 0 && at->place != NULL) {
            /* Plain accesses came first: from the next run on it is an
             * atomic. */
            whole_by_number[0][at->number] = NULL;
        }
        whole_note(at, const_cast<volatile void *>(place), size);
        return NULL;
    }
    RL_ASSERT(at->gone != whole_run);
    return at->number < whole_known[1] ? whole_atomic(at->number) : NULL;
}

/* The local variables are that thread's from now on. */
static void whole_go_on(unsigned thread)
{
    size_t bytes = (size_t)(__stop_whole_local - __start_whole_local);

    if (thread != whole_here) {
        std::memcpy(whole_locals[whole_here], __start_whole_local, bytes);
        std::memcpy(__start_whole_local, whole_locals[thread], bytes);
        whole_here = thread;
    }
}

static void whole_accessed()
{
    if (whole_runs) {
        whole_go_on(rl::thread_index());
    }
}

static const model_hooks whole_hooks = {whole_find, whole_accessed};

/* Relacy goes back to a run that went wrong, to tell its history.  That cannot
 * be: the library is as that run has left it. */
void whole_prepare()
{
    if (whole_runs) {
        std::puts("wrong");
        std::fflush(stdout);
        std::_Exit(1);
    }
}

void whole_begin(model_memory *memory)
{
    model_begin(memory);
    whole_known[0] = whole_count[0];
    whole_known[1] = whole_count[1];
    whole_dirty_count = 0;
    std::memset(whole_is_dirty, 0, sizeof whole_is_dirty);
    whole_muted = false;
    for (unsigned i = 0; i < whole_known[0]; i++) {
        new (whole_vars[i]) rl::var<int>();
        (*whole_var(i))($) = 0;
    }
    for (unsigned i = 0; i < whole_known[1]; i++) {
        const whole_place *at = whole_by_number[1][i];
        uintptr_t value = 0;
        std::memcpy(&value, const_cast<void *>(at->place), at->size);
        new (whole_atomics[i]) rl::atomic<uintptr_t>();
        whole_atomic(i)->store(value, rl::mo_relaxed, $);
    }
    whole_run++;
    whole_runs = true;
}

void whole_end()
{
    whole_runs = false;
    whole_muted_runs += whole_muted;
    for (unsigned i = 0; i < WHOLE_PAGES; i++) {
        if (whole_pages[i] & whole_is_freed) {
            whole_pages[i] = 0;
        }
    }
    for (unsigned i = 0; i < whole_known[0]; i++) {
        whole_var(i)->~var();
    }
    for (unsigned i = 0; i < whole_known[1]; i++) {
        whole_atomic(i)->~atomic();
    }
}

void whole_start()
{
    size_t bytes = (size_t)(__stop_whole_local - __start_whole_local);

    model_hooked = &whole_hooks;
    for (unsigned i = 0; i <= WHOLE_MODEL_THREADS; i++) {
        whole_locals[i] = static_cast<char *>((std::malloc)(bytes));
        std::memcpy(whole_locals[i], __start_whole_local, bytes);
    }
}

void whole_renew(unsigned thread)
{
    size_t bytes = (size_t)(__stop_whole_local - __start_whole_local);

    std::memcpy(thread == whole_here ? __start_whole_local
                                     : whole_locals[thread],
                whole_locals[WHOLE_MODEL_THREADS], bytes);
}

void whole_tell()
{
    if (std::getenv("MODEL_HISTORY") != NULL) {
        std::printf("%u atomics, %u variables, %u runs met new ones\n",
                    whole_count[1], whole_count[0], whole_muted_runs);
    }
}

void whole_act(unsigned thread)
{
    whole_acting = thread;
    whole_go_on(thread);
}

void whole_suspend()
{
    whole_clean();
}

void whole_resume()
{
    whole_accessed();
}

void whole_enter(const void *stack)
{
    whole_stacks[rl::thread_index()] = reinterpret_cast<uintptr_t>(stack);
    whole_go_on(rl::thread_index());
}

extern "C" unsigned whole_thread(void)
{
    return whole_runs ? rl::thread_index() : whole_acting;
}

extern "C" void whole_yield(void)
{
    if (whole_runs) {
        whole_clean();
        rl::yield(1, $);
        whole_go_on(rl::thread_index());
    }
}

extern "C" void whole_fence(void)
{
    if (whole_runs) {
        whole_clean();
        rl::systemwide_fence($);
        whole_go_on(rl::thread_index());
    }
}

/* In the history a plain access is named by where its instruction and its
 * memory are, for addr2line(1) and the like. */
static const char *whole_name(const volatile void *start, const void *from)
{
    static const bool told = std::getenv("MODEL_HISTORY") != NULL;
    char text[64];

    if (!told) {
        return "plain";
    }
    std::snprintf(text, sizeof text, "%p at %p", const_cast<void *>(start),
                  from);
    return (strdup)(text);
}

/* A plain access.  What is on the thread's own stack no other thread reads. */
static inline void whole_touch(const volatile void *start, bool writes,
                               const void *from)
{
    uintptr_t address = reinterpret_cast<uintptr_t>(start);
    uintptr_t here = reinterpret_cast<uintptr_t>(&address);

    if (!whole_runs ||
        (address >= here && address < whole_stacks[whole_here] + 256) ||
        (start >= __start_whole_local && start < __stop_whole_local) ||
        start == whole_errno) {
        return;
    }
    whole_place *at = whole_search(start);
    if (at->place == NULL) {
        whole_note(at, const_cast<volatile void *>(start), 0);
    } else if (at->size > 0) {
        if (writes) {
            at->gone = 0;
        }
        if (writes && at->number < whole_known[1] &&
            !whole_is_dirty[at->number]) {
            whole_is_dirty[at->number] = true;
            whole_dirty[whole_dirty_count++] = at->number;
        }
    } else if (at->number < whole_known[0] && !whole_muted) {
        rl::debug_info info("", whole_name(start, from), 0);
        if (writes) {
            (*whole_var(at->number))(info) = 0;
        } else {
            (void)(int)(*whole_var(at->number))(info);
        }
    }
}

/* Each place that is known; so that of a field, and not those between. */
static void whole_each(const volatile void *start, size_t bytes,
                       void (*visit)(whole_place *at, bool writes),
                       bool writes)
{
    const volatile char *from = static_cast<const volatile char *>(start);

    if (!whole_runs) {
        return;
    }
    for (size_t i = 0; bytes <= 256 && i < bytes; i++) {
        whole_place *at = whole_search(from + i);
        if (at->place != NULL) {
            visit(at, writes);
        }
    }
    for (unsigned i = 0; bytes > 256 && i < 2 * WHOLE_VARS; i++) {
        whole_place *at = whole_by_number[i % 2][i / 2];
        if (at != NULL && at->place >= from && at->place < from + bytes) {
            visit(at, writes);
        }
    }
}

static void whole_touch_place(whole_place *at, bool writes)
{
    whole_touch(at->place, writes, NULL);
}

static void whole_forbid_place(whole_place *at, bool writes)
{
    (void)writes;
    at->gone = whole_run;
}

extern "C" void whole_plain(const volatile void *start, size_t bytes,
                            int writes)
{
    whole_each(start, bytes, whole_touch_place, writes != 0);
}

extern "C" void whole_forbid(void *memory, size_t bytes)
{
    whole_plain(memory, bytes, 1);
    whole_each(memory, bytes, whole_forbid_place, true);
}

extern "C" void *whole_malloc(size_t bytes)
{
    unsigned pages = (unsigned)(bytes / WHOLE_PAGE) + 1;
    unsigned free = 0;

    for (unsigned i = 0; i < WHOLE_PAGES; i++) {
        free = whole_pages[i] == 0 ? free + 1 : 0;
        if (free == pages) {
            for (unsigned page = 0; page < pages; page++) {
                whole_pages[i - page] = page + 1;
            }
            return whole_memory[i - pages + 1];
        }
    }
    std::fprintf(stderr, "no memory\n");
    std::abort();
}

extern "C" void *whole_calloc(size_t count, size_t bytes)
{
    void *memory = whole_malloc(count * bytes);

    whole_plain(memory, count * bytes, 1);
    return std::memset(memory, 0, count * bytes);
}

extern "C" void *whole_aligned_alloc(size_t alignment, size_t bytes)
{
    (void)alignment;
    return whole_malloc(bytes);
}

extern "C" void whole_free(void *memory)
{
    if (memory != NULL) {
        unsigned first = (unsigned)((static_cast<char *>(memory) -
                                     whole_memory[0]) / WHOLE_PAGE);
        unsigned pages = whole_pages[first];
        whole_forbid(memory, pages * WHOLE_PAGE);
        for (unsigned i = first; i < first + pages; i++) {
            whole_pages[i] = whole_runs ? whole_pages[i] | whole_is_freed : 0;
        }
    }
}

extern "C" void whole_leave(void)
{
    whole_acting = whole_thread();
    whole_runs = false;
}

#define WHOLE_ACCESS(name, writes)                                \
    extern "C" void __tsan_##name(void *at)                       \
    {                                                             \
        whole_touch(at, writes, __builtin_return_address(0));     \
    }
#define WHOLE_ACCESSES(size)                 \
    WHOLE_ACCESS(read##size, false)          \
    WHOLE_ACCESS(write##size, true)          \
    WHOLE_ACCESS(unaligned_read##size, false) \
    WHOLE_ACCESS(unaligned_write##size, true) \
    WHOLE_ACCESS(volatile_read##size, false) \
    WHOLE_ACCESS(volatile_write##size, true)

WHOLE_ACCESSES(1)
WHOLE_ACCESSES(2)
WHOLE_ACCESSES(4)
WHOLE_ACCESSES(8)

/* Two words, each a member for itself. */
#define WHOLE_PAIR(name, writes)                                         \
    extern "C" void __tsan_##name(void *at)                              \
    {                                                                    \
        whole_touch(at, writes, __builtin_return_address(0));            \
        whole_touch(static_cast<char *>(at) + 8, writes,                 \
                    __builtin_return_address(0));                        \
    }
WHOLE_PAIR(read16, false)
WHOLE_PAIR(write16, true)
WHOLE_PAIR(unaligned_read16, false)
WHOLE_PAIR(unaligned_write16, true)

extern "C" void __tsan_read_range(void *at, size_t bytes)
{
    whole_plain(at, bytes, 0);
}

extern "C" void __tsan_write_range(void *at, size_t bytes)
{
    whole_plain(at, bytes, 1);
}

extern "C" void *__tsan_memset(void *at, int value, size_t bytes)
{
    whole_plain(at, bytes, 1);
    return std::memset(at, value, bytes);
}

extern "C" void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
    whole_plain(from, bytes, 0);
    whole_plain(to, bytes, 1);
    return std::memmove(to, from, bytes);
}

extern "C" void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
    return __tsan_memcpy(to, from, bytes);
}

extern "C" void __tsan_init(void)
{
}

extern "C" void __tsan_func_entry(void *from)
{
    (void)from;
}

extern "C" void __tsan_func_exit(void)
{
}

extern "C" void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}
