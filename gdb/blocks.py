# SPDX-License-Identifier: MIT
#
# blocks.py - a block of a heap, and what its map says.
#
# The map is read as a whole and searched by expressions, since a pool may have
# millions of objects.


class Block:
    """A block of a heap, with its map."""

    def __init__(self, heap, mark, block):
        self.mark = mark
        self.address = number(block.address)
        self.base = number(block["base"])
        self.granules = number(block["granules"])
        self.codes_at = number(block["map"])
        self.used = self.granules
        if number(heap["current"]) == self.address:
            self.used = number(heap["top"])
        if number(block["heap"]) != number(heap.address) or \
                self.base % GRANULE != 0 or self.used > self.granules:
            raise Damage("the block at %#x is damaged" % self.address)
        self.known = None

    def has(self, address):
        return self.base <= address < self.base + self.granules * GRANULE

    def codes(self):
        """The map of what is used, or the head of it where that has all: of a
        block with one long object."""
        if self.known is None:
            self.known = read(self.codes_at, min(self.used, 13))
            if self.used > 13 and not self.is_whole():
                self.known = b"".join(
                    read(self.codes_at + at, min(PIECE, self.used - at))
                    for at in range(0, self.used, PIECE))
        return self.known

    def is_whole(self):
        return self.known[0] == LONG_LIVE and \
            self.nibbles(1, 8) == self.granules

    def nibbles(self, at, count):
        return sum((code & 0xf) << (4 * n)
                   for n, code in enumerate(self.known[at:at + count]))

    def length(self, i):
        """Granules of the chunk that starts at granule i."""
        code = self.codes()[i]
        length = 1
        if code & 0xc0:
            length = (code & 0x3f) + 1
        elif code in LONG_CODES:
            length = self.nibbles(i + 1, 8)
        if not 0 < length <= self.granules - i:
            raise Damage("the map of the block at %#x is damaged at granule %d"
                         % (self.address, i))
        return length

    def size(self, i):
        """Bytes of the object at granule i; as asked for, if that is known."""
        length = self.length(i)
        code = self.codes()[i]
        if code == LONG_LIVE:
            slack = self.nibbles(i + 9, 4)
        elif length > 1:
            slack = self.codes()[i + 1] & 0xf
        else:
            slack = code & 0xf if code < LONG_LENT else 0
        return max(length * GRANULE - slack, 0)

    def objects(self):
        """Address, size and mark of each live object."""
        for start in LIVE_START.finditer(self.codes()):
            i = start.start()
            yield self.base + i * GRANULE, self.size(i), self.mark

    def count(self):
        codes = collections.Counter(self.codes())
        return sum(codes[code] for code in LIVE_CODES)

    def start(self, i):
        """Where the chunk starts that has granule i; None: no chunk has it, so
        it is of a run, or behind the top."""
        if i >= self.used:
            return None
        if len(self.codes()) < self.used:
            return 0
        at = None
        for start in ANY_START.finditer(self.codes(), 0, i + 1):
            at = start.start()
        if at is not None:
            at = self.first_of_free(at)
        return at if at is not None and i - at < self.length(at) else None

    def first_of_free(self, at):
        """A free chunk has its code at its end, too."""
        codes = self.codes()
        code = codes[at]
        if code == LONG_FREE and at >= 8:
            first = at - self.nibbles(at - 8, 8) + 1
        elif code & 0xc0 == 0x40:
            first = at - (code & 0x3f)
        else:
            return at
        if 0 <= first < at and codes[first] == code and \
                not ANY_START.search(codes, first + 1, at):
            return first
        return at

    def locate(self, address):
        """What an address in the block is."""
        i = (address - self.base) // GRANULE
        start = self.start(i)
        if start is None:
            return "in memory that no object has had since the last reset" \
                if i >= self.used else \
                "in memory that a cache has for new objects"
        code = self.codes()[start]
        at = self.base + start * GRANULE
        bytes_of = self.length(start) * GRANULE
        if code in LIVE_CODES:
            return offset_text(address, at, self.size(start), "live object")
        if code == LONG_LENT:
            return "in a chunk of %d bytes that is lent to a mark" % bytes_of
        state = "freed, in a cache or depot" \
            if code & 0xc0 == 0x80 or code == LONG_CACHED else "free"
        return "offset %d of a chunk of %d bytes at %#x, which is %s" \
            % (address - at, bytes_of, at, state)


def offset_text(address, at, size, what):
    """An address against an object of so many bytes."""
    offset = address - at
    name = "the %s of %s at %#x" % (what, count_text(size, "byte"), at)
    if offset == 0:
        return "the start of " + name
    if offset < 0:
        return "%s before %s" % (count_text(-offset, "byte"), name)
    if offset >= size:
        return "%s behind %s" \
            % (count_text(offset - size + 1, "byte"), name)
    return "offset %d of %s" % (offset, name)
