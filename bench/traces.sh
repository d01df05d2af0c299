#!/bin/sh
# SPDX-License-Identifier: MIT
#
# traces.sh - records what real programs ask malloc for and replays it with
# each peer: time, and memory at the most per byte live at the most.
#
# Run by `make bench-traces` in the build tree.  Programs that are not there
# are named and left out; fewer than three are no comparison.  Each is recorded
# anew on the machine where it runs, in a temporary directory, and does so much
# that it has some hundred thousand events.  Of a program that starts others
# the largest trace counts: the compiler behind the compiler's driver.  A
# program with few events shows what its first touch of large blocks costs, and
# little else.
#
# The library's thresholds were tuned on some of these programs, named below:
# what bears on it is how it does on the others.  "./bootstrap --deps --bench"
# installs the programs.
set -u
top_srcdir=${top_srcdir:-.}
PEERS=${PEERS:-}
ROUNDS=${ROUNDS:-5}
AWK=${AWK:-awk}
CC=${CC:-cc}
ONLY=${ONLY:-}
LINES=20000 # of the text, whatever the terminal has
tuned='cc perl sqlite3 git jq xz'
dir=$(mktemp -d) || exit 99
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
case ${RECORD:=bench/record.so} in
/*) ;;
*) RECORD=$(pwd)/$RECORD ;;
esac
case $top_srcdir in
/*) ;;
*) top_srcdir=$(pwd)/$top_srcdir ;;
esac
recorded=

wanted()
{
    case ,$ONLY, in
    ,, | *,"$1",*) return 0 ;;
    esac
    return 1
}

# kept NAME: the largest trace of its processes, as $dir/NAME.trace.
kept()
{
    largest=$(ls -S "$dir/$1".[0-9]* 2>/dev/null | head -n 1)
    if [ -z "$largest" ]; then
        echo "$1: wrote no trace, left out"
        return
    fi
    mv "$largest" "$dir/$1.trace"
    rm -f "$dir/$1".[0-9]*
    recorded="$recorded $1"
}

# record NAME COMMAND...
record()
{
    name=$1
    shift
    wanted "$name" || return 0
    if ! command -v "$1" >/dev/null; then
        echo "$name: $1 is not here, left out"
        return
    fi
    if ! LD_PRELOAD=$RECORD RECORD_FILE=$dir/$name "$@" \
        >"$dir/out" 2>"$dir/err" </dev/null; then
        echo "$name: failed, left out:"
        tail -n 3 "$dir/err"
        return
    fi
    kept "$name"
}

# record_redis: a server that does what a client asks, and is then told to end.
record_redis()
{
    wanted redis || return 0
    if ! command -v redis-server >/dev/null ||
        ! command -v redis-benchmark >/dev/null; then
        echo 'redis: redis-server is not here, left out'
        return
    fi
    mkdir "$dir/redis"
    # It might not hear that it shall end.
    timeout 120 env LD_PRELOAD="$RECORD" RECORD_FILE="$dir/redis/redis" \
        redis-server --port 0 --unixsocket "$dir/redis/socket" \
        --dir "$dir/redis" --save '' >"$dir/out" 2>&1 </dev/null &
    server=$!
    tries=0
    until redis-cli -s "$dir/redis/socket" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -ge 100 ] || ! kill -0 $server 2>/dev/null; then
            echo 'redis: does not start, left out'
            kill $server 2>/dev/null
            server=
            return
        fi
        sleep 0.1
    done
    timeout 60 redis-benchmark -s "$dir/redis/socket" -q -n $((LINES / 4)) -c 10 -d 100 \
        -r 5000 -t set,get,lpush,lpop,sadd,hset >/dev/null 2>&1
    # Its exit handlers write the rest of the trace.
    redis-cli -s "$dir/redis/socket" shutdown nosave >/dev/null 2>&1
    wait $server
    server=
    for file in "$dir"/redis/redis.[0-9]*; do
        mv "$file" "$dir/"
    done
    kept redis
}

# The same text each time: words of a skewed choice out of many.
$AWK -v lines="$LINES" 'BEGIN {
    srand(1)
    for (line = 0; line < lines; line++) {
        for (word = 0; word < 8; word++)
            printf "word%d ", int(30000 * rand() * rand() * rand())
        print ""
    }
}' >"$dir/text"
head -n $((LINES / 4)) "$dir/text" >"$dir/some"
# One word a line, and long: so much that sort divides it.
tr ' ' '\n' <"$dir/text" | cat - "$dir/text" | $AWK '{ print; print $1 NR }' \
    >"$dir/words"
{
    echo 'CREATE TABLE word (text TEXT, place INTEGER);'
    echo 'BEGIN;'
    $AWK 'NR <= 4000 {
        printf "INSERT INTO word VALUES (\"%s\", %d);\n", $1, NR
    }' "$dir/text"
    echo 'COMMIT; CREATE INDEX by_text ON word (text);'
    echo 'SELECT text, count(*) FROM word GROUP BY text ORDER BY 2, 1;'
} >"$dir/words.sql"
{
    echo '<words>'
    $AWK '{
        printf "<line number=\"%d\">", NR
        for (i = 1; i <= NF; i++)
            printf "<word>%s</word>", $i
        print "</line>"
    }' "$dir/text" | head -n $((LINES / 5))
    echo '</words>'
} >"$dir/words.xml"
$AWK '{
    printf "{\"line\": %d, \"words\": [", NR
    for (i = 1; i <= NF; i++)
        printf "%s\"%s\"", (i > 1 ? ", " : ""), $i
    print "]}"
}' "$dir/text" | head -n $((LINES / 4)) >"$dir/words.json"
mkdir "$dir/tree"
$AWK -v to="$dir/tree" 'NR % 20 == 1 {
    close(file)
    directory = to "/" int(NR / 1000)
    if (!(directory in made)) {
        system("mkdir -p " directory)
        made[directory] = 1
    }
    file = directory "/" NR
}
{ print >file }' "$dir/text"

# Two versions of a thousand files.
(
    cp -R "$dir/tree" "$dir/repository" && cd "$dir/repository" || exit
    # Nothing of the user's settings.
    HOME=$dir GIT_CONFIG_NOSYSTEM=1
    export HOME GIT_CONFIG_NOSYSTEM
    git init -q . && git config user.name bench &&
        git config user.email bench@localhost && git add -A &&
        git commit -q -m one || exit
    for file in */*; do
        sed 's/word1/Word1/' "$file" >../out && cp ../out "$file"
    done
    git commit -q -a -m two
) >/dev/null 2>&1

