#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gate-names.sh - the gate lets a macro give way to the function of its name,
# and the tag of a structure end in _t, and no other name change.
. "${top_srcdir:-.}/tests/gate-setup.sh"

# turn OLD NEW BODY MAP: a release has these lines, the coming version those.
turn()
{
    rm -rf "$dir/abi"
    echo '1.0.0 (not yet released)' >"$dir/NEWS"
    library "$1" "$3" "$4"
    passes 'a release to turn from' baseline 1.0.0 0:0:0
    library "$2" "$3" "$4"
    printf '%s\n' '1.1.0 (not yet released)' '1.0.0 (2026-01-02)' \
        >"$dir/NEWS"
    gate baseline 1.1.0 0:1:0
}

body='int (mp_second)(int a) { return a; }'
map='NODE_1 { global: first; mp_second; local: *; };'
turn 'int mp_second(int);
#define mp_second(a) mp_second((a))' 'int mp_second(int);' "$body" "$map"
passes 'a macro less, of a function that stays' since 1.1.0 0:1:0
turn 'int mp_second(int);
#define mp_third(a) mp_second((a))' 'int mp_second(int);' "$body" "$map"
stops 'a macro less, and its name with it' 'not 1:0:0' since 1.1.0 0:1:0

body='int second(shape *s) { return s->a; }'
turn 'typedef struct mp_shape { int a; } shape; int second(shape *);' \
    'typedef struct mp_shape_t { int a; } shape; int second(shape *);' \
    "$body" "$one_map"
passes 'another tag' since 1.1.0 0:1:0
turn 'typedef struct mp_shape { int a; } shape; int second(shape *);' \
    'typedef struct mp_shape_t { int a, b; } shape; int second(shape *);' \
    "$body" "$one_map"
stops 'another tag, and a member more' 'not 1:0:0' since 1.1.0 0:1:0
turn 'typedef struct mp_stats { int a; } shape; int second(shape *);' \
    'typedef struct mp_stats_t { int a; long b; } shape; int second(shape *);' \
    "$body" "$one_map"
gate baseline 1.1.0 1:0:1
passes 'another tag, of a structure whose length is told' since 1.1.0 1:0:1
exit $status
