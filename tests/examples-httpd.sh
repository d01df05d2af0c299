#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-httpd.sh - httpd answers right, whatever is sent, and keeps nothing.
#
# Single requests first, good and bad, each with the answer that it must get,
# to the byte.  Then 10,000 over eight connections at once, in two halves:
# the second must not make the process larger than the first did, and all the
# while nothing but the open connections may stay in the pools.  With a
# sanitizer, or MP_TEST_SCALE, there are fewer; a sanitizer's memory is not
# compared, since it keeps what was freed.  The process ends by a request and
# by a signal, and says itself whether its root is empty.
set -u
top_builddir=${top_builddir:-.}
AWK=${AWK:-awk}
dir=$(mktemp -d) || exit 99
pid=
status=0
trap 'test -z "$pid" || kill -9 $pid 2>/dev/null; rm -rf "$dir"' EXIT
unset http_proxy all_proxy ALL_PROXY || :
CURL_HOME=$dir
export CURL_HOME
: >"$dir/.curlrc"

if ! curl --version >"$dir/version" 2>&1; then
    echo 'examples-httpd: curl is not installed, so nothing sends requests'
    exit 77
fi
if ! grep '^Protocols:.* telnet' "$dir/version" >/dev/null; then
    echo 'examples-httpd: this curl has no telnet, so it sends no raw bytes'
    exit 77
fi

complain()
{
    echo "examples-httpd: $*"
    status=1
}

# Starts the server with the given options; sets pid and url.  It may have
# few files open, so it soon has none if it forgets to close them.
start()
{
    rm -f "$dir/pid" "$dir/ended"
    : >"$dir/log"
    (
        ulimit -n 100
        "$top_builddir/examples/httpd" "$@" "$dir/www" >>"$dir/log" \
            2>"$dir/err" </dev/null &
        echo $! >"$dir/pid"
        wait $!
        echo $? >"$dir/ended"
    ) &
    tries=0
    until grep '/$' "$dir/log" >/dev/null; do
        tries=$((tries + 1))
        if test $tries -gt 100 || test -s "$dir/ended"; then
            complain 'the server does not start'
            cat "$dir/log" "$dir/err"
            exit 1
        fi
        sleep 0.1
    done
    pid=$(cat "$dir/pid")
    url=$(sed -n 's/^httpd: \(http.*\)\/$/\1/p' "$dir/log")
}

# Waits for its end, not for ever; the root must be empty then.
finish()
{
    tries=0
    until test -s "$dir/ended"; do
        tries=$((tries + 1))
        if test $tries -gt 200; then
            complain "$1: the server does not end"
            exit 1
        fi
        sleep 0.1
    done
    found=$(cat "$dir/ended")
    pid=
    test $found -eq 0 || complain "$1: exit status $found"
    grep ' requests, 0 objects and 0 pools left$' "$dir/log" >/dev/null ||
        complain "$1: the root is not empty"
    if test -s "$dir/err" || test $found -ne 0; then
        complain "$1: it says"
        cat "$dir/err" "$dir/log"
    fi
}

# The answer to a request of curl's must have the status and, where a file is
# given, its bytes: status, file or -, arguments.
expect()
{
    expected=$1
    file=$2
    shift 2
    found=$(curl -s -m 20 -o "$dir/body" -D "$dir/head" \
        -w '%{http_code}' "$@")
    code=$?
    test "$found" = "$expected" && test $code -eq 0 ||
        complain "$*: status $found (curl: $code), not $expected"
    if test "$file" != -; then
        cmp "$file" "$dir/body" || complain "$*: other bytes"
    fi
}

# The last answer's head has the line.
has()
{
    tr -d '\r' <"$dir/head" | grep -i "^$1\$" >/dev/null ||
        complain "no line '$1' in: $(cat "$dir/head")"
}

# Bytes as they are, for printf; then the statuses of all answers.
raw()
{
    expected=$1
    printf "$2" | curl -s -m 20 "telnet://${url#http://}" >"$dir/body"
    found=$(tr -d '\r' <"$dir/body" |
        sed -n 's/^HTTP\/1.1 \([0-9]*\) .*/\1/p' | tr '\n' ' ')
    test "$found" = "$expected " ||
        complain "$2: answered '$found', not '$expected'"
}

# Files to serve: of one byte, of text, of some pieces, and of none.
mkdir -p "$dir/www/sub/a b"
printf x >"$dir/www/one"
printf 'small\n' >"$dir/www/small.txt"
printf '<p>index\n' >"$dir/www/index.html"
printf 'in a b\n' >"$dir/www/sub/a b/c%d.txt"
: >"$dir/www/empty.css"
$AWK 'BEGIN { for (i = 0; i < 9000; i++) print i, i * 7919 % 10007 }' \
    >"$dir/www/large.json"
