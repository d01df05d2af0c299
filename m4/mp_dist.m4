# SPDX-License-Identifier: MIT
#
# mp_dist.m4 - makes `make dist` a pure function of the sources.
#
# Automake's own tar command stores who packed the files, when and in which
# order the directory gave them.  This one stores none of that: names are
# sorted, owners and modes are fixed, and every file has the date that
# dist-hook wrote into .tarball-date.  GNU tar is needed for it, and only to
# make a tarball.  xz must run single-threaded, since its threaded mode
# writes other headers.

# MP_DIST_TAR
AC_DEFUN([MP_DIST_TAR],
[am__tar='LC_ALL=C XZ_OPT="-e -T1"; export LC_ALL XZ_OPT;'
 am__tar="$am__tar"' TAR_OPTIONS= $${TAR-tar} --format=ustar --sort=name'
 am__tar="$am__tar"' --owner=0 --group=0 --numeric-owner --mode=u+rwX,go=u-w'
 am__tar="$am__tar"' --mtime=@`cat "$$tardir/.tarball-date"`'
 am__tar="$am__tar"' -chf - "$$tardir"'
 AC_SUBST([am__tar])])
