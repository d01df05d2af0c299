# SPDX-License-Identifier: MIT
#
# gdb/local.mk - the script that gdb loads with the shared library.
#
# gdb looks for a script below a directory of its own, by the library's real
# path with -gdb.py behind it; see configure's --with-gdb-auto-load.  The parts
# are joined to one script, since that is all that gdb loads.

gdb_parts = gdb/memory.py gdb/blocks.py gdb/pools.py gdb/commands.py \
	gdb/printers.py
EXTRA_DIST += $(gdb_parts)

gdb_script = gdb/libmempool.so.$(MP_SO_NUMBERS)-gdb.py
$(gdb_script): $(gdb_parts)
	$(AM_V_GEN)$(MKDIR_P) gdb && \
	for part in $(gdb_parts); do cat $(srcdir)/$$part || exit; done \
	  >$@.tmp && mv $@.tmp $@
CLEANFILES += $(gdb_script) $(gdb_script).tmp

check_DATA += $(gdb_script)

if HAVE_GDB_AUTO_LOAD
gdbdir = $(gdb_auto_load)$(libdir)
nodist_gdb_DATA = $(gdb_script)
endif
