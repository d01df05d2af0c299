#!/bin/sh
# SPDX-License-Identifier: MIT
#
# emulate.sh - in a build for another machine, makes the script "emulator",
# which starts a program of that machine by $EMULATOR, and puts a script into
# the place of each program there is, which does so, too.
#
# So every test runs the programs without knowing, and runs what it compiles
# itself by the emulator.  A program is what begins as ELF does and may be
# executed; the emulator's script runs another script as it is.  Either says by
# MP_EMULATED that it is one, for what qemu cannot do.  Run in the build
# directory.
set -eu
cat >emulator <<END
#!/bin/sh
MP_EMULATED=yes
export MP_EMULATED
case \$(head -c 4 "\$1" | od -An -tx1) in
' 7f 45 4c 46') exec $EMULATOR "\$@" ;;
*) exec "\$@" ;;
esac
END
chmod +x emulator
find . -type f -perm -u+x ! -name '*.so*' ! -name '*.emulated' |
    while read -r file; do
        [ "$(head -c 4 "$file" | od -An -tx1)" = ' 7f 45 4c 46' ] || continue
        mv "$file" "$file.emulated"
        cat >"$file" <<END
#!/bin/sh
MP_EMULATED=yes exec $EMULATOR -0 "\$0" "$PWD/$file.emulated" "\$@"
END
        chmod +x "$file"
    done
