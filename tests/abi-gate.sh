#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-gate.sh - packaging/abi.sh lets through what it should, and no more.
#
# A library of two functions gets a baseline and a release, then changes in
# each way that the gate knows, one at a time.  Left out where there is no
# abidw, and on machines for which there is no baseline.
set -u
top_srcdir=${top_srcdir:-.}
: "${CC:=cc}" "${NM:=nm}"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

command -v abidw >/dev/null 2>&1 || {
    echo 'abi-gate: abidw is missing: package abigail-tools'
    exit 77
}
case $($CC -dumpmachine) in
x86_64-*) ;;
*)
    echo 'abi-gate: the gate knows x86_64 alone'
    exit 77
    ;;
esac

complain()
{
    echo "abi-gate: $*"
    status=1
}

# A header, a source and a map for the lines given: the whole library anew.
library()
{
    mkdir -p "$dir/include"
    {
        echo '#define MP_ONE 1'
        printf '%s\n' 'int first(int);' "$1"
    } >"$dir/include/memory_pool.h"
    {
        echo '#include "memory_pool.h"'
        printf '%s\n' 'int first(int a) { return a; }' "$2"
    } >"$dir/library.c"
    printf '%s\n' "$3" >"$dir/library.map"
    $CC -g -shared -fPIC -I"$dir/include" -o "$dir/library.so" \
        "$dir/library.c" -Wl,-soname,library.so.0 \
        -Wl,--version-script="$dir/library.map" || exit 99
}

# gate MODE VERSION VERSION-INFO
gate()
{
    CC=$CC NM=$NM headers=$dir/include/memory_pool.h library=$dir/library.so \
        news=$dir/NEWS baselines=$dir/abi version=$2 version_info=$3 \
        sh "$top_srcdir/packaging/abi.sh" "$1" >"$dir/log" 2>&1
}

passes()
{
    what=$1
    shift
    gate "$@" || {
        complain "$what: stopped:"
        cat "$dir/log"
    }
}

# stops WHAT WORDS MODE VERSION VERSION-INFO
stops()
{
    what=$1
    words=$2
    shift 2
    if gate "$@"; then
        complain "$what: went through"
    elif ! grep -e "$words" "$dir/log" >/dev/null; then
        complain "$what: stopped for another reason:"
        cat "$dir/log"
    fi
}

one='int second(int);'
one_body='int second(int a) { return a; }'
one_map='NODE_1 { global: first; second; local: *; };'
printf '%s\n' '1.0.0 (not yet released)' '  second' >"$dir/NEWS"
library "$one" "$one_body" "$one_map"
stops 'no baseline' 'no baseline' check 1.0.0 0:0:0
passes 'the first baseline' baseline 1.0.0 0:0:0
passes 'nothing changed' check 1.0.0 0:0:0
stops 'version-info alone' 'version-info' check 1.0.0 1:0:1

# Before the release all may change, if the baseline does.
library 'int second(int, int);' 'int second(int a, int b) { return a + b; }' \
    "$one_map"
stops 'an argument more' "function int second" check 1.0.0 0:0:0
library "$one" "$one_body" 'NODE_2 { global: first; second; local: *; };'
stops 'another node' 'NODE_2' check 1.0.0 0:0:0
library 'int second(int);
#define MP_TWO 2' "$one_body" "$one_map"
stops 'a macro more' 'MP_TWO' check 1.0.0 0:0:0
library "$one" "$one_body int private_one(int a) { return a; }" "$one_map"
passes 'what is not exported' check 1.0.0 0:0:0

# Structures, and what the header compiles into programs.
shape='struct shape { int a; long b; }; int second(struct shape *);'
shape_body='int second(struct shape *s) { return s->a; }'
library "$shape" "$shape_body" "$one_map"
passes 'a structure' baseline 1.0.0 0:0:0
passes 'the same structure' check 1.0.0 0:0:0
library 'struct shape { long a; long b; }; int second(struct shape *);' \
    "$shape_body" "$one_map"
stops 'a member of another type' "type of 'int a' changed" check 1.0.0 0:0:0
library 'struct shape { long b; int a; }; int second(struct shape *);' \
    "$shape_body" "$one_map"
stops 'members in another order' 'offset changed' check 1.0.0 0:0:0
library "$one" "$one_body" "$one_map"
gate baseline 1.0.0 0:0:0
library 'const int second(int);' 'const int second(int a) { return a; }' \
    "$one_map"
stops 'another declaration of the same' 'const int second' check 1.0.0 0:0:0
library "$one
#define MP_TWO 2
static inline int compiled_in(int a) { return a + MP_TWO; }" "$one_body" \
    "$one_map"
