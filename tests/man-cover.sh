#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-cover.sh - the pages tell of all that is exported, and of no more.
#
# Each name in the symbol map but mp_inline_... has a page, itself or an alias
# of one that names it; each name of a page of section 3 is in the map, but for the types
# listed here; each message under a DIAGNOSTICS stands in the sources and the
# other way round; and each cross reference leads to one of our pages or to
# one of the system's listed here.  The pages of the base pool's functions have
# each message of theirs; every page has the sections it should, in their order.
# The tests that doc/design.md names exist.
set -u
top_srcdir=${top_srcdir:-.}
man=$top_srcdir/man
system='dlclose.3 dlopen.3 exit.3 fork.2 free.3 longjmp.3 malloc.3
membarrier.2 mmap.2 perror.3 pthread_atfork.3 pthread_join.3
pthread_key_create.3 pthread_setcanceltype.3 pthreads.7 realloc.3 strerror.3
vfork.2'
# Pages of types, which are in no map.
types='mp_backing mp_options mp_report_fn'
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

complain()
{
    echo "$*"
    status=1
}

# The names that a page tells of, one on a line.
names_of()
{
    sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$1"
}

# What stands between "global:" and "local:" in each node, comments left out.
awk '{
         gsub(/[{};]/, " & ")
         gsub(/\/\*/, " /* ")
         gsub(/\*\//, " */ ")
         for (i = 1; i <= NF; i++) {
             if ($i == "/*")
                 comment = 1
             else if ($i == "*/")
                 comment = 0
             else if (comment)
                 continue
             else if ($i ~ /:$/ || $i == "}")
                 on = $i == "global:"
             else if (on && $i != ";")
                 print $i
         }
     }' "$top_srcdir/src/libmempool.map" > "$dir/exported"
test -s "$dir/exported" || complain "no name in the symbol map"

while read -r name; do
    # What memory_pool_inline.h looks into is not for programs.
    case $name in mp_inline_*) continue ;; esac
    page=$man/$name.3
    if ! test -f "$page"; then
        complain "$name is exported and has no page"
        continue
    fi
    target=$(sed -n 's/^\.so  *man3\///p' "$page")
    names_of "$man/${target:-$name.3}" | grep -qx "$name" ||
        complain "$page: does not name $name"
done < "$dir/exported"

for page in "$man"/*.3; do
    for name in $(names_of "$page"); do
        case " $types " in
        *" $name "*) continue ;;
        esac
        grep -qx "$name" "$dir/exported" ||
            complain "$page: $name is not in the symbol map"
    done
done

# A reference: its page, then the one that refers.
awk '{ i = $1 == ".It" ? 2 : 1 }
     $i ~ /^\.?Xr$/ { print $(i + 1) "." $(i + 2), FILENAME }' \
    "$man"/*.[0-9] > "$dir/references"
echo "$system" | tr ' ' '\n' > "$dir/system"
while read -r reference page; do
    test -f "$man/$reference" || grep -Fqx "$reference" "$dir/system" ||
        complain "$page: no such page: $reference"
done < "$dir/references"

# The reason at the end of a message in the form of perror() varies.
awk '/^\.Sh/ { on = $2 == "DIAGNOSTICS" }
     on && sub(/^\.It /, "") { sub(/: reason$/, ""); print }' \
    "$man"/*.[0-9] | sort -u > "$dir/documented"
# A message is a literal with a space in it, outside of comments and static
# assertions; options.c has names of members instead, and picture.c and
# stats.c write what is no message.
for source in "$top_srcdir"/src/*.c; do
    case ${source##*/} in
    options.c | picture.c | stats.c) ;;
    *) cat "$source" ;;
    esac
