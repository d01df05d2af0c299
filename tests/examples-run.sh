#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-run.sh - basic, threads and functional do what they say.
#
# Of basic and functional every line is compared, those of the library on
# standard error in their place among the others; only addresses and the
# system's words for lack of memory may be any.  How many objects a thread
# of threads gets depends on the others, so there the lines are counted.
set -u
top_builddir=${top_builddir:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0
max=$(sed -n 's/^#define MAX_BLOCK_SIZE //p' \
    "$top_builddir/include/memory_pool.h")

complain()
{
    echo "examples-run: $*"
    status=1
}

# Runs a program; output and messages go into one file, in their order.
run()
{
    "$top_builddir/examples/$1" >"$dir/out" 2>&1 ||
        complain "$1: exit status $?"
}

# So many bytes of 1024, as a part of MAX_BLOCK_SIZE.
share()
{
    echo $((max / 1024 * $1 + max % 1024 * $1 / 1024))
}

# Counts the lines of $dir/out that match.
lines()
{
    grep -c "$1" "$dir/out"
}

run basic
echo 'obj1: 42, obj2: 3.14' >"$dir/expected"
diff "$dir/expected" "$dir/out" || complain 'basic: other output'

run threads
for id in 0 1 2 3; do
    allocated=$(lines "^Thread $id: Allocated obj [0-9] at ")
    freed=$(lines "^Thread $id: Freed obj [0-9]\$")
    test "$(lines "^Thread $id: Starting\$")" -eq 1 &&
        test "$(lines "^Thread $id: Exiting\$")" -eq 1 ||
        complain "threads: thread $id did not start and exit once"
    test "$allocated" -eq "$freed" ||
        complain "threads: thread $id: $allocated allocated, $freed freed"
done
allocated=$(lines '^Thread [0-3]: Allocated ')
refused=$(lines '^the memory pool is full$')
test "$allocated" -gt 0 && test $((allocated + refused)) -eq 40 ||
    complain "threads: of 40 objects $allocated allocated, $refused refused"
test "$(lines '')" -eq $((8 + 2 * allocated + refused)) ||
    complain 'threads: other lines'
test $status -eq 0 || cat "$dir/out"

run functional
no_memory='init_memory_pool: REASON
  Pool refused (expected)
Test 12 Passed'
not_tried='  Memory cannot be withheld from this program: not tried'
if grep "^$not_tried\$" "$dir/out"; then
    no_memory="$not_tried
Test 12 Completed"
fi
sed -e 's/ at 0x[0-9a-f]*$/ at ADDRESS/' \
    -e 's/^\(init_memory_pool: \)..*/\1REASON/' "$dir/out" >"$dir/seen"
not_freed='your ptr is not in the memory pool, cannot be freed'
cat >"$dir/expected" <<END
=============================================
Memory Pool Functional Test Suite
=============================================

[Test 1] Initialize Memory Pool
Test 1 Passed: Memory pool initialized successfully

[Test 2] Valid Memory Allocation (≤${max}B)
invaild memory allocate size
the memory pool is full
  Small object 1 ($(share 200)B) allocated at ADDRESS
  Small object 2 ($(share 300)B) allocated at ADDRESS
  Oversize object ($(share 1500)B) allocation failed (invalid size, expected)
  Small object 3 ($(share 600)B) allocation failed (pool full, expected)
Test 2 Completed

[Test 3] Invalid Allocation Sizes (≤0 or >${max}B)
invaild memory allocate size
invaild memory allocate size
invaild memory allocate size
  All invalid size allocations failed (expected)
Test 3 Passed

[Test 4] Pool Full
the memory pool is full
  Objects of $max bytes in all: 0 refused (expected)
  One more object (1B) allocation failed (pool full, expected)
  Objects damaged: 0 (expected)
Test 4 Passed

[Test 5] Free in Reverse Order
  Objects not allocated: 0, still there after their free: 0 (expected)
  All $max bytes are there again (expected)
Test 5 Passed

[Test 6] Free in Any Order
  Every other object freed: of the rest 0 lost, 0 damaged (expected)
  All $max bytes are there again (expected)
Test 6 Passed

[Test 7] NULL Pool and NULL Pointer
memory_pool is NULL
  Allocation from a NULL pool refused (expected)
the memory pool is NULL
  Free into a NULL pool refused (expected)
your ptr is NULL
  Free of a NULL pointer refused (expected)
the memory pool is NULL
  Reset of a NULL pool refused (expected)
the memory pool is NULL
  Destroy of a NULL pool refused (expected)
the memory pool is NULL
  Question to a NULL pool refused (expected)
your ptr is NULL
  Question about a NULL pointer refused (expected)
  Answers: 0 and 0 (expected)
Test 7 Passed

[Test 8] Pointers That Cannot Be Freed
$not_freed
  Object from before a reset: refused (expected)
$not_freed
  Variable of the program: refused (expected)
$not_freed
  Inside of an object: refused (expected)
$not_freed
  Object freed already: refused (expected)
  Live objects are still there (expected)
Test 8 Passed

[Test 9] Reset of the Whole Pool
  Full pool reset, errno 0 (expected)
  Old objects that it still knows: 0 (expected)
  All $max bytes are there again (expected)
Test 9 Passed

[Test 10] Whose Pointer It Is
  Live object: true (expected)
  Inside of an object: false (expected)
  Variable of the program: false (expected)
  Freed object: false (expected)
Test 10 Passed

[Test 11] Four Threads on One Pool
  Threads started: 4 (expected)
  Of 40000 objects 0 were refused and 0 damaged (expected)
  All $max bytes are there again (expected)
Test 11 Passed

[Test 12] No Memory for a Pool
$no_memory

[Test 13] Destroy Memory Pool
  Pool with a live object destroyed, errno 0 (expected)
Test 13 Passed

All Tests Executed Successfully
END
diff "$dir/expected" "$dir/seen" || complain 'functional: other output'
exit $status
