# SPDX-License-Identifier: MIT
#
# abi-kind.sh - same, added or changed: what one baseline is to an older one.
# Sourced after abi-setup.sh.
#
# Structures that programs fill in or have filled may grow at their ends,
# since the library is told how long a program's is: mp_options and mp_stats.
# What memory_pool_inline.h compiles in may change with the variable that it
# is for, so of the headers only the macros of memory_pool.h count.

# The newer dump with these structures cut back to their older members, where
# they grew and the added members lie behind the older length.  A member that
# went into padding stays, since the library could not see whether a program's
# structure has it.
cut_back() {
    awk -F "'" "$attribute"'
        /<class-decl .*[^\/]>$/ { name = attribute("name") }
        /<\/class-decl>/ { name = "" }
        NR == FNR {
            if (name ~ /^mp_(options|stats)$/ && /<class-decl /)
                size[name] = attribute("size-in-bits") + 0
            next
        }
        name in size && /<class-decl / &&
            attribute("size-in-bits") + 0 > size[name] {
            sub(/size-in-bits=.[0-9]+/, "size-in-bits=\047" size[name])
        }
        name in size && /<data-member / {
            cut = attribute("layout-offset-in-bits") + 0 >= size[name]
        }
        !cut { print }
        /<\/data-member>/ { cut = 0 }' "$1" "$2"
}

macros() {
    $CC -E -dM "$1" | macros_of_interface | sort
}

# The macros of the older header that the newer, with its symbols, has no
# more.  One that has the name of a symbol is none of them: what programs
# write still means something, which is the function.
macros_gone() {
    macros "$1.h" >"$dir/old-macros"
    macros "$2.h" >"$dir/new-macros"
    comm -23 "$dir/old-macros" "$dir/new-macros" | awk '
        NR == FNR { symbol[$1]; next }
        { name = $2; sub(/\(.*/, "", name) }
        !(name in symbol)' "$2.info" -
}

# A dump without the _t in which the tag of a structure may end.  Programs
# know structures by their typedefs, and binaries know no tags.
without_tags() {
    sed "s/\(<class-decl name='mp_[a-z_]*\)_t'/\1'/" "$1"
}

# kind_of_change OLD NEW
kind_of_change() {
    macros_gone "$1" "$2" >"$dir/gone"
    without_tags "$1.abi" >"$dir/old.abi"
    without_tags "$2.abi" >"$dir/new.abi"
    cut_back "$dir/old.abi" "$dir/new.abi" >"$dir/cut.abi"
    if [ -s "$dir/gone" ] ||
        differ --no-added-syms "$dir/old.abi" "$dir/cut.abi"
    then
        kind=changed
    elif differ "$dir/old.abi" "$dir/new.abi"; then
        kind=added
    else
        kind=same
    fi
}
