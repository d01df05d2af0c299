/* SPDX-License-Identifier: MIT
 *
 * pthread.h - threads; see README.
 */
#ifndef TARGETS_PTHREAD_H
#define TARGETS_PTHREAD_H

#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

/* OpenBSD and FreeBSD have pointers here, illumos numbers and structures. */
#ifdef __sun
typedef unsigned pthread_t;
typedef struct {
    uint64_t words[3];
} pthread_mutex_t;
typedef struct {
    uint64_t words[2];
} pthread_cond_t;
typedef struct {
    int once;
} pthread_once_t;
#define PTHREAD_MUTEX_INITIALIZER {{0, 0, 0}}
#define PTHREAD_COND_INITIALIZER {{0, 0}}
#define PTHREAD_ONCE_INIT {0}
typedef struct {
    uint64_t words[8];
} pthread_rwlock_t;
#define PTHREAD_RWLOCK_INITIALIZER {{0, 0, 0, 0, 0, 0, 0, 0}}
#else
typedef struct targets_thread *pthread_t;
typedef struct targets_mutex *pthread_mutex_t;
typedef struct targets_cond *pthread_cond_t;
typedef struct {
    int state;
    pthread_mutex_t mutex;
} pthread_once_t;
#define PTHREAD_MUTEX_INITIALIZER NULL
#define PTHREAD_COND_INITIALIZER NULL
#define PTHREAD_ONCE_INIT {0, NULL}
typedef struct targets_rwlock *pthread_rwlock_t;
#define PTHREAD_RWLOCK_INITIALIZER NULL
#endif
typedef int pthread_key_t;
typedef struct targets_attr *pthread_attr_t;
typedef struct targets_mutexattr *pthread_mutexattr_t;
typedef struct targets_condattr *pthread_condattr_t;

#define PTHREAD_CANCEL_ENABLE 0
#define PTHREAD_CANCEL_DISABLE 1
#define PTHREAD_CANCEL_DEFERRED 0
#define PTHREAD_CANCEL_ASYNCHRONOUS 2
#define PTHREAD_CANCELED ((void *)1)
#define PTHREAD_CREATE_DETACHED 1

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *argument);
int pthread_join(pthread_t thread, void **result);
int pthread_detach(pthread_t thread);
void pthread_exit(void *result) __attribute__((__noreturn__));
pthread_t pthread_self(void);
int pthread_equal(pthread_t a, pthread_t b);
int pthread_kill(pthread_t thread, int number);
int pthread_cancel(pthread_t thread);
int pthread_setcancelstate(int state, int *old);
int pthread_setcanceltype(int type, int *old);
void pthread_testcancel(void);
int pthread_once(pthread_once_t *once, void (*run)(void));
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void));
int pthread_key_create(pthread_key_t *key, void (*end)(void *));
int pthread_key_delete(pthread_key_t key);
void *pthread_getspecific(pthread_key_t key);
int pthread_setspecific(pthread_key_t key, const void *value);
int pthread_attr_init(pthread_attr_t *attributes);
int pthread_attr_destroy(pthread_attr_t *attributes);
int pthread_attr_setstack(pthread_attr_t *attributes, void *stack,
                          size_t size);
int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size);
int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state);
int pthread_mutex_init(pthread_mutex_t *mutex,
                       const pthread_mutexattr_t *attributes);
int pthread_mutex_destroy(pthread_mutex_t *mutex);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int pthread_rwlock_unlock(pthread_rwlock_t *lock);
int pthread_cond_init(pthread_cond_t *cond,
                      const pthread_condattr_t *attributes);
int pthread_cond_destroy(pthread_cond_t *cond);
int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until);
int pthread_cond_signal(pthread_cond_t *cond);
int pthread_cond_broadcast(pthread_cond_t *cond);

#define pthread_cleanup_push(run, argument) \
    {                                       \
        void (*targets_run)(void *) = run;  \
        void *targets_argument = argument;
#define pthread_cleanup_pop(execute)       \
        if (execute) {                     \
            targets_run(targets_argument); \
        }                                  \
    }

#endif /* TARGETS_PTHREAD_H */
