"""Strict reading of .mpy version 6 files.

A device trusts the compiler: it checks the header and nothing else, and a truncated
file in ROM makes its loader loop for ever. So every read here is bounded, every
number checked, and the file must be used up exactly. Nothing is copied: texts and
code are windows on the given buffer.

Source: MicroPython py/persistentcode.c, py/bc.h, tools/mpy-tool.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from romfs.archs import ARCHS
from romfs.errors import MpyError
from romfs.static_qstrs import STATIC_QSTRS

MPY_VERSION = 6
MAX_QSTR_LENGTH = 255  # firmware stores the length in one byte
MAX_NESTING = 100  # of raw code and of tuples; a device recurses on its C stack


class CodeKind(IntEnum):
    """What a raw code record holds."""

    BYTECODE = 0
    NATIVE = 1  # @micropython.native
    VIPER = 2  # @micropython.viper, and modules linked from C
    ASM = 3  # @micropython.asm_*


class ObjKind(IntEnum):
    """Type byte of a constant object."""

    FUN_TABLE = 0
    NONE = 1
    FALSE = 2
    TRUE = 3
    ELLIPSIS = 4
    STR = 5
    BYTES = 6
    INT = 7
    FLOAT = 8
    COMPLEX = 9
    TUPLE = 10


class ScopeFlag(IntEnum):
    """Bits of `Prelude.scope_flags` (the first four) and `RawCode.scope_flags`."""

    GENERATOR = 0x01
    VARKEYWORDS = 0x02
    VARARGS = 0x04
    DEFKWARGS = 0x08
    VIPERRELOC = 0x10
    VIPERRODATA = 0x20
    VIPERBSS = 0x40


@dataclass(frozen=True, slots=True)
class QStr:
    """An entry of the file's qstr table.

    Attributes:
        text: Its text; bytes that are not UTF-8 appear as lone surrogates.
        static: Its number among the firmware's static qstrs, or None.
        window: Its bytes in the file; None for a static one, which has none there.
        offset: Of the entry, from the start of the file.
    """

    text: str
    static: int | None
    window: memoryview | None
    offset: int


@dataclass(frozen=True, slots=True)
class MpyObject:
    """A constant object.

    Attributes:
        kind: Its type.
        window: Text or bytes as stored (STR, BYTES, INT, FLOAT, COMPLEX), else None.
        items: Elements of a TUPLE.
        offset: Of its type byte, from the start of the file.
    """

    kind: ObjKind
    window: memoryview | None
    items: tuple[MpyObject, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """A run of words of a viper code block to which a base address is added at load.

    Attributes:
        segment: "text" or "rodata": where the words lie.
        index: Word number of the first of them there.
        base: What is added: "text", "rodata", "bss", "qstr_table", "obj_table",
            "fun_table", or an entry number of the function table.
        count: Number of consecutive words.
    """

    segment: str
    index: int
    base: str | int
    count: int


@dataclass(frozen=True, slots=True)
class RawCode:
    """One function, class body or module body.

    Attributes:
        kind: Bytecode, or one of the machine code kinds.
        code: Window on the block: prelude and bytecode, or machine code.
        code_offset: Of the block, from the start of the file.
        offset: Of the whole record, from the start of the file.
        children: Functions defined in this one, in the order of their numbers.
        prelude_offset: NATIVE only: where in `code` the prelude starts.
        scope_flags: VIPER and ASM only: `ScopeFlag` bits.
        rodata: VIPER only: read-only data copied to RAM beside the code.
        bss_size: VIPER only: bytes of zeroed RAM.
        n_pos_args: ASM only.
        type_sig: ASM only: types of result and arguments.
        relocations: VIPER only.
    """

    kind: CodeKind
    code: memoryview
    code_offset: int
    offset: int
    children: tuple[RawCode, ...] = ()
    prelude_offset: int | None = None
    scope_flags: int = 0
    rodata: memoryview | None = None
    bss_size: int = 0
    n_pos_args: int = 0
    type_sig: int = 0
    relocations: tuple[Relocation, ...] = ()

    def walk(self) -> Iterator[RawCode]:
        """This record and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Prelude:
    """What precedes the opcodes in a bytecode block.

    Attributes:
        n_state: Slots of a frame: locals and value stack together.
        n_exc_stack: Deepest nesting of exception blocks.
        scope_flags: The first four `ScopeFlag` bits.
        n_pos_args: Positional parameters, closed-over cells included.
        n_kwonly_args: Keyword-only parameters.
        n_def_pos_args: How many positional parameters have defaults.
        name: Index of the function's name in the qstr table.
        arg_names: Indices of the parameter names.
        line_info: Window on the line table.
        cells: Numbers of the locals to be wrapped in a cell on entry.
        opcode_start: Offset of the first opcode in the block.
    """

    n_state: int
    n_exc_stack: int
    scope_flags: int
    n_pos_args: int
    n_kwonly_args: int
    n_def_pos_args: int
    name: int
    arg_names: tuple[int, ...]
    line_info: memoryview
    cells: memoryview
    opcode_start: int