gate baseline 1.0.0 0:0:0
library "$one
#define MP_TWO 2
static inline int compiled_in(int a) { return a - MP_TWO; }" "$one_body" \
    "$one_map"
stops 'other code in programs' 'a - ' check 1.0.0 0:0:0

# The release, and then the next one.
library "$one" "$one_body" "$one_map"
passes 'the first baseline again' baseline 1.0.0 0:0:0
sed 's/not yet released/2026-01-02/' "$dir/NEWS" >"$dir/old"
cp "$dir/old" "$dir/NEWS"
passes 'the release' check 1.0.0 0:0:0
stops 'a released baseline' 'is released' baseline 1.0.0 0:0:0
{ echo '1.1.0 (not yet released)'; echo '  third'; cat "$dir/old"; } \
    >"$dir/NEWS"
passes 'the next baseline' baseline 1.1.0 0:1:0
passes 'only the revision' check 1.1.0 0:1:0

more="$one int third(void);"
more_body="$one_body int third(void) { return 3; }"
more_map="$one_map NODE_2 { global: third; } NODE_1;"
library "$more" "$more_body" "$more_map"
stops 'a function more' 'third' check 1.1.0 0:1:0
gate baseline 1.1.0 0:1:0
stops 'a function more, version-info as before' 'not 1:0:1' check 1.1.0 0:1:0
gate baseline 1.1.0 1:0:0
stops 'a function more, age 0' 'not 1:0:1' check 1.1.0 1:0:0
gate baseline 1.1.0 1:0:1
passes 'a function more, with all' check 1.1.0 1:0:1
{ echo '1.1.0 (not yet released)'; echo '  other'; cat "$dir/old"; } \
    >"$dir/NEWS"
stops 'a function more, not in NEWS' 'does not name: third' check 1.1.0 1:0:1
{ echo '1.1.0 (not yet released)'; echo '  second third'; cat "$dir/old"; } \
    >"$dir/NEWS"
library "$more" "$more_body" \
    'NODE_1 { global: first; second; third; local: *; };'
gate baseline 1.1.0 1:0:1
stops 'a new function in an old node' 'third is new in NODE_1' \
    check 1.1.0 1:0:1

# Removed or changed: a new soname.
library 'int third(void);' 'int third(void) { return 3; }' \
    'NODE_1 { global: first; local: *; }; NODE_2 { global: third; } NODE_1;'
gate baseline 1.1.0 1:0:1
stops 'a function less' 'not 1:0:0' check 1.1.0 1:0:1
gate baseline 1.1.0 1:0:0
passes 'a function less, with all' check 1.1.0 1:0:0

# grow NAME MEMBERS: a release has a structure of that name, with an int and a
# char; the coming version has these members in it.
grow()
{
    rm -rf "$dir/abi"
    echo '1.0.0 (not yet released)' >"$dir/NEWS"
    for members in 'int a; char b;' "$2"; do
        library "struct $1 { $members }; int second(struct $1 *);" \
            "int second(struct $1 *s) { return s->a; }" "$one_map"
        [ -e "$dir/abi" ] || passes "$1" baseline 1.0.0 0:0:0
    done
    printf '%s\n' '1.1.0 (not yet released)' '1.0.0 (2026-01-02)' \
        >"$dir/NEWS"
    gate baseline 1.1.0 1:0:1
}

# A structure whose length the library is told may grow at its end.
grow mp_options 'int a; char b; long c;'
passes 'a longer structure' check 1.1.0 1:0:1
gate baseline 1.1.0 0:1:0
stops 'a longer structure, version-info as before' 'not 1:0:1' \
    check 1.1.0 0:1:0
grow mp_stats 'int a; char b; long c; int d; char *e;'
passes 'another longer structure' check 1.1.0 1:0:1
grow mp_options 'int a; char b; char c;'
stops 'a member in padding' 'not 1:0:0' check 1.1.0 1:0:1
grow mp_options 'int a; long c; char b;'
stops 'a member in between' 'not 1:0:0' check 1.1.0 1:0:1
grow mp_options 'unsigned a; char b; long c;'
stops 'longer, and a member of another type' 'not 1:0:0' check 1.1.0 1:0:1
grow mp_options 'int a;'
stops 'a member less' 'not 1:0:0' check 1.1.0 1:0:1
grow mp_shape 'int a; char b; long c;'
stops 'a longer structure of no told length' 'not 1:0:0' check 1.1.0 1:0:1
exit $status