printf 'secret\n' >"$dir/secret"
ln -s ../secret "$dir/www/link"
ln -s .. "$dir/www/sub/up"
dd if="$dir/www/large.json" of="$dir/40k" bs=1000 count=40 2>/dev/null
cat "$dir/www/large.json" "$dir/www/large.json" >"$dir/180k"
$AWK 'BEGIN { for (i = 0; i < 40; i++) {
        printf "X-Long-%d: ", i
        for (j = 0; j < 200; j++) printf "0123456789"
        print ""
    } }' >"$dir/long"
$AWK 'BEGIN { for (i = 0; i < 4000; i++) print "X: " i }' >"$dir/many"
for code in '400 Bad Request' '404 Not Found' '405 Method Not Allowed' \
    '408 Request Timeout' '413 Content Too Large' '501 Not Implemented' \
    '431 Request Header Fields Too Large' '417 Expectation Failed'; do
    echo "$code" >"$dir/${code%% *}"
done

# One at a time.
start --timeout 2
expect 200 "$dir/www/small.txt" "$url/small.txt"
has 'Content-Type: text/plain; charset=utf-8'
has 'Content-Length: 6'
has 'Connection: keep-alive'
has 'Date: [MTWFS][a-z][a-z], [0-3][0-9] [A-Z][a-z][a-z] 20.* GMT'
expect 200 "$dir/www/one" "$url/one?query"
has 'Content-Type: application/octet-stream'
expect 200 "$dir/www/index.html" "$url/"
has 'Content-Type: text/html; charset=utf-8'
expect 200 "$dir/www/empty.css" "$url//empty.css"
has 'Content-Length: 0'
expect 200 "$dir/www/large.json" "$url/./large.json" --path-as-is
expect 200 "$dir/www/sub/a b/c%d.txt" "$url/%73ub/a%20b/c%25d.txt"
expect 200 - -I "$url/large.json"
has "Content-Length: $(($(wc -c <"$dir/www/large.json")))"
for path in missing sub sub/ small.txt/ link sub/up/www/small.txt \
    small.txt/x "$(sed 's/.*/0123456789/;30q' "$dir/long" | tr -d '\n')"; do
    expect 404 "$dir/404" "$url/$path"
    has 'Connection: keep-alive'
done
for path in ../secret sub/../small.txt %2e%2e/secret sub/.. x%2f..%2fy \
    a%00b a%0 a%zz a%; do
    expect 400 "$dir/400" --path-as-is "$url/$path"
done
expect 405 "$dir/405" -X DELETE "$url/one"
has 'Allow: GET, HEAD, POST'
expect 405 "$dir/405" -d x "$url/one"
has 'Connection: keep-alive'
expect 405 "$dir/405" "$url/quit"
expect 501 "$dir/501" -X BREW "$url/one"
expect 501 "$dir/501" -H 'Transfer-Encoding: chunked' -d x "$url/echo"
expect 417 "$dir/417" -H 'Expect: a miracle' "$url/one"

# What is echoed, and what is too large for the pool of a request.
printf 'GET /echo?a=%%41 HTTP/1.1\nHost: h\nX-Two: a  b\nX-None: \n' \
    >"$dir/expected"
expect 200 "$dir/expected" -H 'Host: h' -H 'User-Agent:' -H 'Accept:' \
    -H 'X-Two:  a  b ' -H 'X-None;' "$url/echo?a=%41"
expect 200 "$dir/40k" --data-binary "@$dir/40k" \
    -H 'Content-Type: text/x-some' "$url/echo"
has 'Content-Type: text/x-some'
expect 200 "$dir/40k" --data-binary "@$dir/40k" -H 'Expect: 100-continue' \
    "$url/echo"
has 'HTTP/1.1 100 Continue'
expect 200 "$dir/www/empty.css" -X POST -H 'Content-Length: 0' "$url/echo"
expect 413 "$dir/413" --data-binary "@$dir/180k" "$url/echo"
has 'Connection: close'
expect 413 "$dir/413" --data-binary "@$dir/180k" \
    -H 'Expect: 100-continue' "$url/echo"
expect 413 "$dir/413" -X POST \
    -H 'Content-Length: 99999999999999999999999' "$url/echo"
expect 431 "$dir/431" -H "@$dir/long" "$url/one"
expect 431 "$dir/431" -H "@$dir/many" "$url/one"

