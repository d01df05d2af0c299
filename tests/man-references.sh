#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-references.sh - what a page refers to is there.
#
# Each cross reference leads to one of our pages, or to one of the system's
# listed here; each alias leads to one of our pages.  Whether a system has its
# pages installed is its own matter, so those are not looked for.
. "${top_srcdir:-.}/tests/man.sh"
cat >"$dir/system" <<'END'
abort.3
backtrace.3
bpftrace.8
dlclose.3
dlopen.3
exit.3
fnmatch.3
fork.2
free.3
gdb.1
longjmp.3
malloc.3
membarrier.2
mlockall.2
mmap.2
perf.1
perror.3
pthread_atfork.3
pthread_join.3
pthread_key_create.3
pthread_setcanceltype.3
pthreads.7
realloc.3
strerror.3
valgrind.1
vfork.2
END

# A reference: its page, then the one that refers.
$AWK '{ i = $1 == ".It" ? 2 : 1 }
      $i ~ /^\.?Xr$/ { print $(i + 1) "." $(i + 2), FILENAME }' \
    "$man"/*.[0-9] >"$dir/references"
test -s "$dir/references" || complain 'no reference was found'
while read -r reference page; do
    test -f "$man/$reference" || grep -Fqx "$reference" "$dir/system" ||
        complain "$page: no such page: $reference"
done <"$dir/references"

for page in "$man"/*.[0-9]; do
    target=$(sed -n 's/^\.so  *//p' "$page")
    name=${target##*/}
    if test -n "$target"; then
        test -f "$man/$name" && test "$target" = "man${name##*.}/$name" ||
            complain "$page: no such target: $target"
    fi
done
exit $status
