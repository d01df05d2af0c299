#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gate-since.sh - the gate lets the interface move after a release only with
# all that belongs to it: version-info, a node of the map and NEWS.
. "${top_srcdir:-.}/tests/gate-setup.sh"

# news LINE: of the coming version, above those of the release.
news()
{
    printf '%s\n' '1.1.0 (not yet released)' "  $1" '1.0.0 (2026-01-02)' \
        '  second' >"$dir/NEWS"
}

echo '1.0.0 (2026-01-02)' >"$dir/NEWS"
library "$one" "$one_body" "$one_map"
passes 'the baseline of a release' baseline 1.0.0 0:0:0
stops 'a released baseline' 'is released' baseline 1.0.0 0:0:0
passes 'the release' now 1.0.0 0:0:0
passes 'no release before it' since 1.0.0 0:0:0
news third
passes 'the next baseline' baseline 1.1.0 0:1:0
passes 'only the revision' since 1.1.0 0:1:0

more="$one int third(void);"
more_body="$one_body int third(void) { return 3; }"
library "$more" "$more_body" "$one_map NODE_2 { global: third; } NODE_1;"
stops 'a function more' 'third' now 1.1.0 0:1:0
gate baseline 1.1.0 0:1:0
stops 'a function more, version-info as before' 'not 1:0:1' since 1.1.0 0:1:0
gate baseline 1.1.0 1:0:0
stops 'a function more, age 0' 'not 1:0:1' since 1.1.0 1:0:0
gate baseline 1.1.0 1:0:1
passes 'a function more, with all' since 1.1.0 1:0:1
news other
stops 'a function more, not in NEWS' 'does not name: third' since 1.1.0 1:0:1
news 'second third'
library "$more" "$more_body" \
    'NODE_1 { global: first; second; third; local: *; };'
gate baseline 1.1.0 1:0:1
stops 'a new function in an old node' 'third is new in NODE_1' \
    since 1.1.0 1:0:1
library "$more" "$more_body" \
    'NODE_1 { global: first; local: *; }; NODE_2 { global: second; third; };'
gate baseline 1.1.0 1:0:1
stops 'an old function in a new node' 'second moved from node NODE_1' \
    since 1.1.0 1:0:1

# Removed or changed: a new soname.
library 'int third(void);' 'int third(void) { return 3; }' \
    'NODE_1 { global: first; local: *; }; NODE_2 { global: third; } NODE_1;'
gate baseline 1.1.0 1:0:1
stops 'a function less' 'not 1:0:0' since 1.1.0 1:0:1
gate baseline 1.1.0 1:0:0
passes 'a function less, with all' since 1.1.0 1:0:0
library "$one
#undef MP_ONE" "$one_body" "$one_map"
gate baseline 1.1.0 0:1:0
stops 'a macro less' 'not 1:0:0' since 1.1.0 0:1:0

# What cannot be compared is an error, and not a change.
library "$one" "$one_body" "$one_map"
gate baseline 1.1.0 0:1:0
: >"$dir/abi/1.1.0.abi"
stops 'a baseline that cannot be read' 'abidiff:' since 1.1.0 0:1:0
exit $status
