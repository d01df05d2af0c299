# SPDX-License-Identifier: MIT
#
# abi-dump.sh - writes the interface of the library as it is, in the form that
# the baselines have.  Sourced after abi-setup.sh.
#
# All goes into $dir/now, under the names that the files of a baseline have
# after the version: abi, info, h and inline.h.  abidw does not see macros, so
# the headers are part of it.
mkdir "$dir/include" "$dir/now"
# One directory for all public headers, which a build may have in two.
cp $headers "$dir/include"
cp "$dir/include/memory_pool.h" "$dir/now/h"
[ ! -e "$dir/include/memory_pool_inline.h" ] ||
    cp "$dir/include/memory_pool_inline.h" "$dir/now/inline.h"

# Without where it was built.
abidw --headers-dir "$dir/include" --drop-private-types \
    --drop-undefined-syms --no-comp-dir-path --no-corpus-path \
    --no-show-locs --type-id-style hash "$library" |
    sed "s|path='[^']*/\([^/']*\)'|path='\1'|" >"$dir/now/abi"
if ! grep '<abi-instr' "$dir/now/abi" >/dev/null; then
    echo "abi: $library was built without -g"
    exit 1
fi

# The size of an object, or of one that each thread has, is in words of this
# machine.
{
    echo "version-info $version_info"
    awk -F "'" "$attribute"'
        BEGIN {
            kind["func-type"] = kind["gnu-ifunc-type"] = "function"
            kind["object-type"] = "object"
            kind["tls-type"] = "thread"
        }
        /<elf-symbol / && attribute("type") in kind {
            size = attribute("size")
            print attribute("name"), attribute("version"),
                kind[attribute("type")] (size ? " " size / 8 : "")
        }' "$dir/now/abi" | sort
} >"$dir/now/info"