@dataclass(frozen=True, slots=True)
class Header:
    """The first bytes of a file, all that a device checks.

    Attributes:
        version: Format version; only 6 can be parsed further.
        sub_version: ABI revision of native code, 0 to 3; means nothing without it.
        arch: Index into `ARCHS`; 0 for bytecode only.
        arch_flags: RISC-V extensions the native code needs, a bit mask.
        small_int_bits: Bits of a small int, sign included, the compiler assumed.
        end: Offset after the header.
    """

    version: int
    sub_version: int
    arch: int
    arch_flags: int
    small_int_bits: int
    end: int

    @property
    def arch_name(self) -> str:
        """Name of the native architecture as `mpy-cross -march` spells it."""
        return ARCHS[self.arch]


@dataclass(frozen=True, slots=True)
class Mpy:
    """A parsed file.

    Attributes:
        header: Version and target.
        qstrs: The qstr table; entry 0 is the source file name.
        objects: The constant table.
        root: Raw code of the module body.
    """

    header: Header
    qstrs: tuple[QStr, ...]
    objects: tuple[MpyObject, ...]
    root: RawCode

    @property
    def source_name(self) -> str:
        """Source file name the compiler was given; tracebacks show it."""
        return self.qstrs[0].text

    def has_native_code(self) -> bool:
        """Whether any function is machine code, which a device copies to RAM."""
        return any(raw.kind != CodeKind.BYTECODE for raw in self.root.walk())


class _Reader:
    """A position in the file; every read is bounded by its end."""

    __slots__ = ("data", "pos")

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.pos = 0

    def byte(self, what: str) -> int:
        if self.pos >= len(self.data):
            raise MpyError(f"file ends in {what}", offset=self.pos)
        self.pos += 1
        return self.data[self.pos - 1]

    def vuint(self, what: str) -> int:
        start, value = self.pos, 0
        while True:
            byte = self.byte(what)
            value = value << 7 | byte & 0x7F
            if value > 0xFFFF_FFFF:
                raise MpyError(f"{what} does not fit in 32 bits", offset=start)
            if byte < 0x80:
                return value

    def count(self, what: str) -> int:
        """A number of items that follow, each of at least one byte."""
        start = self.pos
        number = self.vuint(what)
        if number > len(self.data) - self.pos:
            raise MpyError(
                f"{what} is {number}, but only {len(self.data) - self.pos} bytes follow",
                offset=start,
            )
        return number

    def window(self, length: int, what: str) -> memoryview:
        start = self.pos
        if length > len(self.data) - start:
            raise MpyError(
                f"{what} of {length} bytes is {length - (len(self.data) - start)} bytes "
                "longer than the file",
                offset=start,
            )
        self.pos = start + length
        return self.data[start : self.pos]

    def nul(self, what: str) -> None:
        if self.byte(what) != 0:
            raise MpyError(f"{what} is not followed by a NUL", offset=self.pos - 1)


def parse_header(data: memoryview) -> Header:
    """Read the header alone, of any version.

    Raises:
        MpyError: It is no .mpy file, or ends within the header.
    """
    reader = _Reader(data)
    if reader.byte("the header") != ord("M"):
        raise MpyError("not a .mpy file: does not start with 'M'", offset=0)
    version = reader.byte("the header")
    features = reader.byte("the header")
    small_int_bits = reader.byte("the header")
    if version != MPY_VERSION:
        # Older formats gave the feature byte other meanings; nothing more can be said.
        return Header(version, 0, 0, 0, small_int_bits, reader.pos)
    arch = features >> 2 & 0x0F
    if features & 0x80 or arch >= len(ARCHS):
        raise MpyError(f"unknown feature byte {features:#04x}", offset=2)
    flags = reader.vuint("the architecture flags") if features & 0x40 else 0
    return Header(version, features & 3, arch, flags, small_int_bits, reader.pos)


