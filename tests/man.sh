# SPDX-License-Identifier: MIT
#
# man.sh - what the tests of the manual share.
#
# A page of one .so line is an alias, and has nothing of its own to test.
. "${top_srcdir:-.}/tests/shell.sh"
man=$top_srcdir/man

# The pages with a text, all or those of a section, without that of the C++
# header, which is no function's.
pages()
{
    # shellcheck disable=SC2231 # the default is a pattern
    grep -L '^\.so ' "$man"/*.${1:-[0-9]} | sed "${1:+/\.hpp\.3\$/d}"
}

# The names that a page tells of, one on a line.
names_of()
{
    sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$1"
}

# The lines of a section: page, title.
section()
{
    $AWK -v title=".Sh $2" '/^\.Sh / { on = $0 == title; next } on' "$1"
}

# The names of the messages that pages document.
messages_of()
{
    for documented in "$@"; do
        section "$documented" DIAGNOSTICS | sed -n 's/^\.It //p'
    done
}

# Writes each literal block of a page's EXAMPLES, and each one elsewhere that has
# the comment PROGRAM, into a file of $dir, without roff's escapes.  It is
# block.N.out where a comment calls it OUTPUT, else block.N.c.  A comment
# PROGRAM FILE, or OUTPUT of FILE, names the program's source, which goes into
# block.N.of; the source of the others is man_PAGE.c.
blocks()
{
    rm -f "$dir"/block.*
    of=${1##*/}
    $AWK -v dir="$dir" -v of="man_${of%.*}.c" '
        /^\.Sh / { examples = $2 == "EXAMPLES" }
        /^\.\\" OUTPUT/ { output = 1 }
        /^\.\\" OUTPUT of [a-z_]*\.c/ || /^\.\\" PROGRAM/ { named = $NF }
        /^\.Ed/ { inside = 0 }
        inside {
            gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047")
            gsub(/\\\(ga/, "`"); gsub(/\\e/, "\\")
            print > file
        }
        /^\.Bd -literal/ && (examples || named != "") {
            file = dir "/block." ++n (output ? ".out" : ".c")
            print (named == "" ? of : named) >(dir "/block." n ".of")
            inside = 1
            output = 0
            named = ""
        }' "$1"
}
