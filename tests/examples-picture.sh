#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-picture.sh - picture draws what a browser can show.
#
# The image is read by xmllint or python3, where one is installed; it has
# blocks of the pool's and of a mark's, each with its path of live cells, and
# figures that are not 0.  Its colours can be told from the ground, in the light
# and in the dark scheme: the contrast is that of WCAG 2.1, which wants 3 to 1
# for what is drawn and 4.5 to 1 for text.  So do live objects of one class from
# those of the next.
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
has "<path class='l[0-5]' d='M"

# Prints "scheme, what, contrast" for each colour of the style.
$AWK '
    function part(hex, i) { # of a colour, in linear light
        i = (index("0123456789abcdef", substr(hex, 1, 1)) - 1) * 16 + \
            index("0123456789abcdef", substr(hex, 2, 1)) - 1
        i /= 255
        return i <= 0.03928 ? i / 12.92 : exp(2.4 * log((i + 0.055) / 1.055))
    }
    function light(hex) {
        return 0.2126 * part(substr(hex, 2)) + \
            0.7152 * part(substr(hex, 4)) + 0.0722 * part(substr(hex, 6))
    }
    /<style>/ { on = 1; scheme = "light" }
    /<\/style>/ { on = 0 }
    on && /^@media .prefers-color-scheme:dark/ { scheme = "dark" }
    on && match($0, /#[0-9a-f]+/) && RLENGTH == 7 {
        colour = light(substr($0, RSTART, 7))
        what = $0
        sub(/[{].*/, "", what)
        if (what == "svg") { ground = colour; next }
        ratio = (colour + 0.05) / (ground + 0.05)
        print scheme, what, (ratio < 1 ? 1 / ratio : ratio)
    }' "$dir/picture.svg" >"$dir/contrasts"
for scheme in light dark; do
    test "$(grep -c "^$scheme " "$dir/contrasts")" = 13 ||
        complain "$scheme: not all colours: $(cat "$dir/contrasts")"
done
$AWK '$2 != ".g" && $3 < ($2 == "text" ? 4.5 : 3)' "$dir/contrasts" \
    >"$dir/faint"
test ! -s "$dir/faint" || complain "too faint: $(cat "$dir/faint")"
$AWK '$2 !~ /^[.]l[0-5]$/ { next }
    $2 != ".l0" && ($3 > last ? $3 / last : last / $3) < 3
    { last = $3 }' "$dir/contrasts" >"$dir/alike"
test ! -s "$dir/alike" || complain "as its neighbour: $(cat "$dir/alike")"

"$picture" "$dir/none" >"$dir/out" 2>"$dir/errors" && complain 'no failure'
test -s "$dir/errors" && test ! -s "$dir/out" ||
    complain 'a file that is not there'
"$picture" >/dev/null 2>&1
test $? -eq 2 || complain 'no usage'
exit $status