def parse_mpy(data: memoryview) -> Mpy:
    """Parse a whole file.

    Args:
        data: Window on exactly the file.
    Returns:
        Its content, as windows on `data`.
    Raises:
        MpyError: It is not well-formed, is of another version, or goes on after its end.
    """
    header = parse_header(data)
    if header.version != MPY_VERSION:
        raise MpyError(f".mpy version {header.version}, not {MPY_VERSION}", offset=1)
    reader = _Reader(data)
    reader.pos = header.end
    n_qstr = reader.count("number of qstrs")
    n_obj = reader.count("number of objects")
    if n_qstr == 0:
        raise MpyError("no qstr, so no source file name", offset=header.end)
    qstrs = tuple(_qstr(reader) for _ in range(n_qstr))
    objects = tuple(_object(reader, 0) for _ in range(n_obj))
    root = _raw_code(reader, n_qstr, 0)
    if reader.pos != len(data):
        raise MpyError(f"{len(data) - reader.pos} bytes after the end", offset=reader.pos)
    return Mpy(header, qstrs, objects, root)


def _qstr(reader: _Reader) -> QStr:
    start = reader.pos
    head = reader.vuint("a qstr")
    if head & 1:
        number = head >> 1
        if not 1 <= number < len(STATIC_QSTRS):
            raise MpyError(f"static qstr number {number} does not exist", offset=start)
        return QStr(STATIC_QSTRS[number], number, None, start)
    if head >> 1 > MAX_QSTR_LENGTH:
        raise MpyError(f"qstr of {head >> 1} bytes; firmware allows 255", offset=start)
    window = reader.window(head >> 1, "a qstr")
    reader.nul("a qstr")
    return QStr(str(window, "utf-8", "surrogateescape"), None, window, start)


def _object(reader: _Reader, depth: int) -> MpyObject:
    start = reader.pos
    code = reader.byte("a constant")
    if code > ObjKind.TUPLE:
        raise MpyError(f"unknown constant type {code}", offset=start)
    kind = ObjKind(code)
    if kind < ObjKind.STR:
        return MpyObject(kind, None, (), start)
    if kind is ObjKind.TUPLE:
        if depth >= MAX_NESTING:
            raise MpyError(f"tuples nested deeper than {MAX_NESTING}", offset=start)
        size = reader.count("a tuple's length")
        return MpyObject(kind, None, tuple(_object(reader, depth + 1) for _ in range(size)), start)
    window = reader.window(reader.vuint("a constant's length"), "a constant")
    if kind in (ObjKind.STR, ObjKind.BYTES):
        reader.nul("a constant")
    elif not _is_number(kind, window):
        raise MpyError(f"{kind.name} constant that is not a number", offset=start)
    return MpyObject(kind, window, (), start)


_DIGITS = frozenset(b"0123456789")
_FLOAT = frozenset(b"0123456789+-.einfa")
_COMPLEX = _FLOAT | frozenset(b"j()")


def _is_number(kind: ObjKind, window: memoryview) -> bool:
    text = bytes(window)
    if kind is ObjKind.INT:
        digits = text.removeprefix(b"-")
        return bool(digits) and _DIGITS.issuperset(digits)
    if not _FLOAT.issuperset(text) and not (kind is ObjKind.COMPLEX and _COMPLEX.issuperset(text)):
        return False
    try:
        complex(text.decode()) if kind is ObjKind.COMPLEX else float(text)
    except ValueError:
        return False
    return True


def _raw_code(reader: _Reader, n_qstr: int, depth: int) -> RawCode:
    offset = reader.pos
    if depth > MAX_NESTING:
        raise MpyError(f"functions nested deeper than {MAX_NESTING}", offset=offset)
    head = reader.vuint("a raw code's length")
    kind = CodeKind(head & 3)
    code_offset = reader.pos
    code = reader.window(head >> 3, "a raw code")
    prelude_offset: int | None = None
    flags = bss_size = n_pos_args = type_sig = 0
    rodata: memoryview | None = None
    if kind is CodeKind.BYTECODE:
        parse_prelude(code, n_qstr, at=code_offset)
    elif kind is CodeKind.NATIVE:
        prelude_offset = reader.vuint("a prelude offset")
        if prelude_offset > len(code):
            raise MpyError(
                f"prelude offset {prelude_offset} in {len(code)} bytes of code", offset=offset
            )
        parse_prelude(code[prelude_offset:], n_qstr, at=code_offset + prelude_offset)
    elif kind is CodeKind.VIPER:
        flags = reader.vuint("scope flags")
        rodata_size = reader.vuint("rodata size") if flags & ScopeFlag.VIPERRODATA else 0
        bss_size = reader.vuint("bss size") if flags & ScopeFlag.VIPERBSS else 0
        if flags & ScopeFlag.VIPERRODATA:
            rodata = reader.window(rodata_size, "rodata")
    else:
        flags = reader.vuint("scope flags")
        n_pos_args = reader.vuint("number of arguments")
        type_sig = reader.vuint("type signature")
    children: tuple[RawCode, ...] = ()
    if head & 4:
        number = reader.count("number of children")
        if number == 0:
            raise MpyError("a list of children with none in it", offset=reader.pos - 1)
        children = tuple(_raw_code(reader, n_qstr, depth + 1) for _ in range(number))
    relocations: tuple[Relocation, ...] = ()
    if kind is CodeKind.VIPER and flags & ScopeFlag.VIPERRELOC:
        relocations = _relocations(reader)
    return RawCode(
        kind,
        code,
        code_offset,
        offset,
        children,
        prelude_offset,
        flags,
        rodata,
        bss_size,
        n_pos_args,
        type_sig,
        relocations,
    )


