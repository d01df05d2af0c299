#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gate-now.sh - the gate stops at each difference between the interface as it
# is and the baseline of the coming release.
. "${top_srcdir:-.}/tests/gate-setup.sh"
types='the interface is not that of'
symbols='symbols, nodes or version-info are not those of'
headers='the headers say other than'

echo '1.0.0 (not yet released)' >"$dir/NEWS"
library "$one" "$one_body" "$one_map"
stops 'no baseline' 'no baseline' now 1.0.0 0:0:0
passes 'the first baseline' baseline 1.0.0 0:0:0
passes 'nothing changed' now 1.0.0 0:0:0
stops 'version-info alone' "$symbols" now 1.0.0 1:0:1

library 'int second(int, int);' 'int second(int a, int b) { return a + b; }' \
    "$one_map"
stops 'an argument more' "$types" now 1.0.0 0:0:0
library "$one" "$one_body" 'NODE_2 { global: first; second; local: *; };'
stops 'another node' "$symbols" now 1.0.0 0:0:0
library "$one int third(void);" "$one_body int third(void) { return 3; }" \
    'NODE_1 { global: first; second; third; local: *; };'
stops 'a function more' "$symbols" now 1.0.0 0:0:0
library "$one
#define MP_TWO 2" "$one_body" "$one_map"
stops 'a macro more' "$headers" now 1.0.0 0:0:0
library "$one" "$one_body int private_one(int a) { return a; }" "$one_map"
passes 'what is not exported' now 1.0.0 0:0:0
library 'const int second(int);' 'const int second(int a) { return a; }' \
    "$one_map"
stops 'another declaration of the same' "$headers" now 1.0.0 0:0:0

# Structures, and what the header compiles into programs.
shape='int second(struct shape *);'
body='int second(struct shape *s) { return s->a; }'
library "struct shape { int a; long b; }; $shape" "$body" "$one_map"
passes 'a structure' baseline 1.0.0 0:0:0
passes 'the same structure' now 1.0.0 0:0:0
library "struct shape { long a; long b; }; $shape" "$body" "$one_map"
stops 'a member of another type' "$types" now 1.0.0 0:0:0
library "struct shape { long b; int a; }; $shape" "$body" "$one_map"
stops 'members in another order' "$types" now 1.0.0 0:0:0
for sign in + -; do
    library "$one
#define MP_TWO 2
static inline int compiled_in(int a) { return a $sign MP_TWO; }" \
        "$one_body" "$one_map"
    [ $sign = - ] || passes 'code in programs' baseline 1.0.0 0:0:0
done
stops 'other code in programs' "$headers" now 1.0.0 0:0:0

# A variable is known by its size, too.
for count in 2 3; do
    library "$one extern long table[];" \
        "$one_body long table[$count] = {1};" \
        'NODE_1 { global: first; second; table; local: *; };'
    [ $count = 3 ] || passes 'a variable' baseline 1.0.0 0:0:0
done
stops 'a longer variable' "$symbols" now 1.0.0 0:0:0
exit $status
