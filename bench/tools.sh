#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tools.sh - how long a program with a pool takes under a tool that checks, as a
# multiple of what it takes there with malloc().
#
# `make bench-tools` runs this.  bench/tools.c is built as a user's program is,
# called and compiled in, and linked with the shared library.  What is compared
# is processor time, the least of three runs.  The program does nothing but
# allocate, write and read its objects once, or, in rows that say "bare", only
# allocate.  The rows of a default pool come with one thread and with four.  The
# goal is 2, and a row that misses it says so.
#
# TOOLS=memcheck,asan selects.  A tool that is not there is left out.
set -u
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
library=$(cd "$top_builddir/.libs" && pwd)
unset MEMPOOL_OPTIONS
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

# The processor time of a command, in milliseconds.
spend()
{
    (
        "$@" >/dev/null 2>&1 || exit
        times
    ) | awk 'NR == 2 {
        for (i = 1; i <= 2; i++) {
            split($i, part, "[ms]")
            sum += part[1] * 60000 + part[2] * 1000
        }
        printf "%d\n", sum }'
}

# The least of three; 0: the command fails.
least()
{
    for i in 1 2 3; do
        spend "$@"
    done | sort -n | awk 'NR == 1 { n = $1 } END { print NR == 3 ? n : 0 }'
}

# A tool: its name, rounds, what comes before the program, compiler, flags.
measure()
{
    tool=$1 rounds=$2 before=$3
    shift 3
    case ,${TOOLS-$tool}, in *,"$tool",*) ;; *) return ;; esac
    for way in called compiled_in; do
        case $way in called) flag= ;; *) flag=-DCOMPILED_IN ;; esac
        # shellcheck disable=SC2086 # flags
        "$@" -g -O2 $flag -I"$top_builddir/include" -I"$top_srcdir/include" \
            -I"$top_srcdir/tests/planted" -o "$dir/$way" \
            "$top_srcdir/bench/tools.c" "$library/libmempool.so" \
            -Wl,-rpath,"$library" $PTHREAD_FLAGS 2>/dev/null || {
            echo "tools.sh: left out: $tool"
            return
        }
    done
    for load in used:1 used:4 bare:1 bare:4; do
        case $load in used:1) kinds='default capacity mark locked' ;;
        *) kinds=default ;; esac
        use=${load%:*} threads=${load#*:}
        # shellcheck disable=SC2086 # a command
        malloc=$(least $before "$dir/called" malloc "$rounds" $use $threads)
        for way in called compiled_in; do
            for kind in $kinds; do
                # shellcheck disable=SC2086 # a command
                pool=$(least $before "$dir/$way" $kind "$rounds" $use $threads)
                echo "$tool $way $kind $use $threads $pool $malloc"
            done
        done
    done | awk '{
        ratio = $7 > 0 ? $6 / $7 : 0
        word = ratio > 2 ? "  goal 2 missed" : ratio > 0 ? "" : "  failed"
        printf "%-9s %-12s %-9s %s %d %6d ms  malloc %6d ms  %5.2f%s\n", $1,
            $2, $3, $4, $5, $6, $7, ratio, word }'
}

if command -v valgrind >/dev/null 2>&1; then
    measure memcheck 100000 'valgrind -q' "$CC"
    measure helgrind 100000 'valgrind -q --tool=helgrind' "$CC"
    measure drd 100000 'valgrind -q --tool=drd' "$CC"
fi
measure asan 1000000 '' "$CC" -fsanitize=address
measure tsan 1000000 '' "$CC" -fsanitize=thread
measure msan 1000000 '' clang -fsanitize=memory
