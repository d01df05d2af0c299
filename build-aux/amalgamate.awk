# SPDX-License-Identifier: MIT
#
# amalgamate.awk - the library's sources as one file, on standard output.
#
# awk -v src=DIRECTORY -v version=VERSION -f amalgamate.awk libmempool.c:
# each file of DIRECTORY that is included takes the place of the line that
# first includes it, and every later such line goes.  The public headers, which
# are not in DIRECTORY, stay included.
#
# What it cannot do: include a file only on some condition, since the line that
# goes might be the one whose condition holds.  It stops there.

function fail(text)
{
    print "amalgamate: " text >"/dev/stderr"
    failed = 1
    exit 1
}

# awk's own way to read a file line by line knows one file at a time, and a
# recursive function may read another meanwhile, under its own name.
function put(file,    line, name, depth)
{
    seen[file] = 1
    depth = 0
    printf "\n/* ---- src/%s ---- */\n\n", file
    while ((getline line <(src "/" file)) > 0) {
        if (line ~ /^ *# *if/) {
            depth++
        } else if (line ~ /^ *# *endif/) {
            depth--
        }
        name = line
        if (!sub(/^#include "/, "", name)) {
            print line
            continue
        }
        sub(/".*/, "", name)
        if ((getline known <(src "/" name)) < 0) {
            print line
            continue
        }
        close(src "/" name)
        # The guard of a header is one condition.
        if (depth > (file ~ /\.h$/)) {
            fail(file " includes " name " on a condition")
        }
        if (!(name in seen)) {
            put(name)
        }
    }
    close(src "/" file)
}

BEGIN {
    printf "/* SPDX-License-Identifier: MIT\n *\n"
    printf " * memory_pool.c - libmempool %s in one file, made by\n", version
    printf " * `make amalgamation`.  It needs a C11 compiler, POSIX threads\n"
    printf " * and the two headers beside it, and is compiled as it is:\n *\n"
    printf " *     cc -c -O2 -pthread memory_pool.c\n *\n"
    printf " * Where the compiler emulates thread-local variables, as on\n"
    printf " * OpenBSD, it is told so by -DMP_EMULATED_TLS.\n */\n"
    put("libmempool.c")
}
