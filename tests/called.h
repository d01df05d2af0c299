/* SPDX-License-Identifier: MIT
 *
 * called.h - the library's function, where the header compiles one in.
 *
 * CALLED(mp_allocate)(mp, 16) calls mp_allocate() of the library, whatever
 * the header has of that name.  The pointer is volatile, so the compiler may
 * not conclude which function it leads to.
 */
#ifndef CALLED_H
#define CALLED_H

#define CALLED(name) (((__typeof__(name) *volatile[]){name})[0])

#endif /* CALLED_H */
