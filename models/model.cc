/* SPDX-License-Identifier: MIT
 *
 * model.cc - atomic accesses of C sources as Relacy's, each with its place.
 *
 * What it cannot do: give two sizes at one address atomics of their own.
 */
#include "model.h"

model_memory *model_now;
const model_hooks *model_hooked;

/* Looks at one place before other threads run. */
#define MODEL_LOOKS 4

/* FILE:LINE:ORDER of each access that was made.  No C++ container: Relacy has
 * an operator delete of its own. */
static struct {
    const char *file;
    unsigned line;
    int order;
} model_sites[128];
static unsigned model_sites_count;

static const char *model_order_name(int order)
{
    switch (order) {
    case __ATOMIC_ACQUIRE:
        return "acquire";
    case __ATOMIC_RELEASE:
        return "release";
    case __ATOMIC_ACQ_REL:
        return "acq_rel";
    case __ATOMIC_SEQ_CST:
        return "seq_cst";
    default:
        return "relaxed";
    }
}

static int model_weaker(int order, bool loads, bool stores)
{
    switch (order) {
    case __ATOMIC_SEQ_CST:
        return loads && stores ? __ATOMIC_ACQ_REL
               : loads         ? __ATOMIC_ACQUIRE
                               : __ATOMIC_RELEASE;
    case __ATOMIC_ACQ_REL:
        return __ATOMIC_RELEASE;
    default:
        return __ATOMIC_RELAXED;
    }
}

static void model_print_site(char *text, size_t size, const char *file,
                             unsigned line, int order)
{
    const char *name = std::strrchr(file, '/');

    std::snprintf(text, size, "%s:%u:%s", name == NULL ? file : name + 1, line,
                  model_order_name(order));
}

static void model_note(const char *file, unsigned line, int order)
{
    unsigned i = 0;

    while (i < model_sites_count &&
           (model_sites[i].line != line || model_sites[i].order != order ||
            std::strcmp(model_sites[i].file, file) != 0)) {
        i++;
    }
    if (i == model_sites_count && i < 128) {
        model_sites[i].file = file;
        model_sites[i].line = line;
        model_sites[i].order = order;
        model_sites_count++;
    }
}

/* The order that the model uses there. */
static rl::memory_order model_order(int order, bool loads, bool stores,
                                    const char *file, unsigned line)
{
    static const char *const weak = std::getenv("MODEL_WEAK");

    if (order != __ATOMIC_RELAXED) {
        char site[256];
        model_note(file, line, order);
        model_print_site(site, sizeof site, file, line, order);
        if (weak != NULL && std::strcmp(site, weak) == 0) {
            order = model_weaker(order, loads, stores);
        }
    }
    switch (order) {
    case __ATOMIC_ACQUIRE:
        return rl::mo_acquire;
    case __ATOMIC_RELEASE:
        return rl::mo_release;
    case __ATOMIC_ACQ_REL:
        return rl::mo_acq_rel;
    case __ATOMIC_SEQ_CST:
        return rl::mo_seq_cst;
    default:
        return rl::mo_relaxed;
    }
}

static uintptr_t model_read(const volatile void *place, unsigned size)
{
    switch (size) {
    case 1:
        return *static_cast<const volatile uint8_t *>(place);
    case 2:
        return *static_cast<const volatile uint16_t *>(place);
    case 4:
        return *static_cast<const volatile uint32_t *>(place);
    default:
        return *static_cast<const volatile uintptr_t *>(place);
    }
}

static void model_write(volatile void *place, unsigned size, uintptr_t value)
{
    switch (size) {
    case 1:
        *static_cast<volatile uint8_t *>(place) =
            static_cast<uint8_t>(value);
        break;
    case 2:
        *static_cast<volatile uint16_t *>(place) =
            static_cast<uint16_t>(value);
        break;
    case 4:
        *static_cast<volatile uint32_t *>(place) =
            static_cast<uint32_t>(value);
        break;
    default:
        *static_cast<volatile uintptr_t *>(place) = value;
        break;
    }
}

static uintptr_t model_cut(uintptr_t value, unsigned size)
{
    return size == 1   ? static_cast<uint8_t>(value)
           : size == 2 ? static_cast<uint16_t>(value)
           : size == 4 ? static_cast<uint32_t>(value)
                       : value;
}

void model_begin(model_memory *memory)
{
    model_now = memory;
    memory->count = 0;
    std::memset(memory->seen, 0, sizeof memory->seen);
    std::memset(memory->looks, 0, sizeof memory->looks);
}

