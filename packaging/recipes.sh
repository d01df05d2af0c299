#!/bin/sh
# SPDX-License-Identifier: MIT
#
# recipes.sh - what other distributions build from, for one tarball.
#
# Run by `make recipes`, in the build directory, where the tarball is: fills
# the templates in packaging/ with its version, date and checksums, and the
# addresses in the file ADDRESSES, into the directory "recipes", and puts the
# tarball beside them.  Each is looked at with what is installed for it: the
# shell for the APKBUILD, ruby for the formula, nix-instantiate, guile, Python
# for Conan's and Spack's, CMake for vcpkg's; the output says what could not be
# tried.
# `make check-rpm` builds the RPM packages.
set -eu
LC_ALL=C
export LC_ALL
tarball=libmempool-$version.tar.xz
rm -rf recipes
mkdir recipes
cp "$tarball" recipes
cd recipes
date=$(tar -xJOf "$tarball" "libmempool-$version/.tarball-date")
sha256=$(sha256sum "$tarball" | cut -d ' ' -f 1)
sha512=$(sha512sum "$tarball" | cut -d ' ' -f 1)
case $top_srcdir in
/*) ;;
*) top_srcdir=../$top_srcdir ;;
esac
case $ADDRESSES in
/*) ;;
*) ADDRESSES=../$ADDRESSES ;;
esac

# address NAME: as sed takes it for what it puts in.
address() {
    sed -n "s/^$1=//p" "$ADDRESSES" | sed 's/[&|\\]/\\&/g'
}

for template in "$top_srcdir"/packaging/*.in; do
    sed -e "s/@VERSION@/$version/g" -e "s/@SHA256@/$sha256/" \
        -e "s/@SHA512@/$sha512/" \
        -e "s/@DATE_RPM@/$(date -u -d "@$date" '+%a %b %d %Y')/" \
        -e "s|@HOME_PAGE@|$(address home_page)|" \
        -e "s|@RELEASES@|$(address releases)|" \
        -e "s|@MAINTAINER@|$(address maintainer)|" \
        "$template" >"$(basename "$template" .in)"
done
cp "$top_srcdir/packaging/rpmlint.toml" .
if grep '@[A-Z0-9_]*@' APKBUILD conanfile.py default.nix guix.scm \
    libmempool.rb libmempool.spec libmempool.wrap package.py \
    portfile.cmake vcpkg.json; then
    echo 'recipes: a place was not filled in' >&2
    exit 1
fi

# try TOOL WHAT COMMAND...
try() {
    tool=$1
    what=$2
    shift 2
    if command -v "$tool" >/dev/null 2>&1; then
        "$@" >log 2>&1 || { cat log; exit 1; }
        echo "recipes: $what: read by $tool"
    else
        echo "recipes: $what: not tried, $tool is missing"
    fi
    rm -f log
}

# What abuild does first: reads it, and compares the checksums.
apkbuild() {
    sh -n APKBUILD
    sh -eu -c '. ./APKBUILD
        test "$pkgver" = "$1"
        for part in build check package; do
            command -v $part
        done
        printf "%s\n" "$sha512sums" | sed "/^$/d" | sha512sum -c' \
        sh "$version"
}
try sh APKBUILD apkbuild
try ruby 'the Homebrew formula' ruby -wc libmempool.rb
# With stand-ins for what it takes from Nixpkgs.
nix_evaluate() {
    nix-instantiate --eval --strict -E 'with import ./default.nix {
        pkgs = {
            stdenv.mkDerivation = package: package;
            lib = { licenses.mit = "MIT"; platforms.unix = [ ]; };
            pkg-config = 1; groff = 1; man-db = 1; mandoc = 1;
            check = 1; libmicrohttpd = 1; lua5_4 = 1;
        };
    }; [ pname version (builtins.pathExists src) outputs nativeBuildInputs
        nativeCheckInputs checkInputs meta ]'
}
try nix-instantiate default.nix nix_evaluate
try guile guix.scm guile --no-auto-compile -c \
    '(with-input-from-file "guix.scm" (lambda ()
        (let next ((form (read)))
            (or (eof-object? form) (next (read))))))'
# Every import is Conan's own, so the syntax is all that is seen.
try python3 conanfile.py python3 -c 'compile(open("conanfile.py").read(),
    "conanfile.py", "exec")'
# With stand-ins for what it takes from Spack: each name from its module.
spack_package() {
    python3 - <<'END'
import sys
from types import ModuleType

def module(path, **names):
    """The module of that path, and those that lead to it."""
    parts = path.split(".")
    for n in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:n]), ModuleType(parts[n - 1]))
    vars(sys.modules[path]).update(names)

directive = lambda *args, **options: None
module("spack.package", depends_on=directive, license=directive,
       variant=directive, version=directive)
module("spack_repo.builtin.build_systems.autotools",
       AutotoolsPackage=type("AutotoolsPackage", (), {}))
names = {}
exec(open("package.py").read(), names)
assert "Libmempool" in names
END
}
try python3 "Spack's package.py" spack_package
try python3 vcpkg.json python3 -c 'import json, sys
assert json.load(open("vcpkg.json"))["version"] == sys.argv[1]' "$version"
# With stand-ins for the functions of vcpkg.
port() {
    cmake -DPORT="$PWD/portfile.cmake" -DTARBALL="$PWD/$tarball" \
        -DDIR="$PWD/port" -P "$top_srcdir/packaging/vcpkg-stand-in.cmake" &&
        rm -rf port
}
try cmake "vcpkg's portfile.cmake" port
