#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gate-growth.sh - the gate lets a structure whose length the library is told
# grow at its end, and in no other way.
. "${top_srcdir:-.}/tests/gate-setup.sh"

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

grow mp_options 'int a; char b; long c;'
passes 'a longer structure' since 1.1.0 1:0:1
gate baseline 1.1.0 0:1:0
stops 'a longer structure, version-info as before' 'not 1:0:1' \
    since 1.1.0 0:1:0
grow mp_stats 'int a; char b; long c; int d; char *e;'
passes 'another longer structure' since 1.1.0 1:0:1
grow mp_options 'int a; char b; char c;'
stops 'a member in padding' 'not 1:0:0' since 1.1.0 1:0:1
grow mp_options 'int a; char b; char c; long d;'
stops 'a member in padding, and one behind' 'not 1:0:0' since 1.1.0 1:0:1
grow mp_options 'int a; long c; char b;'
stops 'a member in between' 'not 1:0:0' since 1.1.0 1:0:1
grow mp_options 'unsigned a; char b; long c;'
stops 'longer, and a member of another type' 'not 1:0:0' since 1.1.0 1:0:1
grow mp_options 'int a;'
stops 'a member less' 'not 1:0:0' since 1.1.0 1:0:1
grow mp_shape 'int a; char b; long c;'
stops 'a longer structure of no told length' 'not 1:0:0' since 1.1.0 1:0:1
exit $status
