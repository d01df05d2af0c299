#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header-names.sh - the headers leave a program's own names alone.
#
# MAX_BLOCK_SIZE is a short name that programs have, too.  A source file that
# asks for declarations only defines functions in place of the library's.
. "${top_srcdir:-.}/tests/header-setup.sh"

# compiles WHAT LINE...: in each compiler of C.
compiles()
{
    what=$1
    shift
    printf '%s\n' "$@" >"$dir/own.c"
    while read -r compiler; do
        # shellcheck disable=SC2086 # the flags are a list
        $compiler -Wall -Wextra -Werror $include -c "$dir/own.c" \
            -o "$dir/own.o" || complain "$compiler: $what"
    done <"$dir/c"
}

seven='int own[MAX_BLOCK_SIZE == 7 && MP_MAX_BLOCK_SIZE >= 64 ? 1 : -1];'
compiles 'a macro MAX_BLOCK_SIZE before the header' \
    '#define MAX_BLOCK_SIZE 7' '#include <memory_pool.h>' "$seven"
compiles 'a macro MAX_BLOCK_SIZE behind the header' \
    '#define MP_NO_MAX_BLOCK_SIZE' '#include <memory_pool.h>' \
    '#define MAX_BLOCK_SIZE 7' "$seven"
compiles 'an enumerator MAX_BLOCK_SIZE' \
    '#define MP_NO_MAX_BLOCK_SIZE' '#include <memory_pool.h>' \
    'enum { MAX_BLOCK_SIZE = 7 };' "$seven"
for header in memory_pool memory_pool_inline memory_pool_hooks; do
    compiles "the base functions' names, with $header.h" \
        '#define MP_PREFIXED_ONLY' "#include <$header.h>" \
        'enum { MAX_BLOCK_SIZE = 7 };' \
        'static int init_memory_pool, destroy_memory_pool, free_memory;' \
        'static int free_all_memory, is_mp_ptr;' \
        'int use(memory_pool_t *mp, void *ptr);' \
        'int use(memory_pool_t *mp, void *ptr)' \
        '{ mp_free(mp, ptr); mp_reset(mp); mp_destroy(mp);' \
        'return init_memory_pool + destroy_memory_pool + free_memory +' \
        'free_all_memory + is_mp_ptr + mp_owns(mp, ptr); }'
done
compiles 'functions in place of those of the library' \
    '#define MP_DECLARATIONS_ONLY' '#include <memory_pool_inline.h>' \
    'memory_pool_t *mp_create(const mp_options_t *options)' \
    '{ return options != NULL ? options->parent : NULL; }' \
    'void *mp_allocate(memory_pool_t *mp, size_t m_size)' \
    '{ return m_size != 0 ? mp : NULL; }'
exit $status
