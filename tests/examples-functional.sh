#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-functional.sh - functional prints examples-functional.expected.
#
# Every line is compared, those of the library on standard error in their
# place among the others; only addresses and the system's words for lack of
# memory may be any.  @MAX@ there is MAX_BLOCK_SIZE, and @N@ is N bytes of
# 1024 as a part of it.
. "${top_srcdir:-.}/tests/shell.sh"
max=$(max_block_size)

"$top_builddir/examples/functional" >"$dir/out" 2>&1 ||
    complain "exit status $?"
sed -e 's/ at 0x[0-9a-f]*$/ at ADDRESS/' \
    -e 's/^\(init_memory_pool: \)..*/\1REASON/' "$dir/out" >"$dir/seen"

set -- -e "s/@MAX@/$max/"
for part in 200 300 600 1500; do
    set -- "$@" -e "s/@$part@/$((max / 1024 * part + \
        max % 1024 * part / 1024))/"
done
# Where no memory can be withheld, the program says that it did not try.
not_tried='  Memory cannot be withheld from this program: not tried'
if grep "^$not_tried\$" "$dir/out"; then
    set -- "$@" -e '/^init_memory_pool: REASON$/d' \
        -e "s/^  Pool refused (expected)\$/$not_tried/" \
        -e 's/^Test 12 Passed$/Test 12 Completed/'
fi
sed "$@" "$top_srcdir/tests/examples-functional.expected" >"$dir/expected"
same 'what it should print (<) and what it prints (>)' \
    "$dir/expected" "$dir/seen"
exit $status
