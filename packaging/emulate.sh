#!/bin/sh
# SPDX-License-Identifier: MIT
#
# emulate.sh - in a build for another machine, puts a script into the place of
# each program, which starts $EMULATOR with it.
#
# So every test runs the programs without knowing.  Run in the build directory.
# A program is what begins as ELF does and may be executed.
set -eu
find . -type f -perm -u+x ! -name '*.so*' ! -name '*.emulated' |
    while read -r file; do
        [ "$(head -c 4 "$file" | od -An -tx1)" = ' 7f 45 4c 46' ] || continue
        mv "$file" "$file.emulated"
        cat >"$file" <<END
#!/bin/sh
exec $EMULATOR -0 "\$0" "$PWD/$file.emulated" "\$@"
END
        chmod +x "$file"
    done