# Keep-alive, and requests sent without waiting for answers.
found=$(curl -s -m 20 -o "$dir/body" -w '%{num_connects}' "$url/one" \
    -o "$dir/body" -w '%{num_connects}' "$url/missing" \
    -o "$dir/body" -w '%{num_connects}' "$url/large.json")
test "$found" = 100 || complain "connections for three requests: $found"
one='GET /small.txt HTTP/1.1\r\nHost: h\r\n'
raw '200 404 200' "\r\n$one\r\nGET /no HTTP/1.1\r\nHOST:h\r\n\r\n${one}\
Connection: x, Close\r\n\r\n"
raw '200 200' "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n\
GET / x\n${one}Connection: close\r\n\r\n"
raw 200 'GET /one HTTP/1.0\n\n'
raw 200 'GET http://any.example/one HTTP/1.0\r\n\r\n'
old='GET /small.txt HTTP/1.0\r\n'
raw '200 200' "${old}Connection: keep-alive\r\n\r\n$old\r\n$old\r\n"

# Broken, in all ways; the rest of the bytes must not become a request.
for bytes in 'GET\r\n\r\n' 'GET /one\r\n\r\n' 'GET /one \r\n\r\n' \
    'GET  /one HTTP/1.1\r\n\r\n' 'GET one HTTP/1.0\r\n\r\n' \
    'GET /one#a HTTP/1.0\r\n\r\n' 'GET /\351 HTTP/1.0\r\n\r\n' \
    'GET /one HTTP/1.0 \r\n\r\n' 'GET /one HTTP/1\r\n\r\n' \
    'GET /one HTTP/10.1\r\n\r\n' 'GET /one http/1.1\r\n\r\n' \
    ' GET /one HTTP/1.0\r\n\r\n' 'G(T /one HTTP/1.0\r\n\r\n' \
    '\001\002\003\n\n' 'GET /one HTTP/1.0\000\r\n\r\n' \
    'GET /one HTTP/1.1\r\n\r\n' "${one}Host: h\r\n\r\n" \
    "${one}No colon\r\n\r\n" "${one}: x\r\n\r\n" "${one}A : x\r\n\r\n" \
    "${one}A: x\r\n folded\r\n\r\n" "${one}A: x\ry\r\n\r\n" \
    "${one}A: x\000y\r\n\r\n" "${one}Content-Length: x\r\n\r\n" \
    "${one}Content-Length: -1\r\n\r\n" "${one}Content-Length:\r\n\r\n" \
    "${one}Content-Length: 1, 1\r\n\r\n$one\r\n" \
    "${one}Content-Length: 0\r\nContent-Length: 3\r\n\r\n$one\r\n"; do
    raw 400 "$bytes"
done
raw 501 "${one}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n$one"
raw 505 'GET /one HTTP/2.0\r\n\r\n'
raw 408 "$one"
raw 408 'POST /echo HTTP/1.0\r\nContent-Length: 9\r\n\r\nshort'

expect 200 - "$url/stats"
grep '^ *httpd$' "$dir/body" >/dev/null || complain 'no root in /stats'
echo 'The server ends.' >"$dir/expected"
expect 200 "$dir/expected" -X POST "$url/quit"
finish '/quit'

# A number of the pools with the name, from /stats?json: their sum.
sum()
{
    sed -e 's/,$//' "$dir/stats" | $AWK -v pool="\"$1\"" -v what="\"$2\":" '
        /"name":/ { here = index($0, pool) > 0; pools += here }
        here && $1 == what { total += $2 }
        END { print what == "\"pools\":" ? pools + 0 : total + 0 }'
}

# Waits until the connection that asks is the only one, and nothing but its
# own request is live.
at_rest()
{
    tries=0
    while :; do
        curl -s -m 20 "$url/stats?json" >"$dir/stats" || {
            complain "$1: no statistics"
            return
        }
        if test "$(sum httpd live_objects)" -eq 1 &&
            test "$(sum request pools)" -eq 1; then
            break
        fi
        tries=$((tries + 1))
        if test $tries -gt 50; then
            complain "$1: not at rest:"
            cat "$dir/stats"
            break
        fi
        sleep 0.1
    done
    test "$(sum worker pools)" -eq 4 &&
        test "$(sum worker live_objects)" -eq 0 ||
        complain "$1: the workers have $(sum worker live_objects) objects"
    test "$(sum httpd children_count)" -eq 5 ||
        complain "$1: $(sum httpd children_count) pools below the root"
    test "$(sum httpd allocations)" -eq $(($(sum httpd frees) + 1)) ||
        complain "$1: connections: $(sum httpd allocations) made," \
            "$(sum httpd frees) ended"
}

