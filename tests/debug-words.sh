#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-words.sh - each word of MEMPOOL_OPTIONS finds what the manual says.
#
# The program tests/planted/bugs makes one fault in a pool of each kind.  A word
# has found it where the library says something that is about the fault, or,
# with guard, where a signal ended the program.  The tables of mempool_debug(7)
# are made anew so: MP_TABLE=1 prints them.  A "yes" is held everywhere; that
# there is no other is compared with the GNU C library alone, since it depends
# on malloc() which freed memory is used again.
#
# In a default pool the same words, given by the program as options of the pool,
# find the same.
#
# tests/planted/correct makes no fault, and nothing may be found.
. "${top_srcdir:-.}/tests/tools.sh"
test "${SANITIZERS:-none}" = none ||
    skip "built for a sanitizer, which finds the faults itself"
bugs=$top_builddir/tests/planted/bugs
correct=$top_builddir/tests/planted/correct
# Not libtool's script, which takes longer than the program that it runs.
if test -z "$EMULATOR" && test -x "$top_builddir/tests/planted/.libs/bugs"; then
    bugs=$top_builddir/tests/planted/.libs/bugs
    LD_LIBRARY_PATH=$(cd "$top_builddir/.libs" && pwd)
    export LD_LIBRARY_PATH
fi

# Runs one; succeeds where the fault was found: word, fault, kind, and "own"
# where the program itself gives the word.
found()
{
    case $1 in fail) asked=fail=1000000000 ;; *) asked=$1 ;; esac
    case $# in
    4) $EMULATOR "$bugs" "$2" "$3" "$asked,report" ;;
    *) MEMPOOL_OPTIONS=$asked,report $EMULATOR "$bugs" "$2" "$3" ;;
    esac >"$dir/out" 2>"$dir/err"
    code=$?
    test $code -ne 2 || complain "bugs $2 $3: did not work"
    test "$1" != guard || test $code -lt 128 || return 0
    said=
    while read -r line; do
        said="$said$line;"
    done <"$dir/err"
    # What malloc() notices of itself was not found by a word; and that an
    # object is left, or how many there are, tells of no fault but a leak.
    case $2:$said in
    leak:*'leak: '* | leak:*live_objects*) return 0 ;;
    leak:*) return 1 ;;
    *'your ptr is'* | *'written '*) return 0 ;;
    *) return 1 ;;
    esac
}

# Sets answer to "yes" where a word finds a fault in each kind of pool that is
# tried.  No process is made but the program's: there are hundreds of these.
try()
{
    answer=-
    case $1 in redzone) some=$kinds ;; *) some='default base' ;; esac
    for kind in $some; do
        found "$1" "$2" "$kind" || return
    done
    answer=yes
}

# A table as the library makes it: its name in the page.
make_table()
{
    words=$(table "$1" | sed -n '1s/^ *fault *//p')
    # shellcheck disable=SC2086 # a list
    echo fault $words
    for fault in $("$bugs"); do
        row=$fault
        for word in $words; do
            try "$word" "$fault"
            row="$row $answer"
            case $word in native) continue ;; esac
            found "$word" "$fault" default && variable=yes || variable=-
            found "$word" "$fault" default own && own=yes || own=-
            test $own = $variable || complain \
                "$word finds $fault: $own from the program, $variable else" >&2
        done
        echo "$row"
    done
}

glibc=$(echo '#include <stdio.h>' | $CC -E -dM - | grep -c '__GLIBC__ ')
for name in words more; do
    table $name | tr -s ' ' >"$dir/page"
    test -s "$dir/page" || complain "no table $name in $page"
    make_table $name >"$dir/made"
    test -z "${MP_TABLE-}" || cat "$dir/made"
    # Without those that are not promised and found here.
    $AWK 'NR == FNR { for (i = 2; i <= NF; i++) made[FNR, i] = $i; next }
          { for (i = 2; i <= NF; i++)
                if ($i == "yes" && made[FNR, i] == "-")
                    print $1, "in column", i }' \
        "$dir/made" "$dir/page" >"$dir/missed"
    test ! -s "$dir/missed" || complain "not found: $(cat "$dir/missed")"
    if test "$glibc" != 0 && test -z "$EMULATOR"; then
        diff "$dir/page" "$dir/made" >"$dir/differs" ||
            complain "$page (<) and what is found (>): $(cat "$dir/differs")"
    else
        echo "debug-words.sh: left out: what else is found than $name promises"
    fi
done

# Each word has a column, or the page says that it finds nothing itself.
for word in $(MEMPOOL_OPTIONS=help $EMULATOR "$bugs" freed_read base 2>&1 |
    sed -n 's/^  \([a-z]*\).*/\1/p'); do
    case $word in seed | name | help) continue ;; esac
    { table words; table more; } | grep -q "^fault.* $word\( \|\$\)" ||
        complain "$page: no column for $word"
done

for words in passthrough redzone,tags poison quarantine=10k guard guard=1/3 \
    redzone,poison,callers,abort,report native; do
    MEMPOOL_OPTIONS=$words $EMULATOR "$correct" 2>"$dir/err" ||
        complain "$words: the correct program fails"
    test ! -s "$dir/err" || complain "$words: $(cat "$dir/err")"
done
exit $status
