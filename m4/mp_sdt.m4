# SPDX-License-Identifier: MIT
#
# MP_SDT
# ------
# --enable-probes puts places into the library that a tracer can watch; see
# src/base/probe.h.  They need systemtap's <sys/sdt.h>, and no library.  Other
# systems have a header of that name whose macros need more, and which lacks
# these.
AC_DEFUN([MP_SDT],
[AC_ARG_ENABLE([probes],
  [AS_HELP_STRING([--enable-probes],
     [probes for tracers, with <sys/sdt.h> @<:@if it is there@:>@])],
  [], [enable_probes=auto])
 AS_CASE([$enable_probes],
   [yes|no|auto], [],
   [AC_MSG_ERROR([--enable-probes takes no value])])
 AS_IF([test "$enable_probes" != no],
   [AC_CACHE_CHECK([for systemtap's <sys/sdt.h>], [mp_cv_sdt],
     [AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/sdt.h>]],
        [[int value = 1;
STAP_PROBE4(mempool, probe, value, "text", &value, 1);]])],
        [mp_cv_sdt=yes], [mp_cv_sdt=no])])
    AS_IF([test "$mp_cv_sdt" = yes],
      [enable_probes=yes
       AC_DEFINE([MP_PROBES], [1], [tracers can watch the library])],
      [test "$enable_probes" = yes],
      [AC_MSG_ERROR(m4_normalize([--enable-probes needs <sys/sdt.h>, which the
         package systemtap-sdt-dev or systemtap-sdt-devel has]))],
      [enable_probes=no])])
 AC_SUBST([enable_probes])])
