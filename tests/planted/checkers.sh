#!/bin/sh
# SPDX-License-Identifier: MIT
#
# checkers.sh - checkers see through the pools of the library as it is shipped.
#
# make check-tools runs this.  The programs bugs.c and correct.c are built as a
# user's are, with and without each sanitizer, and linked with the shared
# library, which knows none.  Each fault that mempool_debug(7) says a tool finds
# is found in a pool of every kind, and in the correct program none is, called
# and compiled in.  What the page says that a tool does not find is not found in
# a default pool: else the page is out of date.  A sanitizer or tool that is not
# installed is left out, and named.  MP_TABLE=1 also prints which faults each
# tool finds in a default pool, as the page's table has them.
. "${top_srcdir:-.}/tests/tools.sh"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
library=$top_builddir/.libs/libmempool.so
test -f "$library" || skip 'there is no shared library'
test "${SANITIZERS:-none}" = none || skip 'the library is built otherwise'
ASAN_OPTIONS=detect_leaks=1
export ASAN_OPTIONS
unset MEMPOOL_OPTIONS

# Builds a program: compiler, its flags, source, result.
build()
{
    $1 -g -O1 $2 -I"$top_builddir/include" -I"$top_srcdir/include" \
        -o "$dir/$4" "$top_srcdir/tests/planted/$3.c" "$library" \
        -Wl,-rpath,"$(cd "$top_builddir" && pwd)/.libs" \
        $PTHREAD_FLAGS 2>"$dir/$4.log"
}

# Runs a program, with what comes before it; exits with 99 where the tool has
# found something, and with what the program says else.
cat >"$dir/run" <<'END'
tool=$1 program=$2
shift 2
case $tool in
memcheck)
    set -- valgrind -q --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite "$program" "$@" ;;
helgrind | drd)
    set -- valgrind -q --error-exitcode=99 --tool=$tool "$program" "$@" ;;
*) set -- "$program" "$@" ;;
esac
"$@" >"$program.$tool.$$" 2>&1
code=$?
if grep -q 'ERROR: [AL][a-z]*Sanitizer\|WARNING: [MT][a-z]*Sanitizer' \
    "$program.$tool.$$"; then
    code=99
fi
case $expect in
other) test $code != 99 ;;
*) test $code = "$expect" ;;
esac || {
    echo "$tool: ${program##*/} $*: exit status $code, not $expect"
    head -n 40 "$program.$tool.$$"
}
rm -f "$program.$tool.$$"
END

# Runs lines of arguments, as many at a time as there are processors.
run_all()
{
    expect=$1 xargs -P "$jobs" -L 1 sh "$dir/run" >"$dir/said" 2>&1
    test ! -s "$dir/said" || complain "$(cat "$dir/said")"
}

# Prints a column of the table: the tool.
print_column()
{
    for fault in $(table tools | sed '1d; s/ .*//'); do
        expect=99 sh "$dir/run" "$1" "$dir/$1-called-bugs" "$fault" default \
            >"$dir/said" 2>&1
        test -s "$dir/said" && answer=- || answer=yes
        echo "table: $fault $1 $answer"
    done
}

# All that is said of one tool: the tool, compiler, its flags.
check_tool()
{
    for way in called compiled_in; do
        case $way in called) flag= ;; *) flag=-DCOMPILED_IN ;; esac
        for source in bugs correct; do
            build "$2" "$3 $flag" $source "$1-$way-$source" || {
                echo "checkers.sh: left out: $1: $2 $3 does not link"
                return
            }
        done
        for kind in $kinds; do
            echo "$1 $dir/$1-$way-correct $kind"
        done | run_all 0
        faults tools "$1" yes >"$dir/promised"
        test -s "$dir/promised" || complain "$1 finds nothing"
        case $way in called) some=$kinds ;; *) some=default ;; esac
        while read -r fault; do
            for kind in $some; do
                echo "$1 $dir/$1-$way-bugs $fault $kind"
            done
        done <"$dir/promised" | run_all 99
    done
    for fault in $(faults tools "$1" -); do
        echo "$1 $dir/$1-called-bugs $fault default"
    done | run_all other
    test -z "${MP_TABLE-}" || print_column "$1"
    echo "checkers.sh: $1: done"
}

# What a tool says of a write to a freed object names who did what.
check_stacks()
{
    for who in 'in freed_write\|: freed_write' 'in get\|: get'; do
        grep -q "$who" "$dir/stacks" ||
            complain "$1: no '$who' in: $(cat "$dir/stacks")"
    done
}

# shellcheck disable=SC2043 # a list
if command -v valgrind >/dev/null 2>&1 &&
    echo '#include <valgrind/memcheck.h>' | $CC -E - >/dev/null 2>&1; then
    for tool in memcheck helgrind drd; do
        check_tool $tool "$CC" ''
    done
    valgrind -q "$dir/memcheck-called-bugs" freed_write default \
        >"$dir/stacks" 2>&1
    check_stacks memcheck
else
    echo 'checkers.sh: left out: valgrind, or its headers'
fi
check_tool asan "$CC" -fsanitize=address
if test -x "$dir/asan-called-bugs"; then
    "$dir/asan-called-bugs" freed_write default >"$dir/stacks" 2>&1
    check_stacks asan
fi
check_tool tsan "$CC" -fsanitize=thread
check_tool msan clang -fsanitize=memory
exit $status
