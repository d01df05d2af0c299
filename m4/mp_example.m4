# SPDX-License-Identifier: MIT
#
# mp_example.m4 - finds a library that one of the examples needs.
#
# pkg-config is asked by each name that systems give the library, and the usual
# library names are tried where it is not there.  The program that is linked
# looks at the version.  Nothing of the library reaches libmempool.

# MP_EXAMPLE(NAME, WHAT, PACKAGES, LIBRARIES, INCLUDES, BODY, EXAMPLE)
# Finds WHAT: sets NAME_CFLAGS, NAME_LIBS, HAVE_NAME and mp_have_NAME, which
# says what is left out.  PACKAGES are names with versions for pkg-config, each
# in quotes, and LIBRARIES the same for the linker.
AC_DEFUN([MP_EXAMPLE],
[AC_REQUIRE([MP_CHECK])dnl which finds pkg-config
 AC_ARG_VAR([$1_CFLAGS], [compiler flags for $2])
 AC_ARG_VAR([$1_LIBS], [linker flags for $2])
 mp_example_cflags=
 mp_example_asked=
 for mp_example_name in $3; do
   AS_IF([test -z "$$1_LIBS" && test -n "$PKG_CONFIG" &&
          "$PKG_CONFIG" --exists "$mp_example_name" 2>/dev/null],
     [mp_example_cflags=`"$PKG_CONFIG" --cflags "$mp_example_name"`
      mp_example_asked=`"$PKG_CONFIG" --libs "$mp_example_name"`
      break])
 done
 AC_MSG_CHECKING([for $2])
 mp_have_$1=no
 mp_save_CPPFLAGS=$CPPFLAGS
 mp_save_LIBS=$LIBS
 $1_CFLAGS=${$1_CFLAGS:-$mp_example_cflags}
 CPPFLAGS="$CPPFLAGS $$1_CFLAGS"
 for mp_libs in "$$1_LIBS" "$mp_example_asked" $4; do
   AS_IF([test -z "$mp_libs"], [continue])
   LIBS="$mp_libs $mp_save_LIBS"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([$5], [$6])],
     [mp_have_$1=yes; $1_LIBS=$mp_libs; break])
 done
 CPPFLAGS=$mp_save_CPPFLAGS
 LIBS=$mp_save_LIBS
 AC_MSG_RESULT([$mp_have_$1])
 AM_CONDITIONAL([HAVE_$1], [test "$mp_have_$1" = yes])
 AS_IF([test "$mp_have_$1" = no],
   [mp_have_$1='no: $7 is left out; install $2'])])
