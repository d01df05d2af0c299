/* SPDX-License-Identifier: MIT
 *
 * private.h - longer names for what one file of the library lends another.
 *
 * The shared library hides these functions; a static one cannot, and a
 * program that links it may well have a heap_take() of its own.  So the
 * linker sees them with a prefix, while the sources keep the short names.
 * Every function or variable that is neither static nor public stands here;
 * a test of the archive's symbols finds one that does not.
 */
#ifndef MP_PRIVATE_H
#define MP_PRIVATE_H

#define heap_add mempool_private_heap_add
#define heap_find mempool_private_heap_find
#define heap_finish mempool_private_heap_finish
#define heap_give mempool_private_heap_give
#define heap_reset mempool_private_heap_reset
#define heap_start mempool_private_heap_start
#define heap_take mempool_private_heap_take
#define lock_fork_child mempool_private_lock_fork_child
#define lock_fork_parent mempool_private_lock_fork_parent
#define lock_fork_prepare mempool_private_lock_fork_prepare
#define lock_wait mempool_private_lock_wait
#define lock_wake mempool_private_lock_wake
#define pool_allocate_locked mempool_private_pool_allocate_locked
#define pool_allocate_slowly mempool_private_pool_allocate_slowly
#define pool_create mempool_private_pool_create
#define pool_destroy mempool_private_pool_destroy
#define pool_free_locked mempool_private_pool_free_locked
#define pool_free_slowly mempool_private_pool_free_slowly
#define pool_has mempool_private_pool_has
#define pool_reset mempool_private_pool_reset
#define report_event mempool_private_report_event
#define report_failure mempool_private_report_failure

#endif /* MP_PRIVATE_H */
