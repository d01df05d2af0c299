#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-options.sh - MEMPOOL_OPTIONS is read as the manual says.
. "${top_srcdir:-.}/tests/tools.sh"
bugs=$top_builddir/tests/planted/bugs

# What the program prints with these options: options, fault, kind.
says()
{
    MEMPOOL_OPTIONS=$1 $EMULATOR "$bugs" "$2" "${3:-default}" 2>&1
}

# A pattern must be in a text: pattern, text, what the text is of.
has()
{
    echo "$2" | grep -q -e "$1" || complain "$3: no '$1' in: $2"
}

# It must not be.
lacks()
{
    ! echo "$2" | grep -q -e "$1" || complain "$3: '$1' in: $2"
}

# Nothing may be printed.
silent()
{
    test -z "$1" || complain "$2: $1"
}

test "${SANITIZERS:-none}" = none ||
    skip "built for a sanitizer, which says more"

# A word that is none, or has a wrong value: one line, with all words in it.
for wrong in no poison=1 guard=2 guard=1/0 quarantine=x fail fail=0 fail=x \
    fail=101% seed name; do
    said=$(says "redzone,$wrong" freed_read)
    test "$(echo "$said" | grep -c .)" = 1 || complain "$wrong: $said"
    has "not understood: $wrong; words are: passthrough .* help" "$said" \
        "$wrong"
done
said=$(says one,two freed_read)
has 'not understood: one,two;' "$said" 'two wrong words'

# help has a line for each word that the warning lists, and so has the page.
for word in $(echo "$said" | sed 's/.*words are: //; s/=N or =P%//
    s/\[*=[^ ]*//g'); do
    has "^  $word[^ ]* " "$(says help freed_read)" help
    grep -Eq "^\.It Cm $word( Ns .*)?\$" "$page" ||
        complain "$page: has no word $word"
done

# A pattern chooses pools.
silent "$(says 'name=other,redzone' overrun_write)" 'another name'
has '^default: written behind' "$(says 'name=def*,redzone' overrun_write)" \
    'a pattern'
silent "$(says 'name=*,redzone' overrun_write base)" 'a pool without a name'

# Reports, and the end by abort().
silent "$(says '' double_free)" 'no option'
has '^default: your ptr is not in' "$(says report double_free)" report
(says abort double_free >/dev/null) && complain 'abort: the program goes on'
says abort freed_read >/dev/null || complain 'abort: without a report'

# Who allocated and freed is named, where the C library can.
said=$(says redzone,poison,callers freed_write)
has 'written to a freed object: at offset 3 of the 24 bytes at 0x' "$said" \
    callers
if test -z "$EMULATOR" &&
    echo '#include <stdio.h>' | $CC -E -dM - | grep -q __GLIBC__; then
    has '; allocated by .*bugs' "$said" callers
    has '; freed by .*bugs' "$said" callers
else
    echo 'debug-options.sh: left out: the names of callers'
fi

# At exit.
said=$(says stats,leaks leak)
has 'live_objects  *1$' "$said" stats
has '^default: leak: 1 object, [0-9]* bytes at exit$' "$said" leaks
has '^default: leak: 1 object of [0-9]* bytes, [0-9]* bytes in all, first at 0x' \
    "$(says leaks freed_read; says leaks overrun_read)" leaks

# The first request fails, or all do; each by itself.
(says fail=1 freed_read >/dev/null)
test $? = 2 || complain 'fail=1: the first request did not fail'
says fail=2 freed_read >/dev/null || complain 'fail=2: the first one failed'
(says fail=100% freed_read >/dev/null)
test $? = 2 || complain 'fail=100%: a request did not fail'
has '^libmempool: MEMPOOL_OPTIONS: fail: seed=7$' \
    "$(says fail=0.001%,seed=7 freed_read)" seed
has '^libmempool: MEMPOOL_OPTIONS: fail: seed=[0-9]' \
    "$(says fail=0.001% freed_read)" 'a new seed'

# The same words in a program's options for one pool: words, fault, kind.
gives()
{
    $EMULATOR "$bugs" "$2" "${3:-default}" "$1" 2>&1
}

said=$(gives stats,leaks leak)
has 'live_objects  *1$' "$said" 'own stats'
has '^default: leak: 1 object, [0-9]* bytes at exit$' "$said" 'own leaks'
has '^default: leak: 1 object of [0-9]* bytes' "$(gives leaks overrun_read)" \
    'own leaks, at the end'
(gives fail=1 freed_read >/dev/null)
test $? = 2 || complain 'own fail=1: the first request did not fail'
has '^libmempool: default: fail: seed=7$' \
    "$(gives fail=0.001%,seed=7 freed_read)" 'own seed'
(gives redzone,poison=1 freed_read >/dev/null)
test $? = 2 || complain 'own words that are wrong: a pool was made'

# The variable adds words, and its numbers come first.
both()
{
    MEMPOOL_OPTIONS=$1 $EMULATOR "$bugs" "$3" default "$2" 2>&1
}
has '^default: written behind' "$(both report redzone overrun_write)" \
    'one word each'
both fail=2 fail=1 freed_read >/dev/null ||
    complain 'own fail=1 was not replaced by fail=2'
(both fail=1 fail=2 freed_read >/dev/null)
test $? = 2 || complain 'own fail=2 was not replaced by fail=1'
# Without a quarantine malloc decides whether the address is an object again.
freed='a freed object of'
has "$freed" "$(both report quarantine=1k double_free_reused)" \
    'own quarantine'
lacks "$freed" "$(both report,quarantine=0 quarantine=1k double_free_reused)" \
    'own quarantine, none by the variable'
(both name=other,fail=1 fail=9 freed_read >/dev/null) ||
    complain 'fail=1 for pools of another name'
exit $status