done | awk '
    /^ *(\/\*|\*|#)/ { next }
    /^_Static_assert/ { skip = 1 }
    !skip {
        line = $0
        while (match(line, /"[^"]*"/)) {
            text = substr(line, RSTART + 1, RLENGTH - 2)
            line = substr(line, RSTART + RLENGTH)
            sub(/\\n$/, "", text)
            if (text ~ /^[a-z ]+: %s$/)
                sub(/%s$/, "member", text)
            if (text ~ /[A-Za-z]:? [A-Za-z]/ && text !~ /%/)
                print text
        }
    }
    /;/ { skip = 0 }' | sort -u > "$dir/printed"
test -s "$dir/printed" || complain "no message in the sources"
if ! cmp -s "$dir/printed" "$dir/documented"; then
    complain "messages in the sources (<) and in the pages (>) differ:"
    diff "$dir/printed" "$dir/documented"
fi

# What the functions of the base pool print is part of their interface: each
# message stands in the page of every function that prints it.
while read -r page message; do
    awk '/^\.Sh/ { on = $2 == "DIAGNOSTICS" }
         on && sub(/^\.It /, "")' "$man/$page" | grep -Fqx "$message" ||
        complain "$man/$page: no '$message' under DIAGNOSTICS"
done <<'END'
init_memory_pool.3 init_memory_pool: malloc: reason
init_memory_pool.3 the memory pool is NULL
mp_allocate.3 memory_pool is NULL
mp_allocate.3 invaild memory allocate size
mp_allocate.3 the memory pool is full
mp_allocate.3 mp_allocate: malloc: reason
free_memory.3 the memory pool is NULL
free_memory.3 your ptr is NULL
free_memory.3 your ptr is not in the memory pool, cannot be freed
is_mp_ptr.3 the memory pool is NULL
is_mp_ptr.3 your ptr is NULL
END

# Sections: these, in this order; the optional ones have a question mark, and
# the page of a structure, or of the whole, has nothing to return.
for page in "$man"/*.[0-9]; do
    grep -q '^\.so ' "$page" && continue
    case ${page##*/} in
    libmempool.7) sections='NAME SYNOPSIS DESCRIPTION EXAMPLES DIAGNOSTICS' ;;
    *_inline.7) sections='NAME SYNOPSIS DESCRIPTION EXAMPLES' ;;
    mp_options.3) sections='NAME LIBRARY SYNOPSIS DESCRIPTION EXAMPLES' ;;
    *) sections='NAME LIBRARY SYNOPSIS DESCRIPTION RETURN_VALUES
           ENVIRONMENT? EXAMPLES DIAGNOSTICS? ERRORS? ATTRIBUTES' ;;
    esac
    sed -n 's/^\.Sh //p' "$page" | awk -v wanted="$sections \
        SEE_ALSO HISTORY CAVEATS?" '
        BEGIN { n = split(wanted, section, " "); i = 1 }
        {
            gsub(/ /, "_")
            while (i <= n && section[i] ~ /\?$/ && section[i] != $0 "?")
                i++
            if (i > n || (section[i] != $0 && section[i] != $0 "?")) {
                print "out of place: " $0
                exit
            }
            i++
        }
        END {
            while (i <= n && section[i] ~ /\?$/)
                i++
            if (i <= n)
                print "missing: " section[i]
        }' >"$dir/wrong"
    test ! -s "$dir/wrong" ||
        complain "$page: section $(head -n 1 "$dir/wrong")"
done

# A file, or "file: test, test"; the names of tests have an underscore.
grep -o 'tests/[a-z_]*\.c[^;|]*' "$top_srcdir/doc/design.md" > "$dir/cited"
test -s "$dir/cited" || complain "doc/design.md names no test"
while read -r source names; do
    source=$top_srcdir/${source%[:,]}
    for name in $(echo "$names" | tr -d , | tr ' ' '\n' | grep _); do
        grep -q "START_TEST($name)" "$source" ||
            complain "doc/design.md: no $name in $source"
    done
    test -f "$source" || complain "doc/design.md: no $source"
done < "$dir/cited"
exit $status
