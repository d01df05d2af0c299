#!/bin/sh
# SPDX-License-Identifier: MIT
#
# header.sh - each header compiles alone, in every standard, without a warning.
#
# Nothing is included before it, it is included twice, every warning is an
# error, and the macros that it promises must be there.  A compiler that does
# not know a standard leaves it out.
#
# What it cannot do: run anything; header-run.sh does.
. "${top_srcdir:-.}/tests/header-setup.sh"

# known COMPILER LANGUAGE FLAG...: those that the compiler knows.
known()
{
    compiler=$1 language=$2
    shift 2
    for flag; do
        ! takes "$compiler" "$language" "$flag" || printf '%s ' "$flag"
    done
}

cat >"$dir/alone.c" <<'END'
#include <memory_pool.h>
#include <memory_pool.h>
#if MP_MAX_BLOCK_SIZE < 64 || MAX_BLOCK_SIZE != MP_MAX_BLOCK_SIZE || \
    MP_VERSION_MAJOR < 0 || MP_VERSION_MINOR < 0 || MP_VERSION_PATCH < 0
#error a promised macro is missing or wrong
#endif
#if defined(mp_create) || defined(mp_stats) || defined(mp_allocate) || \
    defined(free_memory) || defined(mp_handle_allocate) || \
    defined(mp_handle_free)
#error a macro has the name of a function
#endif
#if defined(__cplusplus) && __cplusplus >= 201103L
#define NONE nullptr
#else
#define NONE NULL
#endif
int use(memory_pool_t *mp, void *ptr, mp_stats_t *stats);
int use(memory_pool_t *mp, void *ptr, mp_stats_t *stats)
{
    return mp_create(NONE) != mp && is_mp_ptr(mp, ptr) &&
           mp_stats(mp, stats) == 0;
}
END
sed 's/memory_pool\.h/memory_pool_hooks.h/' "$dir/alone.c" >"$dir/hooks.c"
sed 's/memory_pool\.h/memory_pool_inline.h/' "$dir/alone.c" >"$dir/inline.c"
cat >>"$dir/inline.c" <<'END'
void *both(memory_pool_t *mp, void *ptr);
void *both(memory_pool_t *mp, void *ptr)
{
    free_memory(mp, ptr);
    free_memory(mp, NONE);
    return mp_allocate(mp, MP_INLINE ? 16 : 17);
}
void *handle(mp_handle_t *handle, void *ptr);
void *handle(mp_handle_t *handle, void *ptr)
{
    mp_handle_free(handle, ptr);
    return mp_handle_allocate(handle, 16);
}
END
# What macros become in a program is the program's own code.
cat >>"$dir/inline.c" <<'END'
int *made(memory_pool_t *mp, mp_mark_t mark);
int *made(memory_pool_t *mp, mp_mark_t mark)
{
    static char buffer[MP_BUFFER_SIZE(100)];
    int *one = MP_NEW(mp, int);
    mp_free(mp, one);
    return MP_MARK_FAILED(mark) || sizeof buffer > MP_MAX_BLOCK_SIZE * 9
               ? MP_NEW_ARRAY(mp, 3, int)
               : one;
}
END
# What a program's own short functions make of it is compiled in, too: gcc
# warns where it takes them for too long.
cat >>"$dir/inline.c" <<'END'
struct own {
    memory_pool_t *mp;
    mp_handle_t *handle;
    long live, bytes;
};
static __inline void own_free(struct own *own, void *ptr)
{
    own->live--;
    own->bytes -= 16;
    free_memory(own->mp, ptr);
}
static __inline void own_handle_free(struct own *own, void *ptr)
{
    own->live--;
    own->bytes -= 16;
    mp_handle_free(own->handle, ptr);
}
void own_both(struct own *own, void *a, void *b);
void own_both(struct own *own, void *a, void *b)
{
    own_free(own, a);
    own_free(own, b);
    own_handle_free(own, a);
    own_handle_free(own, b);
}
END
# The other header first: another library's may have included it.
sed '1s/.*/#include <memory_pool.h>/' "$dir/inline.c" >"$dir/after.c"
# In an inline function of C99 that is not static no static one may be called.
{
    cat "$dir/inline.c"
    cat <<'END'
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && \
    __STDC_VERSION__ >= 199901L
void *within(memory_pool_t *mp);
inline void *within(memory_pool_t *mp)
{
    mp_stats_t stats;
    return mp_create(NULL) && mp_stats(mp, &stats) ? mp_allocate(mp, 16) : mp;
}
#endif
END
} >"$dir/within.c"

warnings='-pedantic -Wall -Wextra -Wundef -Wconversion -Wsign-conversion
-Wshadow -Wcast-qual -Wcast-align -Wredundant-decls -Wwrite-strings
-Wnull-dereference -Wunused-macros -Wextra-semi -Wformat=2 -Wundefined-inline
-Wstatic-in-inline -Wdouble-promotion -Winline'
of_c='-Wdeclaration-after-statement -Wstrict-prototypes -Wmissing-prototypes
-Wold-style-definition -Wnested-externs -Wbad-function-cast -Wc++-compat
-Wjump-misses-init -Wvla'
of_cxx='-Wold-style-cast -Wzero-as-null-pointer-constant -Wuseless-cast
-Wshadow-all -Wnon-virtual-dtor -Woverloaded-virtual'

# shellcheck disable=SC2086 # the flags are lists, here and below
# all COMPILER LANGUAGE STANDARDS FLAGS
all()
{
    compiler=$1 language=$2 standards=$3 flags=$4
    for standard in $standards; do
        takes "$compiler" "$language" "-std=$standard" || continue
        echo "header: $compiler -std=$standard"
        for name in alone hooks inline after within; do
            # Without inline functions nothing is left to be optimised.
            case $name in alone | hooks) how=-fsyntax-only ;; *) how=-O2 ;; esac
            $compiler -std=$standard $how -Werror $flags $include \
                -x "$language" -c "$dir/$name.c" -o "$dir/$name.o" ||
                complain "$compiler -std=$standard: $name"
        done
        $compiler -std=$standard -O0 -Werror $flags $include \
            -x "$language" -c "$dir/inline.c" -o "$dir/inline.o" ||
            complain "$compiler -std=$standard -O0: inline"
        # With this, own_free() is too long for gcc.
        $compiler -std=$standard -O2 -Werror $flags $include -Wno-inline \
            -DMP_INLINE_COUNTED=1 \
            -x "$language" -c "$dir/inline.c" -o "$dir/inline.o" ||
            complain "$compiler -std=$standard: inline, counted"
    done
}

while read -r compiler; do
    flags=$(known "$compiler" c $warnings $of_c)
    all "$compiler" c 'c89 gnu89 iso9899:199409 c99 gnu99 c11 c17 c2x
        gnu2x' "$flags"
    # What there is where no attributes of GNU C are known.
    $compiler -U__GNUC_GNU_INLINE__ -U__GNUC_STDC_INLINE__ -Werror $flags \
        -O2 $include -c "$dir/inline.c" -o "$dir/plain.o" ||
        complain "$compiler: without gnu_inline"
done <"$dir/c"
while read -r compiler; do
    flags=$(known "$compiler" c++ $warnings $of_cxx)
    all "$compiler" c++ 'c++98 c++11 c++14 c++17 c++20 gnu++20 c++2b' "$flags"
    ! $NM "$dir/alone.o" | grep '_Z.*is_mp_ptr' >/dev/null ||
        complain "$compiler: is_mp_ptr has C++ linkage"
done <"$dir/c++"
exit $status
