#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hpp.sh - memory_pool.hpp compiles without a warning, from C++11 on, and so
# does memory_pool_hooks.h.
#
# In each standard that the compilers know, with exceptions and run-time types
# and without.  In two of them the test program is compiled so as well, which
# uses all of the header.
. "${top_srcdir:-.}/tests/header-setup.sh"
test -s "$dir/c++" || skip 'no C++ compiler'

cat >"$dir/alone.cc" <<'END'
#include <memory_pool.hpp>
#include <memory_pool_hooks.h>
#include <memory_pool.hpp>
int use(memory_pool_t *mp);
int use(memory_pool_t *mp)
{
    mempool::pool pool(mempool::options().parent(mp).name("child"));
    mempool::mark mark(pool);
    mempool::unique_ptr<int> object = mempool::make_unique<int>(pool, 1);
    return *object + *mempool::make_shared<int>(pool, 2);
}
END
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
-Wold-style-cast -Wuseless-cast -Wzero-as-null-pointer-constant -Wundef
-Wnon-virtual-dtor -Woverloaded-virtual -Werror'

while read -r compiler; do
    flags=
    for flag in $warnings; do
        ! takes "$compiler" c++ "$flag" || flags="$flags $flag"
    done
    # shellcheck disable=SC2086 # the flags are lists
    for standard in c++11 c++14 c++17 c++20 c++23; do
        takes "$compiler" c++ "-std=$standard" || continue
        echo "hpp: $compiler -std=$standard"
        for more in -O2 '-fsyntax-only -fno-exceptions -fno-rtti'; do
            $compiler -std=$standard $more $flags $include \
                -c "$dir/alone.cc" -o "$dir/alone.o" ||
                complain "$compiler -std=$standard $more"
        done
        case $standard in c++11 | c++17) ;; *) continue ;; esac
        $compiler -std=$standard -fsyntax-only $flags $include \
            "$top_srcdir/tests/check_hpp.cc" ||
            complain "$compiler -std=$standard: check_hpp.cc"
    done
done <"$dir/c++"
exit $status
