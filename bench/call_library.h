/* SPDX-License-Identifier: MIT
 *
 * call_library.h - functions that do nothing; see call.c.
 */
#ifndef CALL_LIBRARY_H
#define CALL_LIBRARY_H

#include <stddef.h>

void *call_allocate(void *pool, size_t size);
void call_free(void *pool, void *object);

#endif /* CALL_LIBRARY_H */
