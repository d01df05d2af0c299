/* SPDX-License-Identifier: MIT
 *
 * syscall.h - numbers of calls; see README.
 */
#ifndef TARGETS_SYS_SYSCALL_H
#define TARGETS_SYS_SYSCALL_H

#ifdef __FreeBSD__
#define SYS_membarrier 584
#endif

#endif /* TARGETS_SYS_SYSCALL_H */