void model_name(volatile void *place, unsigned size)
{
    unsigned i = model_now->count++;

    RL_VERIFY(i < MODEL_PLACES);
    model_now->places[i] = place;
    model_now->atomics[i].store(model_read(place, size), rl::mo_relaxed, $);
}

/* That of a place; NULL: the access is to the memory alone. */
static rl::atomic<uintptr_t> *model_find(const volatile void *place,
                                         unsigned size)
{
    unsigned i = 0;

    if (model_hooked != NULL) {
        return model_hooked->find(place, size);
    }
    if (model_now == NULL) {
        return NULL; /* a constructor, before main() */
    }
    while (i < model_now->count && model_now->places[i] != place) {
        i++;
    }
    if (i == model_now->count) {
        std::fprintf(stderr, "an atomic access to what was not named\n");
        std::abort();
    }
    return &model_now->atomics[i];
}

static void model_accessed()
{
    if (model_hooked != NULL) {
        model_hooked->accessed();
    }
}

/* A thread that looks at one place again and again waits, and lets others run.
 * One that does not wait must not: after that Relacy lets it read nothing
 * old. */
static void model_looked(const volatile void *place)
{
    unsigned thread = rl::thread_index();

    if (model_now->seen[thread] != place) {
        model_now->seen[thread] = place;
        model_now->looks[thread] = 0;
    }
    if (++model_now->looks[thread] >= MODEL_LOOKS) {
        rl::yield(1, $);
    }
}

uintptr_t model_load(const volatile void *place, unsigned size, int order,
                     const char *file, unsigned line)
{
    rl::debug_info info("", file, line);
    rl::atomic<uintptr_t> *atomic = model_find(place, size);

    if (atomic == NULL) {
        return model_read(place, size);
    }
    model_looked(place);
    uintptr_t value =
        atomic->load(model_order(order, true, false, file, line), info);
    model_accessed();
    return value;
}

void model_store(volatile void *place, unsigned size, uintptr_t value,
                 int order, const char *file, unsigned line)
{
    rl::debug_info info("", file, line);
    rl::atomic<uintptr_t> *atomic = model_find(place, size);

    if (atomic != NULL) {
        atomic->store(model_cut(value, size),
                      model_order(order, false, true, file, line), info);
    }
    model_write(place, size, value);
    model_accessed();
}

uintptr_t model_swap(volatile void *place, unsigned size, uintptr_t value,
                     int order, const char *file, unsigned line)
{
    rl::debug_info info("", file, line);
    rl::atomic<uintptr_t> *atomic = model_find(place, size);
    uintptr_t was = model_read(place, size);

    if (atomic != NULL) {
        model_looked(place);
        was = atomic->exchange(model_cut(value, size),
                               model_order(order, true, true, file, line),
                               info);
    }
    model_write(place, size, value);
    model_accessed();
    return was;
}

uintptr_t model_add(volatile void *place, unsigned size, uintptr_t value,
                    int order, const char *file, unsigned line)
{
    rl::debug_info info("", file, line);
    rl::atomic<uintptr_t> *atomic = model_find(place, size);
    uintptr_t was = model_read(place, size);

    if (atomic != NULL) {
        rl::memory_order mo = model_order(order, true, true, file, line);
        was = atomic->load(rl::mo_relaxed, info);
        while (!atomic->compare_exchange_strong(was,
                                                model_cut(was + value, size),
                                                mo, info, rl::mo_relaxed,
                                                info)) {
        }
    }
    model_write(place, size, model_cut(was + value, size));
    model_accessed();
    return was;
}

bool model_exchange(volatile void *place, unsigned size, uintptr_t *expected,
                    uintptr_t value, int order, const char *file,
                    unsigned line)
{
    rl::debug_info info("", file, line);
    rl::atomic<uintptr_t> *atomic = model_find(place, size);
    uintptr_t was = model_read(place, size);
    bool did = was == *expected;

    if (atomic != NULL) {
        model_looked(place);
        did = atomic->compare_exchange_strong(
            *expected, value, model_order(order, true, true, file, line),
            info, rl::mo_relaxed, info);
    } else {
        *expected = was;
    }
    if (did) {
        model_write(place, size, value);
    }
    model_accessed();
    return did;
}

bool model_is_quiet()
{
    const char *quiet = std::getenv("MODEL_QUIET");

    return quiet != NULL && *quiet != '\0';
}

void model_list()
{
    if (std::getenv("MODEL_LIST") == NULL) {
        return;
    }
    for (unsigned i = 0; i < model_sites_count; i++) {
        char site[256];
        model_print_site(site, sizeof site, model_sites[i].file,
                         model_sites[i].line, model_sites[i].order);
        std::puts(site);
    }
}
