#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header.sh - the header compiles alone, in C99, C11 and C++11.
#
# Nothing is included before it, it is included twice, every warning is an
# error, and the macros it promises must be there.  Without a C++ compiler
# that part is left out, and the output says so.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/alone.c" <<'END'
#include <memory_pool.h>
#include <memory_pool.h>
#if MAX_BLOCK_SIZE < 64 || MP_VERSION_MAJOR < 0 || MP_VERSION_MINOR < 0 || \
    MP_VERSION_PATCH < 0
#error a promised macro is missing or wrong
#endif
bool use(memory_pool_t *mp, void *ptr);
bool use(memory_pool_t *mp, void *ptr)
{
    return is_mp_ptr(mp, ptr);
}
END
cp "$dir/alone.c" "$dir/alone.cc"

for standard in c99 c11; do
    echo "header: $CC -std=$standard"
    $CC -std=$standard -pedantic -Wall -Wextra -Wundef -Werror \
        -I"$top_builddir/include" -c "$dir/alone.c" -o "$dir/alone.o"
done

if [ -z "${CXX:-}" ] || ! command -v ${CXX%% *} >/dev/null 2>&1; then
    echo 'header: no C++ compiler, C++11 not tried'
    exit 0
fi
echo "header: $CXX -std=c++11"
$CXX -std=c++11 -pedantic -Wall -Wextra -Wundef -Werror \
    -I"$top_builddir/include" -c "$dir/alone.cc" -o "$dir/alone.o"
if [ -n "$(${NM} "$dir/alone.o" | sed -n '/_Z.*is_mp_ptr/p')" ]; then
    echo 'header: is_mp_ptr has C++ linkage'
    exit 1
fi
