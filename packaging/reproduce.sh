#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproduce.sh - two builds of what is committed give the same bytes.
#
# Run by `make check-reproducible`.  The builds differ in directory, user,
# umask, locale, time zone, number of processes, shell's environment and, where
# faketime is installed, date and time.  Compared are the tarballs, the shared
# library stripped of what debuggers read, and the Debian packages; diffoscope
# tells what differs.  In the second bootstrap automake believes what was seen
# of the macros before, as it does where that was in the same second.  The
# second user is nobody, if this one is root; else both are this one, and the
# output says so.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
unset SOURCE_DATE_EPOCH || :
tree=$(cd "$top_srcdir" && git rev-parse --show-toplevel)
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
chmod 755 "$dir"

cat >"$dir/automake" <<'EOS'
#!/bin/sh
touch -d '+1 hour' autom4te.cache/traces.* autom4te.cache/output.*
exec automake "$@"
EOS
chmod 755 "$dir/automake"

# build CLONE PROCESSES COMMAND...: the command brings the variations.
build() {
    clone=$1
    processes=$2
    shift 2
    (cd "$clone" && exec "$@" sh packaging/reproduce-build.sh "$processes") \
        >"$clone.log" 2>&1 || {
        tail -n 60 "$clone.log"
        echo 'reproduce: the build failed'
        exit 1
    }
}

first=$dir/one
second=$dir/another-and-much-longer/directory
mkdir -p "$(dirname "$second")"
git clone -q "$tree" "$first"
git clone -q "$tree" "$second"
build "$first" 1 env TZ=UTC LC_ALL=C USER=one HOME="$dir"

umask 002
set -- env TZ=Asia/Tokyo LC_ALL=C.UTF-8 LANGUAGE=fr USER=two ANOTHER=yes \
    HOME=/nonexistent AUTOMAKE="$dir/automake"
if command -v faketime >/dev/null 2>&1; then
    set -- "$@" faketime -f '+400d'
else
    echo 'reproduce: faketime is missing, both builds are of today'
fi
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$(dirname "$second")"
    set -- setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
else
    echo 'reproduce: not root, both builds are of the same user'
fi
build "$second" 2 "$@"

cd "$first/made"
status=0
[ "$(ls)" = "$(ls "$second/made")" ] || status=1
for file in *; do
    if cmp "$file" "$second/made/$file"; then
        echo "reproduce: the same twice: $file"
    else
        status=1
        ! command -v diffoscope >/dev/null 2>&1 ||
            diffoscope "$file" "$second/made/$file" || :
    fi
done
exit $status
