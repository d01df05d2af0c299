/* SPDX-License-Identifier: MIT
 *
 * whole_model.h - what a model of the whole library calls; see whole.h.
 */
#ifndef MODELS_WHOLE_MODEL_H
#define MODELS_WHOLE_MODEL_H

#include "model.h"

#define WHOLE_MODEL_THREADS 4

/* Before the first run. */
void whole_start();

/* Before all else in a run.  MODEL_HISTORY=1 in the environment tells the
 * history of the run that goes wrong. */
void whole_prepare();

/* Before the threads of a run begin, and when they have ended.  Outside of
 * these two no access is the model's. */
void whole_begin(model_memory *memory);
void whole_end();

/* The thread is a new one, which has used nothing yet. */
void whole_renew(unsigned thread);

/* For the history: how much was seen. */
void whole_tell();

/* Outside of a run: as which thread the library is called. */
void whole_act(unsigned thread);

/* Between calls of the library: before the model itself does something by which
 * another thread may run, or the thread ends, and afterwards. */
void whole_suspend();
void whole_resume();

/* A thread of a run begins, with that stack. */
void whole_enter(const void *stack);

#endif /* MODELS_WHOLE_MODEL_H */
