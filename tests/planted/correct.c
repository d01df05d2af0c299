/* SPDX-License-Identifier: MIT
 *
 * correct.c - a program without a fault, in which tools must find none.
 *
 *     correct KIND     does with pools of that kind all that may be done
 *
 * Threads hand objects to one another through a queue, free what others
 * allocated, have marks and handles, ask about addresses and take statistics,
 * all as the manual allows.  What one gives a function of the pool as its
 * context, another gets through the pool alone.  Where a tool says a word, the
 * library or what it tells the tool is wrong.
 *
 * What it cannot do: know that its own answers are right.  Other tests do.
 */
#include "kinds.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define ROUNDS 60
#define QUEUE 16
#define PARTS 700 /* of the capacity, and more */

#define EXPECT(condition)                                           \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            exit(1);                                                \
        }                                                           \
    } while (0)

static memory_pool_t *pool;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static char *queue[QUEUE];
static size_t queued;

/* Puts an object into the queue and takes another out, which may be the same;
 * NULL: it keeps what it has. */
static char *exchange(char *object)
{
    char *other = NULL;

    pthread_mutex_lock(&queue_lock);
    queue[queued++] = object;
    if (queued == QUEUE) {
        other = queue[0];
        queue[0] = queue[--queued];
    }
    pthread_mutex_unlock(&queue_lock);
    return other;
}

static int count_object(void *object, size_t size, void *arg)
{
    (void)object;
    *(size_t *)arg += size;
    return 0;
}

static void clean_up(void *arg)
{
    ++*(int *)arg;
}

static int meet(memory_pool_t *mp, void *out)
{
    const char *name = mp_name(mp);

    fputs(name == NULL ? "none" : name, out);
    return 0;
}

/* No pool below one that is printed may end. */
static pthread_barrier_t printed;

/* What is not for one object: a child, a mark, a cleanup, a look at all. */
static void share(void)
{
    int cleaned = 0;
    FILE *out = tmpfile();

    EXPECT(out != NULL);
    for (int i = 0; i < 3; i++) {
        mp_options_t options = {.parent = pool, .name = "child"};
        memory_pool_t *child = mp_create(&options);
        EXPECT(child != NULL && mp_allocate(child, 10) != NULL);
        EXPECT(strcmp(mp_name(child), "child") == 0);
        EXPECT(mp_stats_print(pool, out, MP_TEXT) == 0);
        EXPECT(mp_each_pool(meet, out) == 0);
        mp_mark_t mark = mp_mark(pool);
        EXPECT(mark.number != 0);
        EXPECT(mp_allocate(pool, 10) != NULL);
        EXPECT(mp_add_mark_cleanup(pool, mark, clean_up, &cleaned) == 0);
        EXPECT(mp_rewind(pool, mark) == 0 && cleaned == i + 1);
        pthread_barrier_wait(&printed);
        mp_destroy(child);
        pthread_barrier_wait(&printed);
    }
    fclose(out);
}

/* What one thread does with the pool that all share. */
static void *work(void *argument)
{
    size_t number = *(size_t *)argument;

    share();
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = 1 + (i * 7 + number) % 60;
        char *object = mp_allocate(pool, size);
        EXPECT(object != NULL);
        memset(object, (int)i, size);
        EXPECT(is_mp_ptr(pool, object));
        EXPECT(mp_usable_size(pool, object) >= size);
        object = mp_realloc(pool, object, size + 9);
        EXPECT(object != NULL && object[size - 1] == (char)i);
        memset(object, 1, size + 9);
        char *other = exchange(object);
        if (other != NULL) {
            free_memory(pool, other);
        }
    }
    return NULL;
}

