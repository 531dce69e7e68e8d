"""What a firmware accepts as a `.mpy` file.

Source: MicroPython py/persistentcode.c and py/persistentcode.h; the order of the
checks and their texts are those of `mp_raw_code_load`.
"""

from __future__ import annotations

from dataclasses import dataclass

from romfs.archs import ARCHS
from romfs.errors import BoardError

FLAGS = {"zba": 1 << 0, "zcmp": 1 << 1}
"""RISC-V extensions in the header's flags. Source: py/asmrv32.h, `RV32_EXT_*`."""

_THUMB = range(ARCHS.index("armv6m"), ARCHS.index("armv7emdp") + 1)
_RISCV = ("rv32imc", "rv64imc")
_SMALL_INT_BITS = {"A": (31, 63), "B": (30, 62), "C": (31, 63), "D": (47, 47)}


@dataclass(frozen=True, slots=True)
class MpyAbi:
    """The `.mpy` contract of one firmware.

    Attributes:
        native_arch: Largest `-march` that is safe here, or None: bytecode only.
        loader_arch: What the loader itself identifies as. It differs from `native_arch`
            on a Cortex-M3, whose loader would take `armv7em` code it cannot run.
        flags: RISC-V extensions the loader accepts, in the order of `FLAGS`.
        upstream_flags: What the port gives mpy-cross for frozen code, or None.
        version: Major version of the file format.
        sub_version: Native ABI revision; checked only for files with native code.
        word: Bytes in a machine word.
        small_int_bits: Bits of a small integer, with sign; more in a file is refused.
        repr: Object representation, A to D.
        float: "none", "single" or "double".
        unicode: Whether str is Unicode.
        little_endian: Byte order.
        qstr_hash_bytes: RAM a new qstr costs for its hash, beside a pointer.
        qstr_len_bytes: The same for its length.
    """

    native_arch: str | None = None
    loader_arch: str | None = None
    flags: tuple[str, ...] = ()
    upstream_flags: str | None = None
    version: int = 6
    sub_version: int = 3
    word: int = 4
    small_int_bits: int = 31
    repr: str = "A"
    float: str = "single"
    unicode: bool = True
    little_endian: bool = True
    qstr_hash_bytes: int = 2
    qstr_len_bytes: int = 1

    def __post_init__(self) -> None:
        known = ARCHS[1:-1]  # no firmware is the host's debug architecture
        for field, arch in (("arch", self.native_arch), ("loader_arch", self.loader_arch)):
            if arch is not None and arch not in known:
                raise BoardError(f"mpy.{field}: {arch!r} is not one of {', '.join(known)}")
        if self.native_arch is not None and self.native_arch not in self.accepted_archs:
            raise BoardError(
                f"mpy.arch: {self.native_arch!r} is not accepted by a loader that is "
                f"{self.loader_arch or 'without native code'!r}"
            )
        for flag in self.flags:
            if flag not in FLAGS:
                raise BoardError(f"mpy.flags: {flag!r} is not one of {', '.join(FLAGS)}")
        if self.flags and self.loader_arch not in _RISCV:
            raise BoardError(f"mpy.flags: only {' and '.join(_RISCV)} have flags")
        if self.version != 6:
            raise BoardError(f"mpy.version: {self.version}, and only 6 is known here")
        if not 0 <= self.sub_version <= 3:
            raise BoardError(f"mpy.sub_version: {self.sub_version} is not in 0..3")
        if self.word not in (4, 8):
            raise BoardError(f"mpy.word: {self.word} is not 4 or 8")
        if self.repr not in _SMALL_INT_BITS:
            raise BoardError(f"mpy.repr: {self.repr!r} is not one of A, B, C, D")
        allowed = _SMALL_INT_BITS[self.repr][self.word == 8]
        if self.small_int_bits != allowed:
            raise BoardError(
                f"mpy.small_int_bits: {self.small_int_bits}, but representation {self.repr} with "
                f"{self.word}-byte words has {allowed}"
            )
        if self.float not in ("none", "single", "double"):
            raise BoardError(f"mpy.float: {self.float!r} is not none, single or double")

    @property
    def accepted_archs(self) -> tuple[str, ...]:
        """Native code kinds the loader takes: on Thumb every one up to its own."""
        if self.loader_arch is None:
            return ()
        number = ARCHS.index(self.loader_arch)
        return ARCHS[_THUMB[0] : number + 1] if number in _THUMB else (self.loader_arch,)

    @property
    def arch_flags(self) -> int:
        """The accepted extensions as the bit mask of a file's header."""
        return sum(FLAGS[flag] for flag in self.flags)

    def mpy_value(self) -> int:
        """`sys.implementation._mpy` of this firmware."""
        arch = 0 if self.loader_arch is None else ARCHS.index(self.loader_arch)
        return self.version | (self.sub_version | arch << 2) << 8 | self.arch_flags << 16

    def accepts(
        self,
        arch: str | int = 0,
        sub_version: int = 0,
        arch_flags: int = 0,
        small_int_bits: int = 31,
        version: int = 6,
    ) -> str | None:
        """Say whether a `.mpy` file with this header loads.

        Args:
            arch: Native code in the file, by name or number; 0 or "none" for bytecode.
            sub_version: Native ABI revision of the file.
            arch_flags: RISC-V extensions the file needs; 0 for none.
            small_int_bits: The header's fourth byte.
            version: Major version of the file.
        Returns:
            None if it loads, else the text of the ValueError the firmware raises.
        """
        number = ARCHS.index(arch) if isinstance(arch, str) else arch
        if (
            version != self.version
            or (number != 0 and sub_version != self.sub_version)
            or small_int_bits > self.small_int_bits
        ):
            return "incompatible .mpy file"
        accepted = {ARCHS.index(name) for name in self.accepted_archs}
        if number != 0 and number not in accepted:
            if self.loader_arch is None:
                return "native code in .mpy unsupported"
            return "incompatible .mpy arch"
        if arch_flags & ~self.arch_flags:
            return "incompatible .mpy file"
        return None
