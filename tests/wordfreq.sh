# SPDX-License-Identifier: MIT
#
# wordfreq.sh - what the tests of wordfreq share: texts, and their words.
#
# The texts are COPYING, what is hard (see wordfreq.awk, and NUL bytes, bytes
# of no ASCII, no newline at the end), and some of next to nothing.
. "${top_srcdir:-.}/tests/shell.sh"
LC_ALL=C
export LC_ALL
wordfreq=$top_builddir/examples/wordfreq
max=$(max_block_size)
texts="$dir/text $dir/hard $dir/empty $dir/wordless $dir/letter"

cp "$top_srcdir/COPYING" "$dir/text"
{
    $AWK -v max="$max" -f "$top_srcdir/tests/wordfreq.awk"
    printf 'one\000two\000\000one\n\000\n\r\nCaf\303\251 caf\303\251\377\n'
    printf 'the last line has no newline, and ends in a word'
} >"$dir/hard"
: >"$dir/empty"
printf '\000\n .\n\n' >"$dir/wordless"
printf x >"$dir/letter"

words()
{
    tr A-Z a-z <"$1" | tr -cs 'a-z0-9\200-\377' '\n' | sed '/^$/d'
}

# The lines of a file; some sed take a NUL byte for the end of one, too.
lines_of()
{
    tr -d '\000' <"$1" | sed -n '$='
}

# What "wordfreq --all" prints of a file, but for the space before numbers.
counts()
{
    words "$1" | sort | uniq -c | sort -k1,1nr -k2 | sed 's/^ *//'
}

# Runs wordfreq; it succeeds, and standard error has nothing but the pool's
# words about being full.
run()
{
    "$wordfreq" "$@" >"$dir/out" 2>"$dir/err" ||
        complain "$*: exit status $?"
    if grep -v '^the memory pool is full$' "$dir/err"; then
        complain "$*: the lines above on standard error"
    fi
}
