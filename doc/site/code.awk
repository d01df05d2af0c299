# SPDX-License-Identifier: MIT
#
# code.awk - marks comments, strings and words of C in the <pre> of a page.
#
# The text is HTML already, so a quotation mark in it may be an entity.

BEGIN {
    n = split("auto bool break case char class const continue default do " \
        "double else enum explicit extern false float for if int long " \
        "noexcept nullptr operator override private public return short " \
        "signed sizeof static struct switch template throw true typedef " \
        "typename union unsigned using void volatile while", word, " ")
    for (i = 1; i <= n; i++) {
        keyword[word[i]] = 1
    }
}

# A block is looked at as a whole: text without a sign of C is left as it is.
/<pre>/ {
    at = index($0, "<pre>") + 5
    printf "%s", substr($0, 1, at - 1)
    $0 = substr($0, at)
    inside = 1
    lines = 0
    is_c = 0
}

!inside { print; next }

{
    at = index($0, "</pre>")
    rest = at > 0 ? substr($0, at) : ""
    if (at > 0) {
        $0 = substr($0, 1, at - 1)
    }
    line[++lines] = $0
    if (/;$|[{}]$|^#include|\*\/$|^\/\*/) {
        is_c = 1
    }
    if (at > 0) {
        comment = inside = 0
        for (i = 1; i <= lines; i++) {
            printf "%s%s", is_c ? marked(line[i]) : line[i],
                i < lines ? "\n" : rest "\n"
        }
    }
}

function marked(text,    out, c, at, name) {
    out = comment ? "<span class=\"c\">" : ""
    while (text != "") {
        if (comment) {
            at = index(text, "*/")
            if (at == 0) {
                return out text "</span>"
            }
            out = out substr(text, 1, at + 1) "</span>"
            text = substr(text, at + 2)
            comment = 0
        } else if (text ~ /^\/\*/) {
            out = out "<span class=\"c\">/*"
            text = substr(text, 3)
            comment = 1
        } else if (text ~ /^\/\/ /) {
            return out "<span class=\"c\">" text "</span>"
        } else if (match(text, /^("|&quot;)([^"\\&]|\\.|&[^q]|\\&quot;)*("|&quot;)/)) {
            out = out "<span class=\"s\">" substr(text, 1, RLENGTH) "</span>"
            text = substr(text, RLENGTH + 1)
        } else if (match(text, /^[A-Za-z_][A-Za-z_0-9]*/)) {
            name = substr(text, 1, RLENGTH)
            out = out ((name in keyword) ? \
                "<span class=\"k\">" name "</span>" : name)
            text = substr(text, RLENGTH + 1)
        } else if (match(text, /^&[a-z#0-9]+;/)) {
            out = out substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
        } else if (match(text, /^<[^>]*>/)) {
            out = out substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
        } else {
            out = out substr(text, 1, 1)
            text = substr(text, 2)
        }
    }
    return out (comment ? "</span>" : "")
}
