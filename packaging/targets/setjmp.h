/* SPDX-License-Identifier: MIT
 *
 * setjmp.h - jumps; see README.
 */
#ifndef TARGETS_SETJMP_H
#define TARGETS_SETJMP_H

typedef long jmp_buf[64];
typedef long sigjmp_buf[64];

int setjmp(jmp_buf buffer) __attribute__((__returns_twice__));
void longjmp(jmp_buf buffer, int value) __attribute__((__noreturn__));
int sigsetjmp(sigjmp_buf buffer, int mask) __attribute__((__returns_twice__));
void siglongjmp(sigjmp_buf buffer, int value) __attribute__((__noreturn__));

#endif /* TARGETS_SETJMP_H */
