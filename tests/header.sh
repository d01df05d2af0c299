#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header.sh - each header compiles alone, in C99, C11 and C++11.
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
sed 's/memory_pool\.h/memory_pool_inline.h/' "$dir/alone.c" >"$dir/inline.c"
cat >>"$dir/inline.c" <<'END'
void *both(memory_pool_t *mp, void *ptr);
void *both(memory_pool_t *mp, void *ptr)
{
    free_memory(mp, ptr);
    free_memory(mp, NULL);
    return mp_allocate(mp, MP_INLINE ? 16 : 17);
}
END
cp "$dir/alone.c" "$dir/alone.cc"
cp "$dir/inline.c" "$dir/inline.cc"

for standard in c99 c11; do
    echo "header: $CC -std=$standard"
    for name in alone inline; do
        $CC -std=$standard -pedantic -Wall -Wextra -Wundef -Wconversion \
            -Wshadow -O2 -Werror -I"$top_builddir/include" \
            -I"$top_srcdir/include" -c "$dir/$name.c" -o "$dir/$name.o"
    done
done

if [ -z "${CXX:-}" ] || ! command -v ${CXX%% *} >/dev/null 2>&1; then
    echo 'header: no C++ compiler, C++11 not tried'
    exit 0
fi
echo "header: $CXX -std=c++11"
for name in inline alone; do
    $CXX -std=c++11 -pedantic -Wall -Wextra -Wundef -Wconversion \
        -O2 -Werror -I"$top_builddir/include" -I"$top_srcdir/include" \
        -c "$dir/$name.cc" -o "$dir/$name.o"
done
if [ -n "$(${NM} "$dir/alone.o" | sed -n '/_Z.*is_mp_ptr/p')" ]; then
    echo 'header: is_mp_ptr has C++ linkage'
    exit 1
fi
