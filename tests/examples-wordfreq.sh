#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq.sh - wordfreq counts as tr, sort and uniq do.
#
# The counts are compared for a text and for a file of what is hard: a line
# of 100 KB, lines that just fit and just do not, words longer than a pool
# and than a read buffer, NUL bytes, no newline at the end.  What the pool
# did is held against the file's own numbers where they determine it.
set -u
LC_ALL=C
export LC_ALL
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
AWK=${AWK:-awk}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0
wordfreq=$top_builddir/examples/wordfreq
max=$(sed -n 's/^#define MAX_BLOCK_SIZE //p' \
    "$top_builddir/include/memory_pool.h")

complain()
{
    echo "examples-wordfreq: $*"
    status=1
}

words()
{
    tr A-Z a-z <"$1" | tr -cs 'a-z0-9\200-\377' '\n' | sed '/^$/d'
}

# The lines of a file; some sed take a NUL byte for the end of one, too.
lines_of()
{
    tr -d '\000' <"$1" | sed -n '$='
}

# Standard error has nothing but the pool's words about being full.
no_messages()
{
    if grep -v '^the memory pool is full$' "$dir/err"; then
        complain "$1: the lines above on standard error"
    fi
}

# The number before the given words in what was printed of the pool.
number()
{
    sed -n "s/^ *\([0-9][0-9]*\)  *$1\$/\1/p" "$dir/out"
}

# Compares all counts, then what is printed without options.
compare()
{
    words "$1" | sort | uniq -c | sort -k1,1nr -k2 | sed 's/^ *//' \
        >"$dir/expected"
    "$wordfreq" --all "$1" >"$dir/out" 2>"$dir/err" ||
        complain "$1: --all: exit status $?"
    no_messages "$1"
    sed 's/^ *//' "$dir/out" >"$dir/seen"
    cmp "$dir/expected" "$dir/seen" || complain "$1: other counts"

    # However many threads, and with malloc in place of pools.
    for options in '--threads 2' '--threads 7' '--threads 64' '--malloc' \
        '--malloc --threads 3' '--compare --threads 3'; do
        "$wordfreq" $options --all "$1" >"$dir/out" 2>"$dir/err" ||
            complain "$1: $options: exit status $?"
        no_messages "$1"
        sed 's/^ *//' "$dir/out" >"$dir/seen"
        cmp "$dir/expected" "$dir/seen" || complain "$1: $options: counts"
        lines=$(lines_of "$1")
        "$wordfreq" $options "$1" 2>"$dir/err" |
            grep -F "$1: ${lines:-0} lines, " >/dev/null ||
            complain "$1: $options: not ${lines:-0} lines"
    done

    "$wordfreq" -n 3 "$1" >"$dir/out" 2>"$dir/err" ||
        complain "$1: -n 3: exit status $?"
    no_messages "$1"
    sed 3q "$dir/expected" >"$dir/first"
    sed -e '/^$/,$d' -e 's/^ *//' "$dir/out" >"$dir/seen"
    cmp "$dir/first" "$dir/seen" || complain "$1: not the three first"

    total=$(words "$1" | grep -c .)
    different=$(wc -l <"$dir/expected")
    lines=$(lines_of "$1")
    grep -F "$1: ${lines:-0} lines, $total words, $((different))" \
        "$dir/out" >/dev/null || complain "$1: other totals"
    objects=$(number 'words kept until their line ends')
    long=$(number 'words too long for a pool')
    test $((objects + long)) -eq "$total" ||
        complain "$1: $objects objects and $long long words, not $total"
    held=$(number 'bytes at once at most')
    test "$held" -le "$max" && test "$((held > 0))" -eq "$((objects > 0))" ||
        complain "$1: $held bytes in a pool of $max"
    full=$(grep -c . "$dir/err")
    test "$(number 'allocations refused')" -eq "$full" ||
        complain "$1: the pool was full $full times"
    test $status -eq 0 || cat "$dir/out"
}

# Runs wordfreq where it must fail: status, words of the message, arguments.
refuse()
{
    expected=$1
    message=$2
    shift 2
    "$wordfreq" "$@" >"$dir/out" 2>"$dir/err"
    found=$?
    test $found -eq "$expected" ||
        complain "$*: exit status $found, not $expected"
    grep -F -e "$message" "$dir/err" >/dev/null || {
        complain "$*: no '$message' on standard error, but:"
        cat "$dir/err"
    }
    test ! -s "$dir/out" || complain "$*: output beside the message"
}

