# SPDX-License-Identifier: MIT
#
# mp_options.m4 - configure's own options, each checked where it is read.

# MP_MAX_BLOCK_SIZE
# --with-max-block-size=BYTES, which the installed header carries.  A leading
# zero is refused because C would read the number as octal; the digits are
# counted first because the shell's own arithmetic may overflow.
AC_DEFUN([MP_MAX_BLOCK_SIZE],
[AC_ARG_WITH([max-block-size],
  [AS_HELP_STRING([--with-max-block-size=BYTES],
     [capacity of a base pool, 64 to 1073741824 @<:@1024@:>@])],
  [MAX_BLOCK_SIZE=$withval], [MAX_BLOCK_SIZE=1024])
 mp_size_fits=no
 AS_CASE([$MAX_BLOCK_SIZE],
   [''|0*|*[[!0-9]]*|???????????*], [],
   [AS_IF([test "$MAX_BLOCK_SIZE" -ge 64 &&
           test "$MAX_BLOCK_SIZE" -le 1073741824], [mp_size_fits=yes])])
 AS_IF([test "$mp_size_fits" = no],
   [AC_MSG_ERROR(m4_normalize([--with-max-block-size takes a decimal number
      of bytes from 64 to 1073741824, not '$MAX_BLOCK_SIZE']))])
 AC_SUBST([MAX_BLOCK_SIZE])])

# MP_SANITIZE
# --enable-sanitize=LIST builds everything of ours with -fsanitize=LIST.
AC_DEFUN([MP_SANITIZE],
[AC_ARG_ENABLE([sanitize],
  [AS_HELP_STRING([--enable-sanitize=LIST],
     [build with sanitizers: address,undefined or thread @<:@none@:>@])],
  [], [enable_sanitize=no])
 SANITIZE_CFLAGS=
 AS_CASE([$enable_sanitize],
   [no], [enable_sanitize=none],
   [yes|''], [AC_MSG_ERROR(m4_normalize([--enable-sanitize needs a list, for
      example --enable-sanitize=address,undefined]))],
   [SANITIZE_CFLAGS="-fsanitize=$enable_sanitize"
    SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-omit-frame-pointer"
    # Undefined behaviour must fail a test, not only print a line.
    AS_CASE([,$enable_sanitize,], [*,undefined,*],
      [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-sanitize-recover=undefined"])
    AC_MSG_CHECKING([whether $CC takes -fsanitize=$enable_sanitize])
    mp_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS $SANITIZE_CFLAGS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR(m4_normalize([$CC cannot build and link with
         -fsanitize=$enable_sanitize; is its runtime library installed?]))])
    CFLAGS=$mp_save_CFLAGS])
 AC_SUBST([SANITIZE_CFLAGS])
 AC_SUBST([MP_SANITIZERS], [$enable_sanitize])
 AM_CONDITIONAL([SANITIZE], [test "$enable_sanitize" != none])])

# MP_WARNINGS
# MP_WARN_CFLAGS: each warning that the compiler takes, and -Werror only by
# --enable-werror, since a newer compiler's new warning is no reason to stop
# a user's build.  -Wcast-qual is left out: free() takes no const.
AC_DEFUN([MP_WARNINGS],
[AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
  [], [enable_werror=no])
 MP_WARN_CFLAGS=
 mp_save_CFLAGS=$CFLAGS
 m4_foreach_w([mp_flag],
   [-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
    -Wwrite-strings -Wundef -Wvla -Wformat-security -Wnull-dereference
    -Wduplicated-cond -Wlogical-op -Wdate-time],
   [AC_MSG_CHECKING([whether $CC takes mp_flag])
    CFLAGS="$mp_save_CFLAGS -Werror mp_flag"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
      [AC_MSG_RESULT([yes])
       MP_WARN_CFLAGS="$MP_WARN_CFLAGS mp_flag"],
      [AC_MSG_RESULT([no])])
])
 CFLAGS=$mp_save_CFLAGS
 AS_CASE([$enable_werror],
   [no], [],
   [yes], [MP_WARN_CFLAGS="$MP_WARN_CFLAGS -Werror"],
   [AC_MSG_ERROR([--enable-werror takes no value])])
 AC_SUBST([MP_WARN_CFLAGS])])

# MP_PKGCONFIGDIR
AC_DEFUN([MP_PKGCONFIGDIR],
[AC_ARG_WITH([pkgconfigdir],
  [AS_HELP_STRING([--with-pkgconfigdir=DIR],
     [where libmempool.pc goes @<:@LIBDIR/pkgconfig@:>@])],
  [], [with_pkgconfigdir='${libdir}/pkgconfig'])
 AS_CASE([$with_pkgconfigdir],
   [yes|no|''], [AC_MSG_ERROR([--with-pkgconfigdir needs a directory])])
 AC_SUBST([pkgconfigdir], [$with_pkgconfigdir])])

# MP_BUGURL
# The address that a failed `make check` asks to be told, and the help of
# configure names.
AC_DEFUN([MP_BUGURL],
[AC_ARG_WITH([bugurl],
  [AS_HELP_STRING([--with-bugurl=ADDRESS],
     [where faults are reported, for packagers])],
  [AS_CASE([$withval],
    [yes|no|''], [AC_MSG_ERROR([--with-bugurl needs an address])],
    [PACKAGE_BUGREPORT=$withval])])])
