#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rpm.sh - builds the RPM packages from the tarball and has rpmlint look at
# them and at the specification.
#
# Run by `make check-rpm` after `make recipes`.  rpmbuild's own database knows
# nothing of what another packager installed, hence --nodeps where that is
# dpkg.  The tests run with RPM_WITH=check alone: they ran on the same tarball
# before, in distcheck.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
top=$PWD/rpm
rm -rf "$top"
mkdir "$top"
set -- --define "_topdir $top" --define "_sourcedir $PWD/recipes"
[ "${RPM_WITH:-}" = check ] || set -- "$@" --without check
# Where rpm is a guest it neither strips nor compresses by itself.
if command -v dpkg >/dev/null; then
    post='bash /usr/lib/rpm/brp-compress; find $RPM_BUILD_ROOT -type f'
    post="$post -name '*.so.*' ! -name '*.py' -exec strip --strip-unneeded {} +"
    set -- "$@" --nodeps --define "__os_install_post $post"
fi
rpmbuild -ba "$@" recipes/libmempool.spec >"$top/log" 2>&1 || {
    tail -n 40 "$top/log"
    exit 1
}
find "$top" -name '*.rpm' >"$top/packages"
while read -r package; do
    echo "rpm: $(basename "$package"): $(rpm -qpl --nodigest --nosignature \
        "$package" 2>/dev/null | wc -l) paths"
done <"$top/packages"
rpmlint -c recipes/rpmlint.toml recipes/libmempool.spec \
    $(cat "$top/packages") >"$top/lint" 2>&1 || :
tail -n 1 "$top/lint"
if ! grep ' 0 errors, 0 warnings' "$top/lint" >/dev/null; then
    cat "$top/lint"
    exit 1
fi