# A section of curl's configuration for one request of the load, its answer
# going to standard output; and what that must be: status, file, options.
request()
{
    test ! -s "$dir/round" || echo next >>"$dir/round"
    path=$3
    cat "$2" >>"$dir/answers"
    echo "[$1]" >>"$dir/answers"
    shift 3
    {
        printf '%s\n' silent fail-early 'max-time = 20' path-as-is "$@"
        printf 'url = "%s"\nwrite-out = "[%%{http_code}]\\n"\n' "$url$path"
    } >>"$dir/round"
}

# 25 requests of all kinds, eight of them refused.
round()
{
    : >"$dir/round"
    : >"$dir/answers"
    for i in 1 2 3 4; do
        request 200 "$dir/www/one" /one
        request 200 "$dir/www/small.txt" /small.txt
        request 200 "$dir/www/large.json" /large.json
        request 200 "$dir/40k" /echo "data-binary = \"@$dir/40k\""
    done
    request 200 "$dir/www/sub/a b/c%d.txt" /sub/a%20b/c%25d.txt
    request 413 "$dir/413" /echo "data-binary = \"@$dir/180k\""
    request 404 "$dir/404" /none
    request 400 "$dir/400" /../secret
    request 431 "$dir/431" /one "header = \"@$dir/many\""
    request 405 "$dir/405" /one 'request = "DELETE"'
    request 501 "$dir/501" /echo 'data = "x"' \
        'header = "Transfer-Encoding: chunked"'
    request 400 "$dir/400" /one 'header = "Content-Length: x"'
    request 200 "$dir/www/empty.css" '/stats?json' 'output = "/dev/null"'
}

# Eight clients, each with its connection, so many rounds.
load()
{
    : >"$dir/config"
    : >"$dir/expected"
    i=0
    while test $i -lt "$1"; do
        test $i -eq 0 || echo next >>"$dir/config"
        cat "$dir/round" >>"$dir/config"
        cat "$dir/answers" >>"$dir/expected"
        i=$((i + 1))
    done
    clients=
    for i in 1 2 3 4 5 6 7 8; do
        curl -K "$dir/config" >"$dir/out$i" 2>"$dir/curl$i" &
        clients="$clients $!"
    done
    for client in $clients; do
        wait $client || complain "load: curl: exit status $?"
    done
    for i in 1 2 3 4 5 6 7 8; do
        cmp "$dir/expected" "$dir/out$i" || {
            complain "load: client $i: other answers"
            cat "$dir/curl$i"
        }
    done
}

resident()
{
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" \
        2>/dev/null
}

scale=${MP_TEST_SCALE:-$(test -n "${SANITIZE_CFLAGS:-}" && echo 5 || echo 1)}
rounds=$((25 / scale))
test $rounds -gt 0 || rounds=1
start
round
load $rounds
at_rest 'after the first half'
test $status -eq 0 || exit 1
first=$(resident)
load $rounds
at_rest 'after the second half'
second=$(resident)
if test -n "${SANITIZE_CFLAGS:-}" || test -z "$second"; then
    echo 'examples-httpd: with this system or sanitizer memory is not compared'
else
    echo "examples-httpd: resident: $first KiB, then $second KiB"
    test $((second * 100)) -le $((first * 105)) ||
        complain "it grew from $first KiB to $second KiB"
fi
kill -TERM $pid
finish 'SIGTERM'
answered=$(sed -n 's/^httpd: \([0-9]*\) requests, .*/\1/p' "$dir/log")
test "${answered:-0}" -ge $((rounds * 2 * 8 * 25)) ||
    complain "only ${answered:-no} requests were answered"
grep '^httpd: [1-9][0-9]* bytes of blocks, [1-9][0-9]* KiB' "$dir/log" \
    >/dev/null || complain 'no footprint'

# What it cannot do.
"$top_builddir/examples/httpd" "$dir/none" >"$dir/log" 2>"$dir/err"
found=$?
test $found -eq 1 && grep "$dir/none: " "$dir/err" >/dev/null ||
    complain "no directory: exit status $found"
for wrong in '' '--threads 0' '--threads 65' '--capacity 10' '--port 65536' \
    '--timeout x' '--threads' "$dir/www more" '--what 1'; do
    "$top_builddir/examples/httpd" $wrong >"$dir/log" 2>"$dir/err"
    found=$?
    test $found -eq 2 && grep '^usage: ' "$dir/err" >/dev/null ||
        complain "'$wrong': exit status $found"
done
exit $status
