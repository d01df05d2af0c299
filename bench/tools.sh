#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tools.sh - how long a program with a pool takes under a tool that checks, as a
# multiple of what it takes there with malloc().
#
# `make bench-tools` runs this.  bench/tools.c is built as a user's program is,
# called and compiled in, and linked with the shared library.  What is compared
# is processor time, the least of three runs.  The program
# does nothing but allocate, write and read its objects once; the goal is 2.
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
    # shellcheck disable=SC2086 # a command
    malloc=$(least $before "$dir/called" malloc "$rounds")
    for way in called compiled_in; do
        for kind in default capacity mark locked; do
            # shellcheck disable=SC2086 # a command
            pool=$(least $before "$dir/$way" $kind "$rounds")
            echo "$tool $way $kind $pool $malloc"
        done
    done | awk '{
        ratio = $5 > 0 ? $4 / $5 : 0
        printf "%-9s %-12s %-9s %6d ms  malloc %6d ms  %5.2f\n", $1, $2, $3,
            $4, $5, ratio }'
}

if command -v valgrind >/dev/null 2>&1; then
    measure memcheck 100000 'valgrind -q' "$CC"
    measure helgrind 100000 'valgrind -q --tool=helgrind' "$CC"
    measure drd 100000 'valgrind -q --tool=drd' "$CC"
fi
measure asan 1000000 '' "$CC" -fsanitize=address
measure tsan 1000000 '' "$CC" -fsanitize=thread
measure msan 1000000 '' clang -fsanitize=memory
