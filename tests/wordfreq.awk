# SPDX-License-Identifier: MIT
#
# wordfreq.awk - prints lines that are hard for wordfreq.
#
# A line of 100 KB, lines that just fit a pool of max bytes and just do not,
# lines of words of each small size, and words longer than a pool and than a
# read buffer.  A word is one letter again and again.
function line(count, size,    i, word, letter) {
    letter = substr("abcDEFxyz", size % 9 + 1, 1)
    word = letter
    while (length(word) * 2 <= size)
        word = word word
    word = word substr(word, 1, size - length(word))
    for (i = 0; i < count; i++)
        printf "%s%s", word, i + 1 < count ? " " : "\n"
}
BEGIN {
    for (i = 0; i * 7 < 100000; i++)
        printf "Word%d, ", i % 3000
    printf "\n\n"
    # Words larger than this would make the text too large.
    if (max > 1000000)
        max = 1000000
    for (size = max - 24; size <= max + 2; size++)
        line(2, size)
    for (size = 1; size < 48; size++)
        line(int(max / size) + 1, size)
    line(1, 65536)
    line(3, 70001)
}
