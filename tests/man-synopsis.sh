#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-synopsis.sh - what a page's SYNOPSIS says is what the header says.
#
# .In, .Ft and .Fn (or .Fo, .Fa, .Fc) become includes and prototypes, .Vt a
# declaration, which are compiled below the real header: one that differs is
# a conflict, and a name that the header lacks is undeclared where it is used
# before.  Of a structure each member is declared as a variable, with the type
# that the page says and with the one in the header; other types are declared
# again.  The constants that a page names with .Dv must be in the header.
# Each .Nm of the page must have one of these.
#
# What it cannot do: see a member that the page leaves out.
set -u
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
CC=${CC:-cc}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

for page in "$top_srcdir"/man/*.3; do
    grep -q '^\.so ' "$page" && continue
    # Splits a macro's arguments as roff does, quotes included.
    awk -v names="$dir/names" '
        function split_line(line, word,    n) {
            n = 0
            while (match(line, /^ *("[^"]*"|[^ ]+)/)) {
                word[++n] = substr(line, RSTART, RLENGTH)
                sub(/^ */, "", word[n])
                gsub(/^"|"$/, "", word[n])
                line = substr(line, RSTART + RLENGTH)
            }
            return n
        }
        function prototype(name, arguments) {
            uses = uses "    (void)" name ";\n"
            # In parentheses, a name is not taken for a macro.
            prototypes = prototypes type " (" name ")(" arguments ");\n"
            print name > names
        }
        { n = split_line($0, word) }
        word[1] == ".Sh" { section = word[2] }
        word[1] == ".Dv" || word[2] == "Dv" {
            constant = word[word[1] == ".Dv" ? 2 : 3]
            if (constant ~ /^M/)
                uses = uses "    (void)(" constant ");\n"
        }
        section != "SYNOPSIS" { next }
        word[1] == ".Bd" { block = 1; next }
        word[1] == ".Ed" { block = 0 }
        block && $1 == "typedef" && $2 == "struct" {
            structure = $3 "_t"
            print $3 > names
            next
        }
        block && $1 == "}" { structure = ""; next }
        block && structure != "" {
            member = $0
            sub(/\).*/, "", member)
            gsub(/[(*;]/, " ", member)
            sub(/\[.*/, "", member)
            fields = split(member, field, " ")
            member = field[fields]
            types = types "extern " $0 "\nextern __typeof__(((" structure \
                    " *)0)->" member ") " member ";\n"
            next
        }
        block { types = types $0 "\n" }
        block && $1 == "typedef" {
            name = $0
            sub(/\(.*/, "", name)
            sub(/.* \**/, "", name)
            print name > names
        }
        word[1] == ".Vt" {
            for (i = 2; i < n; i++)
                prototypes = prototypes word[i] " "
            prototypes = prototypes ";\n"
            uses = uses "    (void)" word[n - 1] ";\n"
            print word[n - 1] > names
        }
        word[1] == ".In" { includes = includes "#include <" word[2] ">\n" }
        word[1] == ".Ft" { type = word[2]
                           for (i = 3; i <= n; i++) type = type " " word[i] }
        word[1] == ".Fn" { list = word[3]
                           for (i = 4; i <= n; i++) list = list ", " word[i]
                           prototype(word[2], list) }
        word[1] == ".Fo" { open = word[2]; list = "" }
        word[1] == ".Fa" { for (i = 2; i <= n; i++)
                               list = list (list == "" ? "" : ", ") word[i] }
        word[1] == ".Fc" { prototype(open, list) }
        END { printf "%svoid uses(void);\nvoid uses(void)\n{\n%s}\n%s%s",
                     includes, uses, types, prototypes }
    ' "$page" > "$dir/synopsis.c"
    # Without CFLAGS: to declare a thing again is the point here, and they may
    # forbid it.
    # shellcheck disable=SC2086 # the flags are lists
    if ! $CC ${CPPFLAGS-} -I"$top_builddir/include" -c \
        -o "$dir/synopsis.o" "$dir/synopsis.c" >"$dir/said" 2>&1; then
        echo "$page: the synopsis does not compile under the header:"
        cat "$dir/synopsis.c" "$dir/said"
        status=1
    fi
    sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$page" |
        sort > "$dir/named"
    # A structure and a function may have one name.
    sort -u "$dir/names" > "$dir/shown"
    if ! test -s "$dir/named" || ! cmp -s "$dir/named" "$dir/shown"; then
        echo "$page: NAME and SYNOPSIS differ:"
        diff "$dir/named" "$dir/shown"
        status=1
    fi
    rm -f "$dir/names"
done
exit $status
