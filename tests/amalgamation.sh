#!/bin/sh
# SPDX-License-Identifier: MIT
#
# amalgamation.sh - the library in one file does what the library does: it
# compiles alone, as C11, without a warning, and the unit tests of the public
# interface pass with it.
#
# Run by `make check-amalgamation`, in the build directory, after `make
# amalgamation` and the tests' shared archive.  The tests are those that
# tests/local.mk links with the shared library and no flags of their own.
. "${top_srcdir:-.}/tests/shell.sh"

here=$PWD
cp amalgamation/* "$dir"
cd "$dir"
for compiler in "$CC" gcc clang; do
    command -v "${compiler%% *}" >/dev/null 2>&1 || {
        echo "amalgamation: $compiler is missing, and not tried"
        continue
    }
    for standard in c11 gnu11; do
        $compiler -std=$standard -O2 -Wall -Wextra -Werror -pthread -c \
            memory_pool.c || complain "$compiler -std=$standard fails"
    done
done
cd "$here"
[ "$status" = 0 ] || exit "$status"
# The archive's names are the library's: no inner one is added.
sed -n 's/^ *\([a-z_][a-z_0-9]*\);.*/\1/p' "$top_srcdir/src/libmempool.map" |
    sort >"$dir/names"
${NM:-nm} -g "$dir/memory_pool.o" |
    sed -n 's/^[0-9a-f]* [A-TV-Z] _*\([a-z]\)/\1/p' | sort >"$dir/has"
same 'the names of the map and of the one file' "$dir/names" "$dir/has"

programs=$($AWK '
    $2 == "=" && sub(/^tests_check_/, "check_") {
        name = $1
        sub(/_[A-Z]+$/, "", name)
        if ($1 !~ /_LDADD$/)
            special[name]
        else if ($3 == "$(tests_shared)")
            shared[name]
    }
    END { for (name in shared) if (!(name in special)) print name }' \
    "$top_srcdir/tests/local.mk")
[ -n "$programs" ] || complain 'tests/local.mk names no test'
count=0
for program in $programs; do
    $CC -O1 -I"$dir" -I"$top_srcdir/src" $CHECK_CFLAGS -o "$dir/$program" \
        "$top_srcdir/tests/$program.c" tests/libsupport.a tests/libinject.a \
        "$dir/memory_pool.o" $CHECK_LIBS $PTHREAD_FLAGS || {
        complain "$program does not link"
        continue
    }
    "$dir/$program" >"$dir/log" 2>&1 || {
        tail -n 20 "$dir/log"
        complain "$program fails"
    }
    count=$((count + 1))
done
echo "amalgamation: $count programs ran"
exit "$status"
