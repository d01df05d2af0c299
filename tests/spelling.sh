#!/bin/sh
# SPDX-License-Identifier: MIT
#
# spelling.sh - the prose of the pages and texts has no misspelt word.
#
# aspell looks at what is left of it without names, code and figures; the words
# that it does not know and that are right stand in tests/words.txt.  British
# spelling is ours.
. "${top_srcdir:-.}/tests/man.sh"
command -v aspell >/dev/null 2>&1 || skip 'no aspell'
echo colour | aspell --lang=en_GB list >/dev/null 2>&1 ||
    skip 'aspell has no British dictionary'

# The prose of a page: its lines without macros, outside of literal text.
page_prose()
{
    $AWK '/^\.Bd -literal/ { quiet = 1 }
          /^\.Ed/ { quiet = 0 }
          quiet { next }
          /^\.(Nd|Ss) / { sub(/^\.[A-Z][a-z] /, ""); print; next }
          /^\.It [A-Za-z]+ Ta [A-Za-z]/ { gsub(/ Ta /, " "); print; next }
          !/^\./' "$1"
}

# The prose of a text: what is not indented as code, nor between backquotes.
text_prose()
{
    $AWK '/^```/ { quiet = !quiet }
          quiet || /^    [^ ]/ || /^SPDX/ || /^<!--/ { next }
          { gsub(/`[^`]*`/, ""); print }' "$1"
}

# Names of files and functions, options and figures are no words.
words_of()
{
    tr -s ' \t|,;:!?"()' '\n' | sed "s/[.'-]*\$//; s/^['-]*//" |
        grep -E "^[A-Za-z][a-z'-]*\$" | sort -u |
        aspell --lang=en_GB --encoding=utf-8 list | sort -u
}

grep -v '^#' "$top_srcdir/tests/words.txt" | sort -u >"$dir/known"
for page in $(pages); do
    page_prose "$page" >"$dir/prose"
    test -s "$dir/prose" || complain "$page: has no prose"
    words_of <"$dir/prose" | grep -vxFf "$dir/known" >"$dir/wrong"
    test ! -s "$dir/wrong" || complain "$page:" $(cat "$dir/wrong")
done
for text in README.md CONTRIBUTING.md SECURITY.md NEWS HACKING PACKAGERS \
    src/README doc/design.md; do
    test -f "$top_srcdir/$text" || continue
    text_prose "$top_srcdir/$text" | words_of |
        grep -vxFf "$dir/known" >"$dir/wrong"
    test ! -s "$dir/wrong" || complain "$text:" $(cat "$dir/wrong")
done
# What aspell says of a word that is wrong, lest it say nothing of any.
echo 'recieve' | words_of | grep -q . || complain 'aspell knows no mistake'
exit $status
