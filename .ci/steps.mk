# SPDX-License-Identifier: MIT
#
# steps.mk - the steps of .ci/run.
#
#   make -f .ci/steps.mk work=DIRECTORY STEP...     runs some by hand
#
# README's two commands run as they stand there, each in a clean clone of what
# is committed; then the tests under the sanitizers of gcc and clang, of which
# that of threads runs for gcc alone, and with clang's the library's own checks;
# under valgrind; `make distcheck` and the tarballs' sameness; the binary
# interface; and the packages, which are installed and purged.
#
# What runs no compiled code of the library answers the same in each build, so
# some builds leave it out: see check-programs in build-aux/local.mk.  Two of
# them have base pools of another size.  The last step only compiles, for
# Debian's armel: that machine aligns some numbers more strictly than pointers,
# and has no atomic instructions for 64 bits.  make check-cross runs the tests
# on other machines.

tree := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
jobs = $(shell getconf _NPROCESSORS_ONLN)

vpath = $(work)/vpath/configure

name = $(notdir $(@:%/configure=%))
step = @work='$(work)' stop='$(stop)' '$(tree)/.ci/step' $(name)
clone = rm -rf "$(work)/$(name)"; \
	git clone -q "$(tree)" "$(work)/$(name)"; cd "$(work)/$(name)"
start = cd "$(work)/vpath"; rm -rf build-$@; mkdir build-$@; cd build-$@
# $(call build,ARGUMENTS) with configure's arguments.  A sanitizer's build has
# -O1, which takes less time to compile and keeps its stacks readable.
build = $(start); ../configure -q $(1); make -s -j$(jobs)
# Check's own summary of each unit test program; there must be some.
summaries = find . -name "*.log" -exec \
	grep -hE "^[0-9]+%: Checks: [0-9]+, " {} + | sort | \
	sed "s/^/ci: /" | grep . || \
	{ echo "no summary of Check in any log"; exit 1; }
# $(call tests,TARGET,ARGUMENTS)
tests = $(call build,$(2)); make -s -j$(jobs) $(1); $(summaries)
# The command of README that ends in make and this word; it shows just two.
readme = $(clone); \
	sed -n "s/^    \(\.\/bootstrap --deps && .*\)/\1/p" README.md \
	  >../$@.commands; \
	test "$$(wc -l <../$@.commands)" = 2; \
	command=$$(grep "make $(1)\$$" ../$@.commands); sh -c "$$command"

builds = valgrind tools gcc-thread gcc-address clang-address \
	dist packages targets arm
all: readme-check $(builds) readme-run
$(builds): | $(vpath)
.PHONY: all readme-check readme-run $(builds)

readme-check:
	$(step) '$(call readme,check); $(summaries)'

readme-run:
	$(step) '$(call readme,run)'

# What .gitignore names is made, and not for git.
$(vpath):
	$(step) '$(clone); made=$$(git ls-files -ci --exclude-standard); \
	  test -z "$$made" || { echo "in git, but made: $$made"; exit 1; }; \
	  ./bootstrap'

# The sources keep to what a compiler that was told so calls C11.
# Four programs would need as long as all others, and steps are repeated less
# often; make check-valgrind by hand has all.
valgrind:
	$(step) 'export MP_TEST_SCALE=40; $(call tests,\
	  check-valgrind LEAVES="$(leaves) $(examples)",\
	  CFLAGS="-g -O1 -std=c11")'
leaves = tests/check_pools tests/check_scopes tests/check_misuse \
	tests/check_blocks
# The examples of the manual are short programs, which make check and gcc-address
# run.  A script reads what they print.
examples = \$$(man_examples) tests/man-output.sh

# Checkers see through the library as it is shipped, and models of it run.
tools:
	$(step) '$(build); make -s check-tools check-models'

gcc-thread:
	$(step) '$(call tests,check-programs LEAVES="$(examples)",\
	  CC=gcc $(less) --enable-werror --enable-sanitize=thread \
	  --with-max-block-size=4096)'

gcc-address:
	$(step) '$(call tests,check-programs,CC=gcc $(less) --enable-werror \
	  --enable-sanitize=address$(,)undefined --with-max-block-size=64)'

clang-address:
	$(step) '$(call tests,check-programs LEAVES="$(examples)",\
	  CC=clang CXX=clang++ $(less) --enable-werror --enable-checks \
	  --enable-sanitize=address$(,)undefined)'
, = ,
less = CFLAGS="-g -O1" CXXFLAGS="-g -O1"

# Whether all is in the tarball shows with few repetitions, too, and without the
# time that -O2 takes.
dist:
	$(step) '$(build); MP_TEST_SCALE=20 make -s -j$(jobs) distcheck \
	    DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O1; \
	  make -s check-dist'

# One make for all, since each target wants the tarball.  The packages' own
# tests would be distcheck's again.  With musl, and in one file, the library has
# the same code, so few repetitions show what differs.
packages:
	$(step) '$(build); targets="check-abi check-subproject check-amalgamation"; \
	for pair in musl-gcc:musl rpmbuild:rpm dpkg-buildpackage:deb; do \
	  if command -v $${pair%:*}; then targets="$$targets check-$${pair#*:}"; \
	  else echo "ci: left out: check-$${pair#*:}"; fi; \
	done; \
	export MP_TEST_SCALE=20 DEB_BUILD_OPTIONS="nocheck parallel=$(jobs)"; \
	make -s $$targets'

# The clang of the other steps: what a newer one finds, make check-targets
# says by hand.
targets:
	$(step) 'command -v clang || { \
	  echo "ci: left out: no clang"; exit 0; }; \
	$(build); make -s check-targets >log || { cat log; exit 1; }; \
	sed -n "s/^targets: left out/ci: left out/p" log'

arm:
	$(step) 'command -v arm-linux-gnueabi-gcc || { \
	  echo "ci: left out: no compiler"; exit 0; }; \
	$(call build,--host=arm-linux-gnueabi --enable-werror \
	  LDFLAGS=-Wl$(,)-z$(,)defs)'
