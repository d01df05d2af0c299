/* SPDX-License-Identifier: MIT
 *
 * man_mp_attach.c - the example of mp_attach(3).
 *
 * A task does its steps in three threads, one after the other, which joining
 * them puts in order.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <stdlib.h>

struct number {
    struct number *next;
    int value;
};

/* A task that collects numbers.  Its steps may run in different threads. */
struct task {
    mp_handle_t *handle;
    struct number *numbers;
};

static bool task_step(struct task *task, int value)
{
    struct number *number = mp_handle_allocate(task->handle,
                                               sizeof *number);

    if (number == NULL) {
        return false;
    }
    number->value = value;
    number->next = task->numbers;
    task->numbers = number;
    return true;
}

static void *run(void *argument)
{
    struct task *task = argument;
    int value = task->numbers == NULL ? 0 : task->numbers->value;

    return task_step(task, value + 1) ? task : NULL;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct task task = {mp_attach(mp), NULL};
    int left = 3;

    if (mp == NULL || task.handle == NULL) {
        return EXIT_FAILURE;
    }
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *result = NULL;
        if (pthread_create(&thread, NULL, run, &task) != 0 ||
            pthread_join(thread, &result) != 0 || result == NULL) {
            return EXIT_FAILURE;
        }
    }
    while (task.numbers != NULL && task.numbers->value == left) {
        struct number *number = task.numbers;
        task.numbers = number->next;
        mp_handle_free(task.handle, number);
        left--;
    }
    mp_detach(task.handle);
    destroy_memory_pool(mp);
    return left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
