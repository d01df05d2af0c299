# SPDX-License-Identifier: MIT
#
# readability.awk - how long the sentences of each page's DESCRIPTION are.
#
# usage: awk -f readability.awk man/*.[37]
#
# Prints words per sentence on average, the longest sentence's words, and where
# that begins.  A name counts as a word; tables and code do not count.  Aim at
# less than 20 on average and 35 for the longest.

FNR == 1 { end_page(); file = FILENAME; sub(/^.*\//, "", file) }

/^\.Sh / { end_sentence(); inside = $2 == "DESCRIPTION"; next }
!inside || /^\.\\"/ { next }
/^\.Bd/ || /^\.Bl -column/ { end_sentence(); quiet = 1 }
/^\.Ed/ || /^\.El/ { quiet = 0 }
quiet { next }
/^\.(Pp|Ss|Bl|El|Ed|Dl)/ { end_sentence(); next }

/^\.It/ { end_sentence(); next }

{
    if (words == 0) {
        begin = FNR
    }
    macro = /^\./
    for (i = macro ? 2 : 1; i <= NF; i++) {
        if ($i ~ /[A-Za-z0-9]/ && !(macro && $i ~ /^[0-9]$/)) {
            words++
        }
    }
    if (/[.:?]$/ || /;$/) {
        end_sentence()
    }
}

function end_sentence() {
    if (words > 0) {
        sentences++
        total += words
        if (words > longest) {
            longest = words
            place = begin
        }
    }
    words = 0
}

function end_page() {
    end_sentence()
    if (sentences > 0) {
        printf "%-24s %5.1f words a sentence, at most %2d (line %d)\n", file,
            total / sentences, longest, place
        all += total
        count += sentences
    }
    sentences = total = longest = inside = quiet = 0
}

END {
    end_page()
    if (count > 0) {
        printf "%-24s %5.1f words a sentence\n", "all", all / count
    }
}
