#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-threads.sh - threads' four threads free all that they allocate.
#
# How many objects a thread gets depends on the others, so the lines are
# counted: of 40 objects each is allocated, or is refused by the full pool.
. "${top_srcdir:-.}/tests/shell.sh"

# Counts the lines that match.
lines()
{
    grep -c "$1" "$dir/out"
}

"$top_builddir/examples/threads" >"$dir/out" 2>&1 ||
    complain "exit status $?"
for id in 0 1 2 3; do
    allocated=$(lines "^Thread $id: Allocated obj [0-9] at ")
    freed=$(lines "^Thread $id: Freed obj [0-9]\$")
    test "$(lines "^Thread $id: Starting\$")" -eq 1 &&
        test "$(lines "^Thread $id: Exiting\$")" -eq 1 ||
        complain "thread $id did not start and exit once"
    test "$allocated" -eq "$freed" ||
        complain "thread $id: $allocated allocated, $freed freed"
done
allocated=$(lines '^Thread [0-3]: Allocated ')
refused=$(lines '^the memory pool is full$')
test "$allocated" -gt 0 && test $((allocated + refused)) -eq 40 ||
    complain "of 40 objects $allocated allocated, $refused refused"
test "$(lines '')" -eq $((8 + 2 * allocated + refused)) ||
    complain 'other lines'
test $status -eq 0 || cat "$dir/out"
exit $status
