/* SPDX-License-Identifier: MIT
 *
 * orders.h - leads the atomic accesses of a source to a model.
 *
 * It is included before the source.  Each access is a call that says where it
 * stands and which memory order it asks for, so that the model can also weaken
 * just that one.
 *
 * What it cannot do: see accesses that are not atomic.
 */
#ifndef MODELS_ORDERS_H
#define MODELS_ORDERS_H

#include "access.h"

#define MODEL_HERE __FILE__, __LINE__


#define __atomic_load_n(place, order)                             \
    ((__typeof__(*(place)))model_load(place, sizeof *(place), order, \
                                      MODEL_HERE))
#define __atomic_store_n(place, value, order)                     \
    model_store((volatile void *)(place), sizeof *(place),        \
                (uintptr_t)(value), order, MODEL_HERE)
#define __atomic_exchange_n(place, value, order)                  \
    ((__typeof__(*(place)))model_swap((volatile void *)(place),   \
                                      sizeof *(place),            \
                                      (uintptr_t)(value), order,  \
                                      MODEL_HERE))
#define __atomic_fetch_add(place, value, order)                   \
    ((__typeof__(*(place)))model_add((volatile void *)(place),    \
                                     sizeof *(place),             \
                                     (uintptr_t)(value), order,   \
                                     MODEL_HERE))
#define __atomic_fetch_sub(place, value, order)                   \
    __atomic_fetch_add(place, 0 - (uintptr_t)(value), order)
#define __atomic_compare_exchange_n(place, expected, value, weak, order,     \
                                    failed)                                  \
    __extension__({                                                          \
        uintptr_t model_was = (uintptr_t)*(expected);                        \
        bool model_did = model_exchange((volatile void *)(place),            \
                                        sizeof *(place), &model_was,         \
                                        (uintptr_t)(value), order,           \
                                        MODEL_HERE);                         \
        *(expected) = (__typeof__(*(expected)))model_was;                    \
        model_did;                                                           \
    })

#endif /* MODELS_ORDERS_H */
