/* SPDX-License-Identifier: MIT
 *
 * access.h - what a source of the library and a model of it say to each other.
 *
 * Each atomic access says where it stands, and which memory order it asks for:
 * one of __ATOMIC_RELAXED to __ATOMIC_SEQ_CST.  size: bytes of the place.
 */
#ifndef MODELS_ACCESS_H
#define MODELS_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A place that threads share is named once, before they run. */
void model_name(volatile void *place, unsigned size);

uintptr_t model_load(const volatile void *place, unsigned size, int order,
                     const char *file, unsigned line);
void model_store(volatile void *place, unsigned size, uintptr_t value,
                 int order, const char *file, unsigned line);
uintptr_t model_swap(volatile void *place, unsigned size, uintptr_t value,
                     int order, const char *file, unsigned line);
uintptr_t model_add(volatile void *place, unsigned size, uintptr_t value,
                    int order, const char *file, unsigned line);
bool model_exchange(volatile void *place, unsigned size, uintptr_t *expected,
                    uintptr_t value, int order, const char *file,
                    unsigned line);

#ifdef __cplusplus
}
#endif
#endif /* MODELS_ACCESS_H */
