# SPDX-License-Identifier: MIT
#
# MP_GDB
# ------
# --with-gdb-auto-load=DIR: below DIR gdb looks for the script of a shared
# library.  HAVE_GDB_AUTO_LOAD where there is such a library under the name that
# libtool gives it on these systems, whose numbers are MP_SO_NUMBERS.
AC_DEFUN([MP_GDB],
[AC_ARG_WITH([gdb-auto-load],
  [AS_HELP_STRING([--with-gdb-auto-load=DIR],
     [where gdb looks for scripts @<:@DATADIR/gdb/auto-load@:>@])],
  [], [with_gdb_auto_load=yes])
 AS_CASE([$with_gdb_auto_load],
   [''], [AC_MSG_ERROR([--with-gdb-auto-load needs a directory])],
   [yes], [gdb_auto_load='${datadir}/gdb/auto-load'],
   [gdb_auto_load=$with_gdb_auto_load])
 AS_CASE([$enable_shared:$with_gdb_auto_load:$host_os],
   [yes:no:*], [mp_gdb=no],
   [yes:*:linux*|yes:*:gnu*], [mp_gdb=yes],
   [mp_gdb=no])
 AM_CONDITIONAL([HAVE_GDB_AUTO_LOAD], [test "$mp_gdb" = yes])
 AC_SUBST([gdb_auto_load])
 AC_SUBST([MP_SO_NUMBERS],
   [`echo "$MP_VERSION_INFO" | { IFS=: read current revision age
     echo "$((current - age)).$age.$revision"; }`])])
