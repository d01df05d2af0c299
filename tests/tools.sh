# SPDX-License-Identifier: MIT
#
# tools.sh - what the tests of debugging modes and of checkers share.
#
# mempool_debug(7) has a table of faults and of what finds each.  Tests hold both
# of its words to what is found: "yes", and "-".
. "${top_srcdir:-.}/tests/shell.sh"
page=$top_srcdir/man/mempool_debug.7
ulimit -c 0
kinds='default capacity locked none mmap backing buffer zero child bounded mark
    handle base'

# The table, a line of words for each fault, the columns' names first.
table()
{
    $AWK '/^\.\\" TABLE '"$1"'$/ { on = 1; next }
          /^\.Ed/ { on = 0 }
          on && !/^\./ { print }' "$page"
}

# The faults for which a column of a table says "yes", or "-": table, column,
# word.
faults()
{
    table "$1" | $AWK -v column="$2" -v word="$3" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
        at && $at == word { print $1 }'
}
