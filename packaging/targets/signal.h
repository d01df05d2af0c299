/* SPDX-License-Identifier: MIT
 *
 * signal.h - signals; see README.
 */
#ifndef TARGETS_SIGNAL_H
#define TARGETS_SIGNAL_H

#include <sys/types.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGABRT 6
#define SIGFPE 8
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGSYS 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 20
#define SIGUSR1 30
#define SIGUSR2 31

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int))-1)
#define SA_SIGINFO 0x40
#define SA_RESTART 2
#define SA_NODEFER 16
#define SA_ONSTACK 1
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define SIG_SETMASK 3

typedef int sig_atomic_t;
typedef struct {
    unsigned bits[4];
} sigset_t;
typedef struct {
    int si_signo;
    int si_code;
    void *si_addr;
} siginfo_t;

struct sigaction {
    union {
        void (*handler)(int);
        void (*action)(int, siginfo_t *, void *);
    } sa_u;
#define sa_handler sa_u.handler
#define sa_sigaction sa_u.action
    int sa_flags;
    sigset_t sa_mask;
};

void (*signal(int number, void (*handler)(int)))(int);
int raise(int number);
int kill(pid_t pid, int number);
int sigaction(int number, const struct sigaction *act, struct sigaction *old);
int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int number);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

#endif /* TARGETS_SIGNAL_H */
