#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hazards.sh - the tests that doc/design.md names exist.
#
# The table of hazards names for each the file and the tests that show it, as
# "tests/check_view.c: a_walk_can_free_what_it_visits, ...".  A test that is
# renamed or moved would leave the table pointing at nothing.  Whether a test
# shows what the table says of it, only a reader can tell.
set -eu
cd "$top_srcdir"

$AWK '
function complain(what) {
    print "hazards: doc/design.md:" FNR ": " what
    failed = 1
}
function has_test(file, name,  line, found) {
    while ((getline line <file) > 0)
        found = found || line == "START_TEST(" name ")"
    close(file)
    return found
}
{
    line = $0
    while (match(line, "tests/[A-Za-z0-9_-]+[.][a-z]+")) {
        file = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        if ((getline first <file) <= 0) complain("there is no " file)
        close(file)
        if (line !~ /^: /) continue
        list = line
        sub(/[;|].*/, "", list)
        for (n = split(list, word, /[^A-Za-z0-9_]+/); n > 0; n--)
            if (word[n] ~ /_/ && ++named && !has_test(file, word[n]))
                complain(file " has no test " word[n])
    }
}
END { exit failed || !named }' doc/design.md