static void run_threads(size_t count)
{
    pthread_t threads[THREADS];
    size_t numbers[THREADS];

    EXPECT(pthread_barrier_init(&printed, NULL, (unsigned)count) == 0);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i;
        EXPECT(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    pthread_barrier_destroy(&printed);
}

/* Marks, handles, strings, zeroed and aligned objects. */
static void use_all(void)
{
    mp_mark_t mark = mp_mark(pool);
    mp_handle_t *handle = mp_attach(pool);
    EXPECT(mark.number != 0 && handle != NULL);
    mp_mark_t inner = mp_handle_mark(handle);
    EXPECT(inner.number != 0);
    for (size_t i = 1; i < 20; i++) {
        char *zero = mp_calloc(pool, i, 3);
        char *copy = mp_strdup(pool, "a string");
        char *line = mp_asprintf(pool, "%zu of %d", i, 20);
        char *wide = mp_aligned_alloc(pool, 64, i);
        mp_string_t built = {0};
        EXPECT(mp_append_bytes(pool, &built, "a", 1) == 0);
        EXPECT(strlen(built.bytes) == 1);
        EXPECT(mp_append_printf(pool, &built, " of %zu", i) == 0);
        EXPECT(strchr(built.bytes, 'f') != NULL);
        mp_free(pool, built.bytes);
        char *own = mp_handle_allocate(handle, i);
        EXPECT(zero != NULL && copy != NULL && line != NULL && wide != NULL &&
               own != NULL);
        EXPECT(zero[0] == 0 && zero[i * 3 - 1] == 0);
        EXPECT(strcmp(copy, "a string") == 0 && strchr(line, 'f') != NULL);
        memset(own, 1, i);
        memset(wide, 1, i);
        mp_handle_free(handle, own);
        free_memory(pool, copy);
        free_memory(pool, line);
        free_memory(pool, wide);
        free_memory(pool, zero);
        EXPECT(mp_handle_allocate(handle, i) != NULL);
    }
    EXPECT(mp_handle_rewind(handle, inner) == 0);
    mp_detach(handle);
    EXPECT(mp_rewind(pool, mark) == 0);
}

/* Looks at the pool by every means there is. */
static void look(void)
{
    char *object = mp_allocate(pool, 30);
    EXPECT(object != NULL);
    memset(object, 1, 30);
    mp_stats_t stats;
    size_t walked = 0;
    FILE *out = tmpfile();

    EXPECT(out != NULL);
    EXPECT(mp_stats(pool, &stats) == 0);
    EXPECT(stats.allocations - stats.frees == stats.live_objects);
    EXPECT(mp_walk(pool, count_object, &walked) == 0);
    EXPECT(walked == stats.live_bytes);
    EXPECT(mp_check(pool) == 0);
    EXPECT(mp_locate(pool, object) == MP_LIVE);
    EXPECT(mp_owner(object) == pool);
    EXPECT(mp_stats_print(pool, out, MP_JSON) == 0);
    EXPECT(mp_map(pool, out) == 0);
    EXPECT(mp_trim(pool, 0) + 1 > 0);
    fclose(out);
    free_memory(pool, object);
}

/* A function of the pool was called in this thread, with the context that the
 * other one wrote. */
static _Thread_local int told;

static void hear(void *context)
{
    told |= *(int *)context == 7;
}

static void hear_report(const mp_report_t *report, void *context)
{
    (void)report;
    hear(context);
}

static bool hear_failure(memory_pool_t *mp, size_t size, int error,
                         void *context)
{
    (void)mp;
    (void)size;
    (void)error;
    hear(context);
    return false;
}

static void hear_near(memory_pool_t *mp, size_t used, void *context)
{
    (void)mp;
    (void)used;
    hear(context);
}

/* The program ends at the first misuse, so there is none. */
static bool aborts(void)
{
    const char *words = getenv("MEMPOOL_OPTIONS");

    return words != NULL && strstr(words, "abort") != NULL;
}

/* Calls that lead to a function of the pool, until it was told. */
static void *await_report(void *argument)
{
    while (!told) {
        EXPECT(mp_allocate(pool, 0) == NULL);
        sched_yield();
    }
    return argument;
}

/* What a cleanup leads to belongs to who removes it; to remove one that is not
 * there yet is a misuse. */
static void *await_removal(void *context)
{
    while (mp_remove_cleanup(pool, hear, context) != 0) {
        sched_yield();
    }
    hear(context);
    return NULL;
}

static void *await_cleanup(void *argument)
{
    while (!told) {
        mp_reset(pool);
        sched_yield();
    }
    return argument;
}

static void *print_often(void *argument)
{
    FILE *out = tmpfile();

    EXPECT(out != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(mp_stats_print(pool, out, MP_TEXT) == 0);
        sched_yield();
    }
    fclose(out);
    return argument;
}

/* What is known of the objects grows in both threads by turns. */
static void *fill(void *argument)
{
    for (int i = 0; i < 10 * ROUNDS; i++) {
        if (mp_allocate(pool, 1) == NULL) {
            break;
        }
        sched_yield();
    }
    return argument;
}

/* Ends what the other thread makes, which never touches it. */
static void *reset_often(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        mp_reset(pool);
        sched_yield();
    }
    return argument;
}

