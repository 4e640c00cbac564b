"""Gzip streams, every byte verified and never inflated beyond what is expected."""

import zlib

from isal import isal_zlib

from clinimcl.preparation.formats.scan import UnusableScan

DamagedStream: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # isal's stub takes it for an instance

GZIP, RESERVED = b"\x1f\x8b\x08", b"\x20"  # how a member begins; flags from here on mean nothing yet
MOST_MEMBERS, PIECE = 100_000, 4096  # bytes of a member but the first that are looked at together, then twice as many
MOST_BEHIND = 2**20  # bytes that may lie behind the last voxel


def is_gzip(content: bytes) -> bool:
    return content[:2] == GZIP[:2]


def inflate(content: bytes, announced: int, behind: int = MOST_BEHIND) -> bytes:
    """All members, one after the other; empty ones count for nothing, nor do zeros behind the last.

    A decompression bomb is refused before it is allocated.

    Args:
        announced: bytes that a header promises. behind: bytes that may lie behind them.

    Raises:
        UnusableScan: damaged, truncated, or longer than that.
    """
    parts: list[bytes] = []
    room = announced + behind
    place, end = 0, len(content)
    while place < end:
        if len(parts) == MOST_MEMBERS:
            raise UnusableScan(f"damaged: its gzip stream has more than {MOST_MEMBERS} members")
        part, place = _member(content, place, room, PIECE if parts else end)
        room -= len(part)
        if room < 0:
            raise UnusableScan(more_than_announced(announced))
        if not parts and place < end:  # a gzip file may have several members, and zeros behind the last
            end = len(content.rstrip(b"\0"))
        parts.append(part)
    return b"".join(parts)  # of one, itself


def first_bytes(content: bytes, count: int) -> bytes:
    """Of a stream whose first members may be short or empty; of what is no gzip stream, its own.

    Raises:
        UnusableScan: as `inflate`.
    """
    if not is_gzip(content):
        return content[:count]
    head, place, members = b"", 0, 0
    while len(head) < count and content[place : place + 2] == GZIP[:2] and members < MOST_MEMBERS:
        part, place = _member(content, place, count - len(head), PIECE, whole=False)
        head, members = head + part, members + 1
    return head[:count]


def inflate_zlib(content: bytes, announced: int) -> bytes:
    """A zlib stream, its Adler-32 compared.

    Raises:
        UnusableScan: damaged, truncated, or not as long as announced.
    """
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(content, announced + 1)
        if len(found) <= announced and not stream.eof:
            found += stream.decompress(stream.unconsumed_tail, announced + 1 - len(found) or 1)
    except zlib.error as error:
        raise UnusableScan(f"damaged: its zlib stream fails its check ({error})") from None
    if len(found) > announced:
        raise UnusableScan(more_than_announced(announced))
    if not stream.eof:
        raise UnusableScan("truncated: its zlib stream ends early")
    return found


def more_than_announced(announced: int) -> str:
    return f"damaged: more than the {announced} bytes that its header announces"


def _member(content: bytes, place: int, room: int, piece: int, *, whole: bool = True) -> tuple[bytes, int]:
    """The gzip member that begins at `place`, to a byte more than there is room for; and where it ends."""
    parts: list[bytes] = []
    try:
        if not GZIP.startswith(content[place : place + 3]) or content[place + 3 : place + 4] >= RESERVED:
            raise DamagedStream("incorrect header")  # isal does not look
        member = isal_zlib.decompressobj(wbits=31)
        while not member.eof and room >= 0:
            given = memoryview(content)[place : place + piece]
            if not given:
                if not whole:
                    break
                raise UnusableScan("truncated: the gzip stream ends early")
            parts.append(member.decompress(given, room + 1))
            room -= len(parts[-1])
            place += len(given) - len(member.unused_data)  # which is a copy, and must not be of all that follows
            piece *= 2
    except DamagedStream as error:
        raise UnusableScan(f"damaged: the gzip stream fails its check ({error})") from None
    return b"".join(parts), place