cp "$top_srcdir/COPYING" "$dir/text"
compare "$dir/text"
# As many resets as there are lines with a word, if each of them fits.
if test "$max" -ge 1024; then
    filled=$(grep -c '[A-Za-z0-9]' "$dir/text")
    test "$(number 'times all of them freed')" -eq "$filled" &&
        test "$(number 'lines worked in parts')" -eq 0 ||
        complain "$dir/text: not one reset for each of $filled lines"
fi

# A line is so many words of one size; a word is one letter again and again.
$AWK -v max="$max" '
    function line(count, size,    i, word, letter) {
        letter = substr("abcDEFxyz", size % 9 + 1, 1)
        word = letter
        while (length(word) * 2 <= size)
            word = word word
        word = word substr(word, 1, size - length(word))
        for (i = 0; i < count; i++)
            printf "%s%s", word, i + 1 < count ? " " : "\n"
    }
    BEGIN {
        for (i = 0; i * 7 < 100000; i++)
            printf "Word%d, ", i % 3000
        printf "\n\n"
        if (max > 1000000)
            max = 1000000
        for (size = max - 24; size <= max + 2; size++)
            line(2, size)
        for (size = 1; size < 48; size++)
            line(int(max / size) + 1, size)
        line(1, 65536)
        line(3, 70001)
    }' >"$dir/hard"
printf 'one\000two\000\000one\n\000\n\r\nCaf\303\251 caf\303\251\377\n' \
    >>"$dir/hard"
printf 'the last line has no newline, and ends in a word' >>"$dir/hard"
compare "$dir/hard"
# Words larger than this would make the file too large.
if test "$max" -le 1000000; then
    for count in 'lines worked in parts' 'allocations refused' \
        'words too long for a pool'; do
        test "$(number "$count")" -gt 0 || complain "$dir/hard: no $count"
    done
fi

: >"$dir/empty"
compare "$dir/empty"
printf '\000\n .\n\n' >"$dir/wordless"
compare "$dir/wordless"
printf x >"$dir/letter"
compare "$dir/letter"

# A pipe cannot be read again to compare: it says so, and still counts.
if test -e /dev/stdin; then
    words "$dir/text" | sort | uniq -c | sort -k1,1nr -k2 | sed 's/^ *//' \
        >"$dir/expected"
    cat "$dir/text" | "$wordfreq" --compare --all /dev/stdin \
        >"$dir/out" 2>"$dir/err" || complain "a pipe: exit status $?"
    sed 's/^ *//' "$dir/out" >"$dir/seen"
    cmp "$dir/expected" "$dir/seen" || complain 'a pipe: other counts'
    grep 'not compared' "$dir/err" >/dev/null ||
        complain 'a pipe: not said that nothing is compared'
fi
cp "$dir/text" "$dir/-n"
"$wordfreq" --all "$dir/text" >"$dir/expected"
program=$(cd "$top_builddir/examples" && pwd)/wordfreq
(cd "$dir" && "$program" --all -- -n) >"$dir/out" 2>"$dir/err" &&
    cmp "$dir/expected" "$dir/out" || complain 'a name that begins with -'

refuse 1 "$dir/missing: " "$dir/missing"
refuse 1 "$dir: " "$dir"
cp "$dir/text" "$dir/locked"
chmod 000 "$dir/locked"
if test -r "$dir/locked"; then
    echo 'examples-wordfreq: nothing is unreadable for root, not tried'
else
    refuse 1 "$dir/locked: " "$dir/locked"
fi
if test -c /dev/full; then
    "$wordfreq" "$dir/text" >/dev/full 2>"$dir/err" &&
        complain 'a full disk goes unnoticed'
fi
refuse 2 usage
refuse 2 usage "$dir/text" "$dir/text"
refuse 2 usage --most "$dir/text"
refuse 2 usage -n "$dir/text"
refuse 2 usage -n many "$dir/text"
refuse 2 usage --threads 0 "$dir/text"
refuse 2 usage --threads 65 "$dir/text"
refuse 2 usage -n -1 "$dir/text"
refuse 2 usage -n 3x "$dir/text"
exit $status
