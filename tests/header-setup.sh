# SPDX-License-Identifier: MIT
#
# header-setup.sh - what the tests of the headers share.  They source it.
#
# The include directories are given by -I: in a system header compilers keep
# most warnings to themselves, and a program that carries the library with it
# has no such one.  $dir/c and $dir/c++ list the compilers of the two
# languages: those of this build, and gcc and clang where they are installed,
# since each warns of other things.  A test that sets $others to no is given
# those of this build alone.
. "${top_srcdir:-.}/tests/shell.sh"
include="-I$top_builddir/include -I$top_srcdir/include"

# The compilers of a language: the build's own first, each once.
compilers()
{
    {
        printf '%s\n' "$1"
        shift
        test "${others:-yes}" = no || for compiler; do
            ! command -v "$compiler" >/dev/null 2>&1 || echo "$compiler"
        done
    } | $AWK '!seen[$0]++'
}
compilers "$CC" gcc clang >"$dir/c"
if test -n "${CXX:-}" && command -v "${CXX%% *}" >/dev/null 2>&1; then
    compilers "$CXX" g++ clang++ >"$dir/c++"
else
    echo "${0##*/}: no C++ compiler, C++ is left out"
    : >"$dir/c++"
fi

# takes COMPILER LANGUAGE FLAG: the compiler knows the flag.  clang takes one
# that it does not know for a warning, gcc ignores an unknown -Wno-.
takes()
{
    echo 'int nothing;' >"$dir/nothing.c"
    $1 -Werror "$3" -x "$2" -c "$dir/nothing.c" -o "$dir/nothing.o" \
        >/dev/null 2>&1
}