/* More than the pool may hold. */
static void *await_limit(void *argument)
{
    void *objects[PARTS];

    while (!told) {
        for (size_t i = 0; i < PARTS; i++) {
            objects[i] = mp_allocate(pool, 100);
        }
        EXPECT(objects[0] != NULL && objects[PARTS - 1] == NULL);
        for (size_t i = 0; i < PARTS && objects[i] != NULL; i++) {
            mp_free(pool, objects[i]);
        }
        sched_yield();
    }
    return argument;
}

/* Starts a thread; the context is written once it runs. */
static pthread_t start(void *(*await)(void *argument), int *context)
{
    pthread_t thread;

    EXPECT(pthread_create(&thread, NULL, await, context) == 0);
    *context = 7;
    return thread;
}

static void hand_contexts_over(void)
{
    static int contexts[5]; /* not on the stack, where DRD does not look */
    static int none;
    pthread_t thread;

    memset(contexts, 0, sizeof contexts);
    EXPECT(mp_set_reporter(pool, hear_report, &none) == 0);
    if (!aborts()) {
        thread = start(await_report, &contexts[0]);
        EXPECT(mp_set_reporter(pool, hear_report, &contexts[0]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
        EXPECT(mp_set_reporter(pool, hear_report, &none) == 0);
        thread = start(await_removal, &contexts[1]);
        EXPECT(mp_add_cleanup(pool, hear, &contexts[1]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    thread = start(await_cleanup, &contexts[2]);
    EXPECT(mp_add_cleanup(pool, hear, &contexts[2]) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    memory_pool_t *children[ROUNDS];
    EXPECT(pthread_create(&thread, NULL, print_often, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        mp_options_t options = {.parent = pool, .name = "new"};
        children[i] = mp_create(&options);
        EXPECT(children[i] != NULL);
        sched_yield();
    }
    EXPECT(pthread_join(thread, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        mp_destroy(children[i]);
    }
    EXPECT(pthread_create(&thread, NULL, fill, NULL) == 0);
    (void)fill(NULL);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(pthread_create(&thread, NULL, reset_often, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        mp_mark_t mark = mp_mark(pool);
        if (mp_allocate(pool, 10) == NULL || MP_MARK_FAILED(mark)) {
            sched_yield();
        }
    }
    EXPECT(pthread_join(thread, NULL) == 0);
    if (mp_set_near_limit(pool, 1u << 9, hear_near, &none) == 0) {
        thread = start(await_limit, &contexts[3]);
        EXPECT(mp_set_near_limit(pool, 1u << 9, hear_near, &contexts[3]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
        EXPECT(mp_set_near_limit(pool, 0, NULL, NULL) == 0);
        thread = start(await_limit, &contexts[4]);
        EXPECT(mp_set_failure(pool, hear_failure, &contexts[4]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
}

/* A child process uses what it inherits. */
static void fork_once(void)
{
    char *object = mp_allocate(pool, 40);
    int status = 1;
    EXPECT(object != NULL);
    memset(object, 1, 40);
    fflush(NULL);
    pid_t child = fork();

    if (child == 0) {
        char *more = mp_allocate(pool, 40);
        EXPECT(more != NULL);
        memset(more, 1, 40);
        free_memory(pool, object);
        free_memory(pool, more);
        _exit(mp_check(pool) == 0 ? 0 : 1);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    free_memory(pool, object);
}

int main(int argc, char **argv)
{
    int cleaned = 0;

    for (size_t i = 0; i < KINDS; i++) {
        const char *kind = argc > 1 ? argv[1] : kinds_names[i];
        pool = kinds_make(kind);
        EXPECT(pool != NULL);
        use_all();
        run_threads(strcmp(kind, "none") == 0 ? 1 : THREADS);
        look();
        fork_once();
        EXPECT(mp_add_cleanup(pool, clean_up, &cleaned) == 0);
        free_all_memory(pool);
        EXPECT(cleaned == 1);
        cleaned = 0;
        queued = 0;
        use_all();
        run_threads(1);
        queued = 0;
        if (strcmp(kind, "none") != 0) {
            hand_contexts_over();
        }
        kinds_end(pool);
        if (argc > 1) {
            break;
        }
    }
    return 0;
}
