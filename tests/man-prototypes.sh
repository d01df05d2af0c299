#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-prototypes.sh - the functions of a page's SYNOPSIS are the header's.
#
# .In, .Ft and .Fn (or .Fo, .Fa, .Fc) become includes and prototypes, .Vt a
# declaration, which are compiled below the real header: one that differs is
# a conflict, and a name that the header lacks is undeclared where it is used
# before.  Each has its line of the page, which the compiler names.
. "${top_srcdir:-.}/tests/man.sh"

for page in $(pages 3); do
    # Splits a macro's arguments as roff does, quotes included.
    $AWK -v page="$page" '
        function split_line(line, word,    n) {
            while (match(line, /^ *("[^"]*"|[^ ]+)/)) {
                word[++n] = substr(line, RSTART, RLENGTH)
                sub(/^ */, "", word[n])
                gsub(/^"|"$/, "", word[n])
                line = substr(line, RSTART + RLENGTH)
            }
            return n
        }
        function join(word, from, to, between,    text) {
            for (text = word[from++]; from <= to; from++)
                text = text between word[from]
            return text
        }
        function declare(name, declaration) {
            line = "#line " NR " \"" page "\"\n"
            uses = uses line "    (void)" name ";\n"
            declarations = declarations line declaration ";\n"
        }
        /^\.Sh/ { on = $2 == "SYNOPSIS" }
        !on { next }
        { n = split_line($0, word) }
        $1 == ".In" { includes = includes "#include <" $2 ">\n" }
        $1 == ".Vt" { declare(word[n - 1], join(word, 2, n - 1, " ")) }
        $1 == ".Ft" { type = join(word, 2, n, " ") }
        $1 == ".Fo" { name = word[2]; list = "" }
        $1 == ".Fa" { list = list (list == "" ? "" : ", ") \
                             join(word, 2, n, ", ") }
        $1 == ".Fn" { name = word[2]; list = join(word, 3, n, ", ") }
        # In parentheses, a name is not taken for a macro.
        $1 ~ /^\.F[nc]$/ { declare(name, type " (" name ")(" list ")") }
        END { printf "%svoid uses(void);\nvoid uses(void)\n{\n%s}\n%s",
                     includes, uses, declarations }
    ' "$page" >"$dir/synopsis.c"
    # Without CFLAGS: to declare a thing again is the point here, and they may
    # forbid it.
    # shellcheck disable=SC2086 # the flags are lists
    $CC ${CPPFLAGS-} -I"$top_builddir/include" -I"$top_srcdir/include" -c \
        -o "$dir/synopsis.o" "$dir/synopsis.c" || complain "$page: is not what the header says"
done
exit $status
