/* SPDX-License-Identifier: MIT
 *
 * sequence.c - one input of the fuzzer: a sequence of calls.
 *
 * A byte of the input chooses a step and one of two threads; the step reads
 * what else it needs.  Both threads are the sequence's own.  They end with it,
 * so that what the library keeps for a thread does not reach the next input.
 *
 * What it cannot do: have two threads inside of the library at once.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "sanitizer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second thread: it waits for a step, or for its end. */
static struct {
    pthread_mutex_t mutex; /* owns the rest */
    pthread_cond_t turn;
    pthread_t id;
    model_step_fn *step; /* NULL: none is wanted */
    bool lives;
    bool ends;
} sequence_other = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER};

static void *sequence_work(void *unused)
{
    pthread_mutex_lock(&sequence_other.mutex);
    while (!sequence_other.ends) {
        if (sequence_other.step != NULL) {
            sequence_other.step();
            sequence_other.step = NULL;
            pthread_cond_broadcast(&sequence_other.turn);
        }
        pthread_cond_wait(&sequence_other.turn, &sequence_other.mutex);
    }
    pthread_mutex_unlock(&sequence_other.mutex);
    return unused;
}

static void sequence_run_other(model_step_fn *step)
{
    pthread_mutex_lock(&sequence_other.mutex);
    sequence_other.step = step;
    if (!sequence_other.lives) {
        sequence_other.ends = false;
        sequence_other.lives = true;
        MODEL_EXPECT(pthread_create(&sequence_other.id, NULL, sequence_work,
                                    NULL) == 0);
    }
    pthread_cond_broadcast(&sequence_other.turn);
    while (sequence_other.step != NULL) {
        pthread_cond_wait(&sequence_other.turn, &sequence_other.mutex);
    }
    pthread_mutex_unlock(&sequence_other.mutex);
}

/* What it has allocated stays, and its marks go. */
static void sequence_end_other(void)
{
    if (!sequence_other.lives) {
        return;
    }
    pthread_mutex_lock(&sequence_other.mutex);
    sequence_other.ends = true;
    pthread_cond_broadcast(&sequence_other.turn);
    pthread_mutex_unlock(&sequence_other.mutex);
    MODEL_EXPECT(pthread_join(sequence_other.id, NULL) == 0);
    sequence_other.lives = false;
    scopes_end_thread(1);
}

/* The step that a number below the sum of all weights stands for; NULL: it is
 * not below, and *choice is by how much. */
static model_step_fn *sequence_choose(unsigned *choice)
{
    static const struct model_step *const files[] = {
        objects_steps, misuse_steps,  lives_steps,
        scopes_steps,  changes_steps, views_steps};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (const struct model_step *s = files[i]; s->run != NULL; s++) {
            if (*choice < s->weight) {
                return s->run;
            }
            *choice -= s->weight;
        }
    }
    return NULL;
}

static void sequence_step(void)
{
    unsigned byte = model_byte();
    unsigned choice = byte & 0x7f;
    model_step_fn *step = sequence_choose(&choice);

    model.self = byte < 128 ? 0 : 1;
    if (step == NULL) {
        if (choice == 0) {
            sequence_end_other();
        }
    } else if (model.self == 0) {
        step();
    } else {
        sequence_run_other(step);
    }
    model.self = 0;
    model.step++;
}

static void *sequence_run(void *unused)
{
    while (model.left > 0) {
        sequence_step();
    }
    inject_stop();
    model_verify_all();
    lives_finish();
    sequence_end_other();
    return unused;
}

#if SANITIZER_ON
/* A request that is too long is refused, as any malloc() refuses it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:use_sigaltstack=0";
}
#endif

/* Under a sanitizer the pools themselves are to be seen; and the range is
 * there before the system refuses anything. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("MEMPOOL_OPTIONS", "native", 1);
    mp_destroy(mp_create(NULL));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_t thread;

    memset(&model, 0, sizeof model);
    model.input = data;
    model.left = size;
    model.ending = model.kept = -1;
    for (int i = 0; i < MODEL_STRINGS; i++) {
        model.strings[i].object = -1;
    }
    MODEL_EXPECT(pthread_create(&thread, NULL, sequence_run, NULL) == 0);
    MODEL_EXPECT(pthread_join(thread, NULL) == 0);
    return 0;
}
