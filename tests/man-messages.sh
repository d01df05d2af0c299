#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-messages.sh - each message of the library is documented, and no other.
#
# The compiler says which literals a source has: it writes them into its
# assembly, where no comment, assertion or macro is left.  A source that can
# report anything includes report.h or misuse.h, or names stderr.  A message is
# a literal of such a source that has a space between letters, and is no
# format.  What MEMPOOL_OPTIONS=help prints is tested by debug-options.sh.
. "${top_srcdir:-.}/tests/man.sh"

find "$top_srcdir/src" -name '*.c' ! -name setting.c \
    -exec grep -lE '[/"](report|misuse)\.h"|stderr' {} + >"$dir/sources"
test -s "$dir/sources" || complain 'no source reports anything'
while read -r source; do
    # shellcheck disable=SC2086 # the flags are lists
    $CC ${CPPFLAGS-} -I"$top_builddir/include" -I"$top_srcdir/include" \
        -I"$top_srcdir/src" -I"$top_builddir" -S -o - "$source" ||
        complain "$source: does not compile"
done <"$dir/sources" >"$dir/assembly"

# "invalid option: %s" is followed by the name of a member.
sed -nE 's/^[[:space:]]*\.(string|asciz)[[:space:]]*"(.*)"$/\2/p' \
    "$dir/assembly" | sed -e 's/^\([a-z ]*\): %s$/\1: member/' \
    -e '/%/d' -e '/[A-Za-z]:\{0,1\} [A-Za-z]/!d' | sort -u >"$dir/printed"
test -s "$dir/printed" || complain 'no message in the sources'

# The reason at the end of a message in the form of perror() varies.
messages_of "$man"/*.[0-9] | sed 's/: reason$//' |
    sort -u >"$dir/documented"
same 'messages in the sources (<) and in the pages (>)' \
    "$dir/printed" "$dir/documented"
exit $status
