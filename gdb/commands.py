# SPDX-License-Identifier: MIT
#
# commands.py - mempool list, info, objects and find.


def all_pools(trouble):
    for copy in copies():
        yield from copy.pools(trouble)


def tell_trouble(trouble):
    for line in dict.fromkeys(trouble):
        print("damaged: " + line)


def address_of(text, what):
    """What an argument comes to: a pointer, a number, or where an array or a
    structure is."""
    if not text.strip():
        raise gdb.GdbError("mempool: which %s?  Give an expression." % what)
    try:
        value = gdb.parse_and_eval(text)
    except gdb.error as error:
        raise gdb.GdbError(str(error))
    kind = value.type.strip_typedefs().code
    if kind in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT):
        return number(value)
    if value.address is None:
        raise gdb.GdbError("mempool: %s is no address" % text)
    return number(value.address)


def pool_of(text):
    """The pool that an argument means: a name, or an address."""
    trouble = []
    pools = list(all_pools(trouble))
    name = text.strip().strip('"')
    named = [p for p in pools if name and p.name() == '"%s"' % name]
    if len(named) == 1:
        return named[0]
    address = address_of(text, "pool")
    for pool in pools:
        if pool.address == address:
            return pool
    tell_trouble(trouble)
    raise gdb.GdbError("mempool: %#x is no pool; \"mempool list\" has all"
                       % address)


class Mempool(gdb.Command):
    """Look at the pools of libmempool."""

    def __init__(self):
        super().__init__("mempool", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    def __init__(self):
        name = "mempool " + type(self).__name__.lower()
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        trouble = []
        try:
            self.run(argument, trouble)
        except (Damage, gdb.MemoryError) as damage:
            trouble.append(str(damage))
        except gdb.error as error:
            raise gdb.GdbError("mempool: %s; this script is for another version"
                               " of the library" % error)
        tell_trouble(trouble)


class List(Command):
    """List all pools.
Usage: mempool list
KIND is cached or counted if threads have caches, else locked or
tracked.  OBJECTS are live.  BYTES are those of the memory that the pool has."""

    def run(self, argument, trouble):
        row = "%-18s %-7s %10s %12s %10s  %s"
        print(row % ("POOL", "KIND", "OBJECTS", "BYTES", "CAPACITY", "NAME"))
        for pool in all_pools(trouble):
            print((row % ("%#x" % pool.address, pool.kind(),
                          pool.count(trouble), pool.bytes(), pool.capacity(),
                          pool.name())).rstrip())


class Info(Command):
    """Show what a pool is and holds.
Usage: mempool info POOL
POOL is an expression, or the pool's name."""

    def run(self, argument, trouble):
        pool = pool_of(argument)
        print("pool " + pool.text())
        for word, what in pool.facts(trouble):
            print("  %-15s %s" % (word, what))


class Objects(Command):
    """List the live objects of a pool, with their sizes.
Usage: mempool objects [/COUNT] POOL
POOL is an expression, or the pool's name.  COUNT is the most to list.  A pool
that counts to the byte knows sizes as they were asked for; others have
multiples of 16."""

    def run(self, argument, trouble):
        most = re.match(r"\s*/(\d+)\s+", argument)
        pool = pool_of(argument[most.end():] if most else argument)
        objects = total = 0
        for address, size, mark in pool.objects(trouble):
            objects += 1
            total += size
            if most is None or objects <= int(most.group(1)):
                print("%#x %10d%s"
                      % (address, size, "  mark %d" % mark if mark else ""))
        print("%s of %s" % (count_text(objects, "object"),
                            count_text(total, "byte")))


class Find(Command):
    """Tell what an address is to the pools.
Usage: mempool find ADDRESS
ADDRESS is an expression."""

    def run(self, argument, trouble):
        address = address_of(argument, "address")
        lines = []
        for copy in copies():
            lines = lines or self.search(copy, address, trouble)
        print("%#x: %s" % (address, "\n  ".join(
            lines or ["in no pool"])))

    def search(self, copy, address, trouble):
        owner = copy.owner(address)
        if owner is None:
            for pool in copy.pools(trouble):
                lines = pool.locate(address, trouble)
                if lines:
                    return lines
            return []
        # A name stays when a pool has gone, and another pool may be there.
        for pool in copy.pools(trouble):
            if pool.address == owner:
                return pool.locate(address, trouble) or \
                    ["in memory that a pool gave back", "pool " + pool.text()]
        return ["in memory of the library that no pool has"]
