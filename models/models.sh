#!/bin/sh
# SPDX-License-Identifier: MIT
#
# models.sh - runs the models, with what is wrong on purpose and without.
#
# Run by `make check-models`.  Three things have to hold: no run of a kind goes
# wrong; each seeded error makes the kinds go wrong that it concerns; and so
# does each memory order of the library's source, weakened by one step, in one
# kind at least.  An order that no model needs is an order too many, or one that
# the model does not see: both are failures here.
#
# Of the whole library, which is slower, the last concerns only what a pattern
# says, and a kind is right after RUNS.
#
# What it cannot do: run all orders of the threads.  It takes RUNS at random, and
# ten or forty times as many where nothing was found.
set -eu
: "${CC:=cc}" "${CXX:=c++}" "${top_srcdir:=.}" "${RUNS:=20000}"
: "${CPPFLAGS:=}"
dir=models/work
status=0

complain()
{
    echo "models: $*"
    status=1
}

echo '#include <relacy/relacy.hpp>' >models-try.cc
# shellcheck disable=SC2086 # the flags are a list
if ! $CXX -std=gnu++14 -w -fsyntax-only models-try.cc; then
    rm -f models-try.cc
    echo "models: relacy/relacy.hpp is missing; Debian has it in relacy-dev"
    exit 1
fi
rm -f models-try.cc
mkdir -p "$dir"
export MODEL_QUIET=1

# The library's source is compiled as it is, but for where its atomic accesses
# go.  The variables of a thread are found by a call, which the model answers.
build()
{
    # shellcheck disable=SC2086
    $CC -O1 -g -w -D_GNU_SOURCE -DMP_EMULATED_TLS $CPPFLAGS \
        -include "$top_srcdir/models/orders.h" \
        -c "$top_srcdir/models/$1_unit.c" -o "$dir/$1_unit.o"
    for file in model "$1"; do
        # shellcheck disable=SC2086
        $CXX -std=gnu++14 -O1 -g -w $CPPFLAGS \
            -c "$top_srcdir/models/$file.cc" -o "$dir/$file.o"
    done
    $CXX "$dir/$1.o" "$dir/model.o" "$dir/$1_unit.o" -lpthread -o "$dir/$1"
}

# The same for a model of the whole library.  The compiler calls a function at
# each plain access, which whole.cc has.
build_whole()
{
    # shellcheck disable=SC2086
    $CC -O1 -g -w -D_GNU_SOURCE -DMP_EMULATED_TLS $CPPFLAGS \
        -fsanitize=thread -fno-pie -include "$top_srcdir/models/whole.h" \
        -c "$top_srcdir/models/$1_unit.c" -o "$dir/$1_unit.o"
    for file in model whole "$1"; do
        # shellcheck disable=SC2086
        $CXX -std=gnu++14 -O1 -g -w -fno-pie $CPPFLAGS \
            -c "$top_srcdir/models/$file.cc" -o "$dir/$file.o"
    done
    $CXX -no-pie "$dir/$1.o" "$dir/whole.o" "$dir/model.o" "$dir/$1_unit.o" \
        -lpthread -o "$dir/$1"
}

# goes_wrong MODEL KIND SEED: with so many runs at least.  Some errors show once in
# some hundred thousand.
goes_wrong()
{
    "$dir/$1" "$2" "$3" "$RUNS" >"$dir/log" || return 0
    "$dir/$1" "$2" "$3" "$((RUNS * 40))" >"$dir/log" && return 1
    return 0
}

# seeded MODEL SEED NAME KIND...
seeded()
{
    model=$1 seed=$2 name=$3 noticed=0
    shift 3
    for kind; do
        if goes_wrong "$model" "$kind" "$seed"; then
            noticed=$((noticed + 1))
        else
            complain "$model $kind does not notice: $name"
        fi
    done
    echo "$model: noticed in $noticed of $# kinds: $name"
}

# Those orders of which the line in the source matches PATTERN.
matching()
{
    while IFS=: read -r file line order; do
        for source in "$top_srcdir"/src/*/"$file" \
                      "$top_srcdir/include/$file"; do
            if [ -f "$source" ] &&
               sed -n "${line}p" "$source" | grep -Eq "$pattern"; then
                echo "$file:$line:$order"
            fi
        done
    done
}

# weakened MODEL KIND...
weakened()
{
    model=$1
    shift
    for kind; do
        MODEL_LIST=1 "$dir/$model" "$kind" 0 2000
    done | sort -u | matching >"$dir/orders"
    [ -s "$dir/orders" ] || complain "$model has no memory order"
    while read -r MODEL_WEAK <&3; do
        export MODEL_WEAK
        found=
        for kind; do
            "$dir/$model" "$kind" 0 "$RUNS" >"$dir/log" || found="$found $kind"
        done
        for kind; do
            [ -z "$found" ] || break
            "$dir/$model" "$kind" 0 "${RUNS}0" >"$dir/log" || found=" $kind"
        done
        [ -n "$found" ] || complain "$model needs no $MODEL_WEAK"
        echo "$model: $MODEL_WEAK:${found:- not noticed}"
    done 3<"$dir/orders"
    unset MODEL_WEAK
}

# right MODEL RUNS KIND...
right()
{
    model=$1 runs=$2
    shift 2
    right=0
    for kind; do
        if MODEL_QUIET='' "$dir/$model" "$kind" 0 "$runs" >"$dir/log"; then
            right=$((right + 1))
        else
            cat "$dir/log"
            complain "$model $kind goes wrong"
        fi
    done
    echo "$model: $runs runs are right in $right of $# kinds"
}

pattern=.

build lock
right lock "${RUNS}0" one two one-seq two-seq
seeded lock 1 "a thread that leaves a lock wakes nobody" one two one-seq two-seq
seeded lock 2 "it does not wait for one that is going to sleep" \
    one two one-seq two-seq
seeded lock 3 "there is no fence" one two
weakened lock one two one-seq two-seq

build pause
light='light exact handle refused exact-refused'
fenced='fenced exact-fenced handle-fenced'
# shellcheck disable=SC2086
{
    right pause "${RUNS}0" $light $fenced
    seeded pause 1 "the pauser waits for nobody" $light $fenced
    seeded pause 2 "the fence comes too early" $light
    seeded pause 3 "the caches stay enabled" $light $fenced
    seeded pause 4 "there is no fence" $light
    weakened pause $light $fenced
}

build_whole pools
# The orders that others depend on who meet a pool: that it is open, and that it
# is not kept.  What the child of a fork reads is not in the model, nor is an
# order that another lock makes up for.
right pools "$RUNS" drop visit found report attach reset end orphan kept \
    window full below sweep
right pools "$((RUNS / 20))" fork end-fork
seeded pools 1 "a lock does not note that it was entered" attach
seeded pools 2 "a pool is dropped without its thread's lock" report
seeded pools 3 "a quiet pool is reset without its lock" reset
seeded pools 4 "nobody is told that a pool ends" drop attach end
seeded pools 5 "a thread ends without the attachments' lock" end orphan
seeded pools 6 "its caches leave pools without the pools' locks" end
seeded pools 7 "its pools become orphans without its lock" end orphan kept
seeded pools 8 "the caches stay enabled" reset window full sweep
seeded pools 9 "the pauser waits for nobody" reset window full sweep
seeded pools 10 "caches are enabled while their pool is swept" sweep
seeded pools 11 "credit does not come back before a refusal" full
pattern='place[.]kept|place[.]open, true|get_acquire[(]&mp->place[.]open'
weakened pools drop found
exit "$status"
