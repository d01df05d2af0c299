# SPDX-License-Identifier: MIT
#
# libmempool-gdb.py - shows pools in gdb.
#
# The files of gdb/ are joined to one script, which gdb loads together with the
# shared library, since it is installed under the name that gdb looks for.
# "source FILE" loads it at any other time.  It works on a process and on a
# core, and calls no function of either.  mempool_debug(7) describes the
# commands.
#
# The program may have written anywhere.  So no list is followed through an
# element twice, or further than LIMIT; a length is compared with what it has
# to fit into; and where something is wrong, the command says so and goes on
# with the rest.
#
# The library's debugging information tells where members are.  It does not
# have the codes of the map; they are those of src/store/block.h.
#
# What it cannot do: work without the library's debugging information.  Where
# gdb stopped a thread inside the library, what that thread was changing may
# look damaged.
#
# memory.py - reads memory, lists and trees that may be damaged.

import collections
import itertools
import re

import gdb
import gdb.printing

LIMIT = 1 << 20  # elements of a list
PIECE = 1 << 24  # bytes of a map that are read at once
GRANULE = 16
SLOT = 2048  # bytes of the range that have one owner
SPAN = 65536  # bytes that are taken from the range at once

# As in memory_pool.h.
FLAGS = (
    (0x1, "MP_ZERO_ON_FREE"),
    (0x2, "MP_LEAK_CHECK"),
    (0x4, "MP_PASSTHROUGH"),
    (0x8, "MP_POISON"),
    (0x10, "MP_REDZONE"),
    (0x20, "MP_QUARANTINE"),
    (0x40, "MP_GUARD"),
    (0x80, "MP_CALLERS"),
    (0x100, "MP_TAGS"),
    (0x200, "MP_ABORT"),
    (0x400, "MP_REPORT"),
    (0x800, "MP_STATS"),
    (0x1000, "MP_LEAKS"),
)

# Codes of the map, as in src/store/block.h.
LONG_LIVE, LONG_LENT, LONG_CACHED, LONG_FREE = 0x20, 0x3d, 0x3e, 0x3f
LONG_CODES = (LONG_FREE, LONG_LENT, LONG_CACHED, LONG_LIVE)
LIVE_CODES = tuple(range(0x20, 0x30)) + tuple(range(0xc0, 0x100))
LIVE_START = re.compile(rb"[\x20-\x2f\xc0-\xff]")
ANY_START = re.compile(rb"[\x20-\xff]")


class Damage(Exception):
    """Something in the program's memory is not as it has to be."""


def number(value):
    """A pointer or an integer, as a number that is not negative."""
    return int(value) & ((1 << (8 * value.type.sizeof)) - 1)


def is_most(value):
    """The value is the largest of its type, which stands for no limit."""
    return number(value) == (1 << (8 * value.type.sizeof)) - 1


def read(address, length):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except (gdb.MemoryError, OverflowError):
        raise Damage("%d bytes at %#x cannot be read" % (length, address))


def count_text(count, one):
    return "%d %s%s" % (count, one, "" if count == 1 else "s")


def flags_text(flags):
    names = [name for bit, name in FLAGS if flags & bit]
    rest = flags & ~sum(bit for bit, _ in FLAGS)
    return " | ".join(names + ["%#x" % rest] * (rest != 0)) or "none"


def caller_text(address):
    """The function and the line that an address returns to."""
    block = gdb.block_for_pc(address - 1)
    line = gdb.find_pc_line(address - 1)
    if block is None or line.symtab is None:
        said = gdb.execute("info symbol %#x" % address, to_string=True)
        name = said.split()[0]
        return "%#x" % address if name == "No" else name
    while block.function is None:
        block = block.superblock
    file = line.symtab.filename.rpartition("/")[2]
    return "%s (%s:%d)" % (block.function.name, file, line.line)


def chain(pointer, member, what):
    """The elements of a list that is linked by a member."""
    seen = set()
    while number(pointer) != 0:
        address = number(pointer)
        if address in seen or len(seen) == LIMIT:
            raise Damage("the list of %s leads back to %#x" % (what, address))
        seen.add(address)
        element = pointer.dereference()
        try:
            pointer = element[member]
            pointer.fetch_lazy()
        except gdb.MemoryError:
            raise Damage("the list of %s leads to %#x" % (what, address))
        yield element


def nodes(roots, left, right, what, trouble):
    """The elements of trees, in any order."""
    seen = set()
    waiting = list(roots)
    while waiting:
        pointer = waiting.pop()
        address = number(pointer)
        if address == 0 or address in seen:
            continue
        if len(seen) == LIMIT:
            trouble.append("the tree of %s never ends" % what)
            return
        seen.add(address)
        element = pointer.dereference()
        try:
            branches = [element[left], element[right]]
            for branch in branches:
                branch.fetch_lazy()
        except gdb.MemoryError:
            trouble.append("the tree of %s leads to %#x" % (what, address))
            continue
        waiting += branches
        yield element


def guarded(elements, trouble):
    """The elements up to where something is wrong, which is noted."""
    try:
        yield from elements
    except (Damage, gdb.MemoryError) as damage:
        trouble.append(str(damage))
