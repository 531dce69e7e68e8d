"""The device a run pretends to be: what `.mpy` files it accepts, what `sys` says of it.

Source: MicroPython py/persistentcode.c, mp_raw_code_load.
"""

from __future__ import annotations

from dataclasses import dataclass

from romfs.archs import ARCHS
from romfs.errors import IncompatibleMpy, MpyError
from romfs.mpy import MPY_VERSION, Header, parse_header

_SUB_VERSION = 3
_THUMB = range(ARCHS.index("armv6m"), ARCHS.index("armv7emdp") + 1)
_RISCV = frozenset({ARCHS.index("rv32imc"), ARCHS.index("rv64imc")})


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of device.

    Attributes:
        name: Board name, or "unix".
        arch: Its native architecture as `romfs.mpy.ARCHS` spells it; "none" without native code.
        arch_flags: RISC-V extensions it has.
        small_int_bits: Bits of a small int, sign included.
        platform: `sys.platform`.
        machine: `sys.implementation._machine`.
        word: Bytes of a machine word.
    """

    name: str = "unix"
    arch: str = "x64"
    arch_flags: int = 0
    small_int_bits: int = 63
    platform: str = "linux"
    machine: str = "linux [GCC 14.2.1] version"
    word: int = 8

    @property
    def mpy(self) -> int:
        """`sys.implementation._mpy`."""
        arch = ARCHS.index(self.arch)
        return MPY_VERSION | (_SUB_VERSION | arch << 2) << 8 | self.arch_flags << 16

    def accepts(self, arch: int) -> bool:
        """Whether native code of this architecture would run."""
        own = ARCHS.index(self.arch)
        return arch == own or (own in _THUMB and arch in _THUMB and arch <= own)

    def check(self, header: Header) -> None:
        """Refuse a file as the device would.

        Raises:
            IncompatibleMpy: With the text of the ValueError the device raises.
        """
        arch = header.arch
        if (
            header.version != MPY_VERSION
            or (arch and header.sub_version != _SUB_VERSION)
            or header.small_int_bits > self.small_int_bits
        ):
            raise IncompatibleMpy("incompatible .mpy file")
        if arch and not self.accepts(arch):
            raise IncompatibleMpy(
                "native code in .mpy unsupported"
                if self.arch == "none"
                else "incompatible .mpy arch"
            )
        if header.arch_flags and (
            ARCHS.index(self.arch) not in _RISCV or header.arch_flags & ~self.arch_flags
        ):
            raise IncompatibleMpy("incompatible .mpy file")

    def check_file(self, data: memoryview) -> None:
        """As `check`, from the first bytes of a file.

        Raises:
            IncompatibleMpy: The device would not load it.
        """
        if bytes(data[:1]) != b"M":
            raise IncompatibleMpy("incompatible .mpy file")
        try:
            header = parse_header(data)
        except MpyError as error:
            if error.offset == 2:  # an architecture nobody has
                raise IncompatibleMpy("incompatible .mpy arch") from None
            raise
        self.check(header)


UNIX = Target()
"""The unix build of the real engine."""
