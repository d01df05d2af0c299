# SPDX-License-Identifier: MIT
#
# shell.sh - what the shell tests share; a test reads it first.
#
# It makes a directory for the test and removes it at the end.  A test
# goes on after complain(), to find all that is wrong, and ends with
# "exit $status".
set -u
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
AWK=${AWK:-awk}
CC=${CC:-cc}
status=0
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

complain()
{
    echo "${0##*/}: $*"
    status=1
}

# Ends the test as one that could not be done here, and says why.
skip()
{
    echo "${0##*/}: $*"
    exit 77
}

# Complains when two files differ, and shows where: what they are, the files.
same()
{
    cmp -s "$2" "$3" && return
    complain "$1 differ:"
    diff "$2" "$3"
}

# MAX_BLOCK_SIZE, as the header has it.
max_block_size()
{
    sed -n 's/^#define MP_MAX_BLOCK_SIZE //p' \
        "$top_builddir/include/memory_pool.h"
}

# The number before the given words, which are the rest of a line of a file.
number()
{
    sed -n "s/^ *\([0-9][0-9]*\)  *$1\$/\1/p" "$2"
}