_SEGMENTS = ("text", "rodata", "bss")
_TABLES = ("qstr_table", "obj_table", "fun_table")


def _relocations(reader: _Reader) -> tuple[Relocation, ...]:
    found: list[Relocation] = []
    segment, index = "text", 0
    while (op := reader.byte("the relocations")) != 0xFF:
        if op & 1:
            address = reader.vuint("a relocation address")
            segment, index = _SEGMENTS[address & 1], address >> 1
        what, count = op >> 1, 1
        base: str | int
        if what < 6:
            base = _SEGMENTS[what >> 1]
            if what & 1:
                count = reader.vuint("a relocation count")
        elif what < 9:
            base = _TABLES[what - 6]
        else:
            base = what - 9
        found.append(Relocation(segment, index, base, count))
        index += count
    return tuple(found)


def parse_prelude(code: memoryview, n_qstr: int, *, at: int = 0) -> Prelude:
    """Decode the prelude at the start of a bytecode block.

    Args:
        code: Window on the block.
        n_qstr: Size of the file's qstr table, which names index.
        at: Offset of the block in the file, for errors.
    Raises:
        MpyError: It is truncated, or a number in it is out of range.
    Source: MicroPython py/bc.h, MP_BC_PRELUDE_SIG_DECODE, MP_BC_PRELUDE_SIZE_DECODE.
    """
    reader = _Reader(code)
    try:
        return _prelude(reader, n_qstr)
    except MpyError as error:
        raise MpyError(str(error.args[0]), offset=at + error.offset) from None


def _prelude(reader: _Reader, n_qstr: int) -> Prelude:
    byte = reader.byte("a prelude")
    state, exc, args = byte >> 3 & 0xF, byte >> 2 & 1, byte & 3
    flags = kwonly = defaults = 0
    n = 0
    while byte & 0x80:
        byte = reader.byte("a prelude")
        state |= (byte & 0x30) << 2 * n
        exc |= (byte & 0x02) << n
        flags |= (byte >> 6 & 1) << n
        args |= (byte & 0x04) << n
        kwonly |= (byte >> 3 & 1) << n
        defaults |= (byte & 1) << n
        n += 1
        if n > 16:
            raise MpyError("prelude signature has no end", offset=reader.pos)
    n_info = n_cell = n = 0
    byte = 0x80
    while byte & 0x80:
        byte = reader.byte("a prelude")
        n_info |= (byte >> 1 & 0x3F) << 6 * n
        n_cell |= (byte & 1) << n
        n += 1
        if n > 16:
            raise MpyError("prelude size has no end", offset=reader.pos)
    start = reader.pos
    info_end = start + n_info
    if info_end + n_cell > len(reader.data):
        raise MpyError(
            f"prelude of {n_info + n_cell} bytes in a block with {len(reader.data) - start} left",
            offset=start,
        )
    names = []
    for _ in range(1 + args + kwonly):
        name = reader.vuint("a name")
        if reader.pos > info_end:
            raise MpyError("names run into the cell list", offset=reader.pos)
        if name >= n_qstr:
            raise MpyError(f"name {name} of a table of {n_qstr}", offset=reader.pos - 1)
        names.append(name)
    lines = reader.data[reader.pos : info_end]
    return Prelude(
        n_state=state + 1,
        n_exc_stack=exc,
        scope_flags=flags & 0x0F,
        n_pos_args=args,
        n_kwonly_args=kwonly,
        n_def_pos_args=defaults,
        name=names[0],
        arg_names=tuple(names[1:]),
        line_info=lines,
        cells=reader.data[info_end : info_end + n_cell],
        opcode_start=info_end + n_cell,
    )
