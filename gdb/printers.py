# SPDX-License-Identifier: MIT
#
# printers.py - how gdb prints the public types.
#
# A printer never fails: gdb shows what it shows without one.  "print/r" shows
# that in any case.


class PoolPrinter:
    """memory_pool_t and pointers to it."""

    def __init__(self, value):
        self.pool = None
        self.address = number(
            value if value.type.code == gdb.TYPE_CODE_PTR else value.address)
        self.whole = value.type.code != gdb.TYPE_CODE_PTR
        for copy in copies():
            try:
                self.pool = self.pool or Pool(copy, self.address)
            except (Damage, gdb.MemoryError):
                pass

    def to_string(self):
        if self.pool is None:
            return "%#x" % self.address
        if self.pool.value["place"]["kept"]:
            return "%#x (destroyed)" % self.address
        return "%s (%s)" % (self.pool.text(), self.pool.kind())

    def children(self):
        if self.whole and self.pool is not None:
            for word, what in self.pool.facts([]):
                yield word, str(what)


class HandlePrinter:
    """Pointers to mp_handle_t."""

    def __init__(self, value):
        self.address = number(value)
        self.pools = []
        for copy in copies():
            try:
                handle = copy.at(self.address, "mp_handle")
                self.pools.append(Pool(copy, number(handle["pool"])))
            except (Damage, gdb.MemoryError):
                pass

    def to_string(self):
        of = " of pool %s" % self.pools[0].text() if self.pools else ""
        return "%#x%s" % (self.address, of)


class MarkPrinter:
    """mp_mark_t."""

    def __init__(self, value):
        self.number = number(value["number"])

    def to_string(self):
        return "mark %d" % self.number if self.number else "no mark"


class StringPrinter:
    """mp_string_t, which may hold any bytes."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        length = number(self.value["length"])
        return self.value["bytes"].lazy_string(length=length) \
            if number(self.value["bytes"]) != 0 else '""'

    def display_hint(self):
        return "string" if number(self.value["bytes"]) != 0 else None


class SetPrinter:
    """A structure of which only the members that are not 0 are shown:
    mp_options_t and mp_stats_t."""

    def __init__(self, value):
        self.value = value

    def children(self):
        for field in self.value.type.strip_typedefs().fields():
            member = self.value[field.name]
            if member.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
                last = member.type.strip_typedefs().range()[1]
                for n in range(last + 1):
                    if number(member[n]):
                        yield "%s[%d]" % (field.name, n), member[n]
            elif field.name == "flags" and number(member):
                yield "flags", flags_text(number(member))
            elif number(member):
                yield field.name, member


class Printers(gdb.printing.PrettyPrinter):
    structures = {
        "memory_pool": PoolPrinter,
        "mp_mark_t": MarkPrinter,
        "mp_options": SetPrinter,
        "mp_stats_t": SetPrinter,
        "mp_string": StringPrinter,
    }
    pointers = {"memory_pool": PoolPrinter, "mp_handle": HandlePrinter}

    def __call__(self, value):
        kind = value.type.strip_typedefs()
        printers = self.structures
        if kind.code == gdb.TYPE_CODE_PTR:
            kind = kind.target().strip_typedefs()
            printers = self.pointers
        if kind.code != gdb.TYPE_CODE_STRUCT or kind.tag not in printers:
            return None
        try:
            return printers[kind.tag](value)
        except (gdb.error, gdb.GdbError):
            return None  # as gdb prints it by itself


Mempool()
for command in (List, Info, Objects, Find):
    command()
gdb.printing.register_pretty_printer(
    gdb.current_objfile(), Printers("libmempool"), replace=True)
