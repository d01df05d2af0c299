#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-examples.sh - the code in the pages works.
#
# Each literal block under EXAMPLES must stand line for line in one of
# examples/*.c, whose program has been built and exits with 0 when it is run
# here; a block with the comment OUTPUT before it must be what the program of
# the block before prints.  The programs themselves see to it that they fail
# when the library does not do what the page says.
set -u
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0
count=0

complain()
{
    echo "$*"
    status=1
}

# True when the lines of the first file follow one another in the second.
stands_in()
{
    awk 'NR == FNR { block[++n] = $0; next }
         { line[++m] = $0 }
         END {
             for (i = 0; i + n <= m; i++) {
                 for (j = 1; j <= n && line[i + j] == block[j]; j++)
                     ;
                 if (j > n)
                     exit 0
             }
             exit 1
         }' "$1" "$2"
}

# Finds the program that the block comes from and runs it.
run_code()
{
    for source in "$top_srcdir"/examples/*.c; do
        if stands_in "$1" "$source"; then
            name=${source##*/}
            program=$top_builddir/examples/${name%.c}
            if ! "$program" >"$dir/output"; then
                complain "$page: $program was not built, or fails"
            fi
            return
        fi
    done
    : > "$dir/output"
    complain "$page: in no examples/*.c:"
    cat "$1"
}

for page in "$top_srcdir"/man/*.[0-9]; do
    rm -f "$dir"/block.*
    # One file for each block, .out for output, without roff's escapes.
    awk -v dir="$dir" '
        /^\.Sh/ { on = $2 == "EXAMPLES" }
        !on { next }
        /^\.\\" OUTPUT/ { output = 1 }
        /^\.Bd -literal/ {
            file = sprintf("%s/block.%03d.%s", dir, ++n, output ? "out" : "c")
            inside = 1
            output = 0
            next
        }
        /^\.Ed/ { inside = 0 }
        inside {
            gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047")
            gsub(/\\\(ga/, "`"); gsub(/\\e/, "\\")
            print > file
        }' "$page"
    : > "$dir/output"
    for block in "$dir"/block.*; do
        test -f "$block" || continue
        count=$((count + 1))
        case $block in
        *.c) run_code "$block" ;;
        *) if ! cmp -s "$block" "$dir/output"; then
               complain "$page: the program prints something else:"
               diff "$block" "$dir/output"
           fi ;;
        esac
    done
    case $page in
    *.3) grep -q '^\.so ' "$page" || test -f "$dir/block.001.c" ||
         complain "$page: has no example" ;;
    esac
done
test $count -gt 0 || complain "no example was found"
exit $status
