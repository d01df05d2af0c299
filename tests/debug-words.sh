#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-words.sh - each word of MEMPOOL_OPTIONS finds what the manual says.
#
# The program tests/planted/bugs makes one fault in a pool of each kind.  A word
# has found it where something is on standard error, or a signal ended the
# program.  tests/planted/correct makes none, and nothing may be found.
. "${top_srcdir:-.}/tests/tools.sh"
test "${SANITIZERS:-none}" = none ||
    skip "built for a sanitizer, which finds the faults itself"
bugs=$top_builddir/tests/planted/bugs
correct=$top_builddir/tests/planted/correct

# Runs one; succeeds where the fault was found.
found()
{
    MEMPOOL_OPTIONS=$1,report $EMULATOR "$bugs" "$2" "$3" \
        >"$dir/out" 2>"$dir/err"
    code=$?
    test $code -ne 2 || complain "bugs $2 $3: did not work"
    test $code -ge 128 || test -s "$dir/err"
}

words=$(table words | sed -n '1s/^ *fault *//p')
test -n "$words" || complain "no table in $page"
for word in $words; do
    case $word in redzone) some=$kinds ;; *) some='default base' ;; esac
    promised words "$word" >"$dir/promised"
    test -s "$dir/promised" || complain "$word finds nothing"
    while read -r fault; do
        for kind in $some; do
            found "$word" "$fault" "$kind" ||
                complain "$word does not find $fault in a pool of $kind"
        done
    done <"$dir/promised"
done

for words in passthrough redzone,tags poison quarantine=10k guard guard=1/3 \
    redzone,poison,callers,abort,report native; do
    MEMPOOL_OPTIONS=$words $EMULATOR "$correct" 2>"$dir/err" ||
        complain "$words: the correct program fails"
    test ! -s "$dir/err" || complain "$words: $(cat "$dir/err")"
done
exit $status
