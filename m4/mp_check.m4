# SPDX-License-Identifier: MIT
#
# mp_check.m4 - finds Check, the library that the unit tests are written with.
#
# pkg-config is asked where it is there, and the usual library names are
# tried where it is not.  pkg.m4 is not used: it is one more package that
# making configure would need, for one question.

# MP_CHECK
# CHECK_CFLAGS, CHECK_LIBS and HAVE_CHECK.
AC_DEFUN([MP_CHECK],
[AC_ARG_VAR([PKG_CONFIG], [path of pkg-config])
 AC_ARG_VAR([CHECK_CFLAGS], [compiler flags for Check])
 AC_ARG_VAR([CHECK_LIBS], [linker flags for Check])
 AC_PATH_TOOL([PKG_CONFIG], [pkg-config])
 mp_check_asked=
 AS_IF([test -z "$CHECK_LIBS" && test -n "$PKG_CONFIG" &&
        "$PKG_CONFIG" --exists check 2>/dev/null],
   [CHECK_CFLAGS=`"$PKG_CONFIG" --cflags check`
    mp_check_asked=`"$PKG_CONFIG" --libs check`])
 AC_MSG_CHECKING([for Check])
 mp_have_check=no
 mp_save_CFLAGS=$CFLAGS
 mp_save_LIBS=$LIBS
 CFLAGS="$CFLAGS $CHECK_CFLAGS"
 for mp_libs in "$CHECK_LIBS" "$mp_check_asked" '-lcheck' \
                '-lcheck -lsubunit -lrt -lm -pthread' '-lcheck -lm -pthread'
 do
   AS_IF([test -z "$mp_libs"], [continue])
   LIBS="$mp_libs $mp_save_LIBS"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <check.h>]],
     [[SRunner *runner = srunner_create(suite_create("configure"));
srunner_free(runner);]])],
     [mp_have_check=yes; CHECK_LIBS=$mp_libs; break])
 done
 CFLAGS=$mp_save_CFLAGS
 LIBS=$mp_save_LIBS
 AC_MSG_RESULT([$mp_have_check])
 AM_CONDITIONAL([HAVE_CHECK], [test "$mp_have_check" = yes])])
