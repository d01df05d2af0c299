#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-sections.sh - every page has the sections it should, in their order.
#
# The optional ones have a question mark here; the page of a structure, or of
# the whole, has nothing to return.
. "${top_srcdir:-.}/tests/man.sh"

for page in $(pages); do
    case ${page##*/} in
    libmempool.7) sections='NAME SYNOPSIS DESCRIPTION EXAMPLES DIAGNOSTICS' ;;
    mempool_debug.7)
        sections='NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXAMPLES DIAGNOSTICS'
        ;;
    *_inline.7 | *_hooks.7) sections='NAME SYNOPSIS DESCRIPTION EXAMPLES' ;;
    mempool_*.7) sections='NAME DESCRIPTION EXAMPLES' ;;
    *.hpp.3) sections='NAME LIBRARY SYNOPSIS DESCRIPTION EXAMPLES ERRORS
           ATTRIBUTES' ;;
    mp_options.3) sections='NAME LIBRARY SYNOPSIS DESCRIPTION EXAMPLES' ;;
    *) sections='NAME LIBRARY SYNOPSIS DESCRIPTION RETURN_VALUES
           ENVIRONMENT? EXAMPLES DIAGNOSTICS? ERRORS? ATTRIBUTES' ;;
    esac
    # One pattern for the whole order: the titles that the page must have,
    # and those that it may, each with a space behind it.
    pattern=$(echo $sections SEE_ALSO HISTORY CAVEATS? |
        sed -e 's/[A-Z_][A-Z_]*/(& )/g' -e 's/ (/(/g')
    titles=$(sed -n 's/^\.Sh //p' "$page" | tr ' \n' '_ ')
    echo "$titles" | grep -Eqx "$pattern" ||
        complain "$page: has $titles, and should have" $sections \
            SEE_ALSO HISTORY CAVEATS?
done
exit $status
