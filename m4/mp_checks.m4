# SPDX-License-Identifier: MIT
#
# MP_CHECKS
# ---------
# --enable-checks compiles the library's assertions, with the order and the
# holders of its locks.  A library built so is slower and larger, and answers
# a broken rule of its own by abort(3): it is for those who work on it.
AC_DEFUN([MP_CHECKS],
[AC_ARG_ENABLE([checks],
    [AS_HELP_STRING([--enable-checks],
        [abort where the library breaks a rule of its own, for developers])],
    [], [enable_checks=no])
CHECKS_CPPFLAGS=
AS_IF([test "x$enable_checks" = xyes], [CHECKS_CPPFLAGS=-DMP_CHECKS])
AC_SUBST([CHECKS_CPPFLAGS])
])
