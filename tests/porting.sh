#!/bin/sh
# SPDX-License-Identifier: MIT
#
# porting.sh - programs that came from other libraries print what they did.
#
# examples/before/NAME.c is built with its own library, and what it prints is
# compared with what examples/from_NAME prints.  The library of one may be
# missing: then its new form is only run.
. "${top_srcdir:-.}/tests/shell.sh"
missing=

# One pair: name, header, compiler, source, flags.
compare()
{
    after=$top_builddir/examples/from_$1
    before=$top_srcdir/examples/before/$4
    if ! test -x "$after"; then
        missing="$missing $1 (not built)"
        return
    fi
    ${EMULATOR-} "$after" >"$dir/after"
    code=$?
    if test $code -eq 77; then
        missing="$missing $1 (its C++ is older than C++17)"
        return
    fi
    test $code -eq 0 || complain "$after: fails"
    test -s "$dir/after" || complain "$after: prints nothing"
    # A header may be there, and the library be of another machine.
    # shellcheck disable=SC2086 # compiler and flags are lists
    if ! printf '#include <%s>\nint main(void) { return 0; }\n' "$2" |
        $3 -o "$dir/none" -x "$6" - -x none $5 >"$dir/all" 2>&1; then
        missing="$missing $1 (no $2)"
        return
    fi
    # shellcheck disable=SC2086
    $3 -o "$dir/before" "$before" $5 ||
        { complain "$before: does not build"; return; }
    ${EMULATOR-} "$dir/before" >"$dir/printed" ||
        complain "$before: fails"
    same "$1: before (<) and after (>)" "$dir/printed" "$dir/after"
}

compare malloc stdlib.h "$CC" malloc.c '' c
compare apr apr_pools.h "$CC" apr.c "${APR_FLAGS-}" c
compare talloc talloc.h "$CC" talloc.c "${TALLOC_FLAGS-}" c
compare obstack obstack.h "$CC" obstack.c '' c
compare slice glib.h "$CC" slice.c "${GLIB_FLAGS-}" c
compare pmr memory_resource "${CXX:-c++}" pmr.cc "${CXX17_FLAGS-}" c++
if test $status -eq 0 && test -n "$missing"; then
    skip "not all was compared:$missing"
fi
exit $status
