#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header-run.sh - programs with the inline header do the same in each compiler.
#
# tests/header_use.c and .cc are compiled with and without optimisation, with
# _FORTIFY_SOURCE, with every function instrumented, and for link-time
# optimisation, each by the compilers of this build and by gcc and clang where
# they are installed; and run with the library of this build.
#
# What it cannot do: mix compilers where the library has a sanitizer of one of
# them in it; then the build's own compilers are tried alone.
test -z "$SANITIZE_CFLAGS$EMULATOR" || others=no
. "${top_srcdir:-.}/tests/header-setup.sh"

dlname='' old_library=''
. "$top_builddir/libmempool.la"
library=$top_builddir/.libs/${dlname:-$old_library}
# The programs count calls by the linker's --wrap.
echo 'int main(void) { return 0; }' >"$dir/main.c"
cp "$dir/main.c" "$dir/main.cc"
$CC -Wl,--wrap=main_other -o "$dir/main" "$dir/main.c" 2>/dev/null ||
    skip 'this linker has no --wrap'

# run COMPILER SOURCE FLAGS...
run()
{
    compiler=$1 source=$2
    shift 2
    echo "header-run: $compiler $*: $source"
    # shellcheck disable=SC2086 # the flags are lists
    $compiler $SANITIZE_CFLAGS "$@" -Wall -Wextra -Werror $include \
        "$top_srcdir/tests/$source" -o "$dir/program" \
        -Wl,--wrap=mp_allocate -Wl,--wrap=free_memory "$library" \
        -Wl,-rpath,"$(cd "$top_builddir/.libs" && pwd)" $PTHREAD_FLAGS &&
        ${EMULATOR:-} "$dir/program" ||
        complain "$compiler $*: $source does not build, or fails"
}

# ways COMPILER SOURCE
ways()
{
    run "$1" "$2" -O2
    run "$1" "$2" -O0
    run "$1" "$2" -Os -fno-inline
    run "$1" "$2" -O0 -finstrument-functions
    run "$1" "$2" -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    keep=-fkeep-inline-functions
    # gcc has no fence for ThreadSanitizer, and the C++ library has one in an
    # inline function.
    case ${SANITIZERS:-}:$2 in *thread*:*.cc) keep= ;; esac
    for flag in $keep -flto; do
        ! $1 -O1 $flag -Werror -o "$dir/main" "$dir/main.${2##*.}" \
            >/dev/null 2>&1 || run "$1" "$2" -O1 $flag
    done
}

# A compiler of the machine for another system than the build's is left
# out.  Its headers tell: glibc's alone define the first of these words.
system_of()
{
    printf '#include <limits.h>\nsystem __GLIBC__ __SIZEOF_POINTER__\n' |
        $1 -E -P - | grep '^system'
}
is_alike()
{
    test "$(system_of "$1")" = "$(system_of "$CC")" || {
        echo "header-run: $1 is for another system: left out"
        return 1
    }
}

while read -r compiler; do
    is_alike "$compiler" || continue
    ways "$compiler" header_use.c
done <"$dir/c"
while read -r compiler; do
    is_alike "$compiler" || continue
    ways "$compiler" header_use.cc
done <"$dir/c++"
exit $status