cat >"$dir/words.py" <<'EOT'
import collections, json, sys
count = collections.Counter()
lines = []
for line in open(sys.argv[1]):
    words = line.split()
    count.update(words)
    lines.append({"words": words, "length": len(line)})
    if len(lines) > 500:
        json.loads(json.dumps(lines))
        lines = []
print(sorted(count.items(), key=lambda item: item[1])[-10:])
EOT
cat >"$dir/words.lua" <<'EOT'
local count, list = {}, {}
for line in io.lines(arg[1]) do
    for word in line:gmatch("%S+") do
        count[word] = (count[word] or 0) + 1
        list[#list + 1] = {word = word, text = word .. #line}
        if #list > 2000 then list = {} end
    end
end
local sorted = {}
for word, n in pairs(count) do sorted[#sorted + 1] = {word, n} end
table.sort(sorted, function(a, b)
    return a[2] == b[2] and a[1] < b[1] or a[2] > b[2]
end)
for i = 1, 10 do print(sorted[i][1], sorted[i][2]) end
EOT
cat >"$dir/CMakeLists.txt" <<'EOT'
cmake_minimum_required(VERSION 3.13)
foreach(i RANGE 1200)
    string(SHA256 digest "word${i}")
    list(APPEND words "${digest}")
    string(REGEX REPLACE "[0-9]+" "-" "word${i}" "${digest}")
    set_property(GLOBAL APPEND PROPERTY found "${word${i}}")
endforeach()
list(SORT words)
EOT

record cc $CC -O2 $CPPFLAGS -I"$top_srcdir/src" -S -o "$dir/out.s" \
    "$top_srcdir/examples/wordfreq.c"
record perl perl -e 'open F, $ARGV[0]; while (<F>) { $n{$_}++ for split }
    print "$_ $n{$_}\n" for sort { $n{$a} <=> $n{$b} } keys %n' "$dir/text"
record gawk gawk '{ for (i = 1; i <= NF; i++) n[$i] = n[$i] "," NR }
    END { for (w in n) print length(n[w]), toupper(w) }' "$dir/text"
record sqlite3 sqlite3 :memory: ".read $dir/words.sql"
record git git -C "$dir/repository" log -p --stat --histogram
record jq jq -c '.words | map({word: ., length: length})' "$dir/words.json"
record xz xz -k -6 -T 2 --block-size=64KiB -c "$dir/text"
record python env PYTHONMALLOC=malloc python3 "$dir/words.py" "$dir/some"
record lua lua5.4 "$dir/words.lua" "$dir/some"
record xmllint xmllint --xpath 'count(//word[. = "word7"])' "$dir/words.xml"
record rg rg -j 4 -n 'word(1|22)[0-9]* ' "$dir/tree"
record fd fdfind -j 4 '[13]5*1' "$dir/tree"
record sort sort --parallel=4 -S 64M "$dir/words"
record mksquashfs mksquashfs "$dir/tree" "$dir/squashfs" -processors 4 \
    -no-progress
record cmake cmake -P "$dir/CMakeLists.txt"
record tar tar -cf "$dir/tree.tar" -C "$dir" tree
record bash bash -c 'while read -r a b rest; do n[${#a}]+=" $b"; done <"$1"
    echo "${#n[5]}"' bash "$dir/some"
record_redis

# The programs that have several threads, and how many.
count=0
printf '%-12s %9s %8s\n' program events threads
for name in $recorded; do
    count=$((count + 1))
    threads=$(od -An -v -t u4 -w32 "$dir/$name.trace" |
        $AWK '{ seen[$7] = 1 } END { for (t in seen) n++; print n }')
    [ "$threads" -eq 1 ] || : >"$dir/$name.threads"
    printf '%-12s %9d %8d%s\n' "$name" \
        $(($(wc -c <"$dir/$name.trace") / 32)) "$threads" \
        "$(case " $tuned " in *" $name "*) echo '  (tuned on)' ;; esac)"
done
if [ $count -lt ${LEAST:-3} ]; then
    echo "bench-traces: $count programs recorded, ${LEAST:-3} are the least"
    exit 1
fi
BENCH_TRACES=$dir BENCH_TOUCH=${TOUCH:-} AWK=$AWK \
    sh "$top_srcdir/bench/run.sh" -b bench -r "$ROUNDS" \
    -T "$(echo $recorded | tr ' ' ',')" ${PEERS:+-p "$PEERS"} \
    -o bench/traces.raw
