#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-callers.sh - with the word callers a report names the function that
# allocated an object and the one that freed it first, in a shared object and in
# the program, which is linked with -rdynamic.
. "${top_srcdir:-.}/tests/tools.sh"
test "${SANITIZERS:-none}" = none || skip 'the library is built otherwise'
test -z "$EMULATOR" || skip 'an emulated program'
library=$top_builddir/.libs/libmempool.so
test -f "$library" || skip 'there is no shared library'
echo '#include <stdio.h>' | $CC -E -dM - | grep -q __GLIBC__ ||
    skip 'this C library may name nobody'

cat >"$dir/part.c" <<'CODE'
#include <memory_pool.h>

void *part_allocate(memory_pool_t *mp)
{
    void *volatile object = mp_allocate(mp, 24);

    return object;
}
CODE
cat >"$dir/program.c" <<'CODE'
#include <memory_pool.h>

void *part_allocate(memory_pool_t *mp);
void program_free(memory_pool_t *mp, void *object);

static volatile int freed;

void program_free(memory_pool_t *mp, void *object)
{
    free_memory(mp, object);
    freed++;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    void *object = part_allocate(mp);

    program_free(mp, object);
    program_free(mp, object);
    return 0;
}
CODE
where=$(cd "$top_builddir" && pwd)/.libs
flags="-I$top_builddir/include -I$top_srcdir/include"
# shellcheck disable=SC2086 # lists
{
    $CC -O0 $flags -fPIC -shared -o "$dir/libpart.so" "$dir/part.c" &&
        $CC -O0 $flags -rdynamic -o "$dir/program" "$dir/program.c" \
            "$dir/libpart.so" "$library" -Wl,-rpath,"$where:$dir" \
            $PTHREAD_FLAGS
} || { complain 'the program does not compile'; exit $status; }
said=$(MEMPOOL_OPTIONS=callers,report "$dir/program" 2>&1)
for words in 'a freed object of 24 bytes; allocated by [^;]*libpart.so(part_allocate+' \
    '; allocated by [^;]* < [^;]*/program(main+' \
    '; freed by [^;]*/program(program_free+'; do
    echo "$said" | grep -q "$words" || complain "no '$words' in: $said"
done
exit $status
