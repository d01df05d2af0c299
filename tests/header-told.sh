#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header-told.sh - the header tells compilers nothing that is not so.
#
# If a compiler believes that it knows the answer, it removes the code that asks
# for it.  So the test compiles such questions, and looks whether the call that
# depends on the answer is still in the object file.
. "${top_srcdir:-.}/tests/header-setup.sh"

cat >"$dir/told.c" <<'END'
#ifdef PLAIN
#include <memory_pool.h>
#else
#include <memory_pool_inline.h>
#endif
int length_unknown(void);
int may_be_old(void);
void told(memory_pool_t *mp, mp_handle_t *handle, int *old);
void told(memory_pool_t *mp, mp_handle_t *handle, int *old)
{
    int *p = (int *)(void *)(CALL);
    int before = *old;

    (void)mp;
    (void)handle;
    *p = before + 1;
    if (*old != before) {
        may_be_old();
    }
    if (__builtin_object_size(p, 0) == (size_t)-1) {
        length_unknown();
    }
}
END
# told SYMBOL CALL...
told()
{
    symbol=$1
    shift
    while read -r compiler; do
        for call; do
            for header in '' -DPLAIN; do
                # shellcheck disable=SC2086 # the flags are lists
                $compiler -O2 $header "-DCALL=$call" $include \
                    -c "$dir/told.c" -o "$dir/told.o" || exit 1
                $NM "$dir/told.o" | grep "$symbol" >/dev/null ||
                    complain "$compiler $header: $call: not $symbol"
            done
        done
    done <"$dir/c"
}

# An object's length is for mp_usable_size() to say.
told length_unknown 'mp_allocate(mp, 20)' 'mp_calloc(mp, 1, 20)' \
    'mp_realloc(mp, NULL, 20)' 'mp_aligned_alloc(mp, 16, 20)' \
    'mp_memdup(mp, old, 20)' 'mp_handle_allocate(handle, 20)'
# A pool may be made of an old one.
told may_be_old 'init_memory_pool()' 'mp_create(NULL)' \
    'mp_create_sized(NULL, 0)'
exit $status
