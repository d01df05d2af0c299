#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh - looks for sequences of calls that go wrong, with libFuzzer.
#
# Run by `make fuzz`.  There are two builds in the folder fuzzing, both with
# AddressSanitizer, UndefinedBehaviorSanitizer and the library's own checks.
# The second has a range of 2 MiB and base pools of 64 bytes, so that the ways
# of a library that has no more room are taken often.  Half of the time is for
# each.  The inputs that reach new code stay in fuzzing/corpus.  One that goes
# wrong is left in fuzzing as crash-*; `fuzz/replay FILE` runs it again.
set -eu
: "${CC:=clang}" "${top_srcdir:=.}" "${FUZZ_SECONDS:=60}"
sanitize='-fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer'
FLAGS="-D_GNU_SOURCE $FLAGS"

# A build: its name, and flags of its own.  The fuzzer learns only what of the
# library is reached: to watch the model, or each comparison, takes most of the
# time and leads nowhere, since no input has magic numbers.
build()
{
    name=$1
    shift
    objects=
    # shellcheck disable=SC2086 # the flags are lists
    $CC -g -O1 $sanitize -fsanitize=fuzzer-no-link \
        -fno-sanitize-coverage=trace-cmp "$@" $FLAGS -DMP_CHECKS \
        -include "$top_srcdir/tests/redirect.h" \
        -c "$top_srcdir/src/libmempool.c" -o "fuzzing/$name.o"
    for source in $SOURCES; do
        object=fuzzing/$name-${source##*/}.o
        # shellcheck disable=SC2086
        $CC -g -O2 $sanitize "$@" $FLAGS -c "$top_srcdir/$source" -o "$object"
        objects="$objects $object"
    done
    # shellcheck disable=SC2086
    $CC $sanitize -fsanitize=fuzzer $objects "fuzzing/$name.o" $LIBS \
        -o "fuzzing/$name"
}

mkdir -p fuzzing/corpus fuzzing/tiny.include
echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void)
{ return 0; }' >fuzzing/try.c
# shellcheck disable=SC2086
if ! $CC -fsanitize=fuzzer fuzzing/try.c -o fuzzing/try 2>fuzzing/try.log; then
    cat fuzzing/try.log
    echo "fuzz: $CC has no libFuzzer; install clang, or set FUZZ_CC"
    exit 1
fi

sed 's/^\(#define MP_MAX_BLOCK_SIZE\) .*/\1 64/' include/memory_pool.h \
    >fuzzing/tiny.include/memory_pool.h
build normal
build tiny -Ifuzzing/tiny.include -DEXTENT_LONGEST=2

# Inputs to begin with, so that the first seconds are not lost.
test -n "$(ls fuzzing/corpus)" || fuzz/replay -w fuzzing/corpus -n 200
for name in normal tiny; do
    "fuzzing/$name" -max_total_time=$((FUZZ_SECONDS / 2)) -max_len=6000 \
        -timeout=60 -entropic=0 -artifact_prefix=fuzzing/ \
        fuzzing/corpus
done
