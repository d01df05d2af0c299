#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-picture.sh - picture draws what a browser can show.
#
# The image is read by xmllint or python3, where one is installed; it has
# blocks of the pool's and of a mark's, each with its path of live cells, and
# figures that are not 0.
. "${top_srcdir:-.}/tests/shell.sh"

# True when the image has such a line.
has()
{
    grep -q "$1" "$dir/picture.svg" || complain "no line with: $1"
}

picture=$top_builddir/examples/picture
"$picture" "$top_srcdir/COPYING" >"$dir/picture.svg" ||
    complain "exit status $?"
if command -v xmllint >/dev/null 2>&1; then
    xmllint --noout "$dir/picture.svg" || complain 'xmllint refuses it'
elif command -v python3 >/dev/null 2>&1; then
    python3 -c 'import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])' "$dir/picture.svg" ||
        complain 'python3 refuses it'
fi
test "$(tail -n 1 "$dir/picture.svg")" = '</svg>' || complain 'no end'
has '>words</title>'
has '>live: [1-9][0-9]* bytes in [1-9][0-9]* objects; blocks: [1-9]'
has '>block at 0x[0-9a-f]*, [1-9][0-9]* bytes</text>'
has ', of mark [1-9][0-9]*, owner [1-9][0-9]*</text>'
has "<path class='l' d='M"

"$picture" "$dir/none" >"$dir/out" 2>"$dir/errors" && complain 'no failure'
test -s "$dir/errors" && test ! -s "$dir/out" ||
    complain 'a file that is not there'
"$picture" >/dev/null 2>&1
test $? -eq 2 || complain 'no usage'
exit $status
