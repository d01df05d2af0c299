/* SPDX-License-Identifier: MIT
 *
 * model.h - atomic accesses of C sources as Relacy's, each with its place.
 *
 * Relacy runs the threads of a model in turns, and lets each load return any
 * value that the memory orders allow.  The sources of the library are compiled
 * as they are; orders.h leads their atomic accesses here.  The memory itself
 * keeps the newest value, which plain accesses read.
 *
 * MODEL_WEAK=FILE:LINE:ORDER in the environment weakens the access that stands
 * there by one step: the model has to fail then, or the order is stronger than
 * it has to be.  MODEL_LIST=1 prints all that can be weakened.  MODEL_QUIET=1
 * keeps back the history of the run that goes wrong.
 *
 * What it cannot do: find a race between accesses that are not atomic, unless
 * the model says that it is one, by a variable of Relacy's.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include "access.h"

/* Last: it has macros for words of the language. */
#include <relacy/relacy.hpp>

#define MODEL_PLACES 32

/* What a test suite has: the atomics of one run, by address. */
struct model_memory {
    const volatile void *places[MODEL_PLACES];
    unsigned count = 0;
    rl::atomic<uintptr_t> atomics[MODEL_PLACES];
    const volatile void *seen[8]; /* where each thread looked last */
    unsigned looks[8];            /* how often, one after the other */
};

extern model_memory *model_now; /* of this run */

/* What a model has instead of names. */
struct model_hooks {
    /* The atomic of a place that a thread is about to come to; NULL: it has
     * none. */
    rl::atomic<uintptr_t> *(*find)(const volatile void *place, unsigned size);
    void (*accessed)(); /* and afterwards: another thread may run now */
};

extern const model_hooks *model_hooked; /* NULL: places are named */

/* One run begins; the places that threads share are named first. */
void model_begin(model_memory *memory);


/* main() of a model: runs the suite; 0, if no run goes wrong. */
bool model_is_quiet();
void model_list();

template <typename suite>
int model_main(unsigned iterations)
{
    rl::test_params params;
    std::ostream none(NULL);

    params.iteration_count = iterations;
    params.execution_depth_limit = 20000;
    params.progress_stream = &none;
    params.collect_history = std::getenv("MODEL_HISTORY") != NULL;
    if (model_is_quiet()) {
        params.output_stream = &none;
    }
    bool right = rl::simulate<suite>(params);
    model_list();
    return right ? 0 : 1;
}

#endif /* MODELS_MODEL_H */
