"""Every exception class of the project.

Facts are attributes and `str()` prints them, so a caller can act on a failure
without parsing its text. Each class also derives from the builtin exception a
caller would catch. `GuestError` is not a `RomfsError`: what the program being
run raises is the program's, never ours.
"""

from __future__ import annotations


class RomfsError(Exception):
    """A failure with a cause the user can act on."""


class ImageError(RomfsError, ValueError):
    """The bytes are not a valid ROMFS image.

    Attributes:
        offset: Bytes from image start at which it was noticed, or None.
    """

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.offset is None else f"{text} (at offset {self.offset:#x})"


class TruncatedError(ImageError, EOFError):
    """The image ends, or its container does, before the item at `offset` is complete."""


class PathNotFound(RomfsError, FileNotFoundError):
    """No such file or directory inside the image, or not of the wanted kind.

    Attributes:
        path: The path inside the image.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.args[0]}"


class BuildError(RomfsError):
    """An image cannot be built from this source.

    Attributes:
        path: The file or directory concerned, relative to the source, or None.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.path is None else f"{self.path}: {text}"


class ConfigError(RomfsError, ValueError):
    """A configuration file or option holds something that has no meaning."""


class FormatError(RomfsError, ValueError):
    """A firmware or disk file (HEX, UF2, DFU, FAT ...) is malformed, or cannot be made.

    Attributes:
        offset: Bytes from the start of the file at which it was noticed, or None.
    """

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.offset is None else f"{text} (at file offset {self.offset:#x})"


class OverlapError(FormatError):
    """Two pieces claim the same addresses.

    Attributes:
        address: First address claimed twice.
        length: Bytes claimed twice.
    """

    def __init__(self, message: str, *, address: int, length: int) -> None:
        super().__init__(message)
        self.address = address
        self.length = length


class MpyError(RomfsError, ValueError):
    """The bytes are not a well-formed .mpy file.

    Attributes:
        offset: Bytes from the start of the file at which it was noticed.
    """

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset

    def __str__(self) -> str:
        return f"{super().__str__()} (at offset {self.offset:#x})"


class IncompatibleMpy(RomfsError, ValueError):
    """A well-formed .mpy file that the target refuses to load.

    The first argument is the text of the `ValueError` MicroPython raises.
    """


class BytecodeError(RomfsError, ValueError):
    """Bytecode that no compiler emits and no interpreter may run.

    Attributes:
        ip: Bytes from the first opcode of the function.
        op: Number of the opcode there, or None where none could be read.
    """

    def __init__(self, message: str, *, ip: int, op: int | None = None) -> None:
        super().__init__(message)
        self.ip = ip
        self.op = op

    def __str__(self) -> str:
        opcode = "" if self.op is None else f", opcode {self.op:#04x}"
        return f"{super().__str__()} (at ip {self.ip}{opcode})"


class BoardError(RomfsError, ValueError):
    """No such board, or a board row that contradicts itself."""


class MissingExtra(RomfsError, ImportError):
    """A feature needs a package that is installed only on request.

    Attributes:
        extra: Name of the extra that brings it.
    """

    def __init__(self, feature: str, *, extra: str) -> None:
        super().__init__(f"{feature} needs: pip install 'micropython-romfs[{extra}]'")
        self.extra = extra


class FetchError(RomfsError, OSError):
    """Something could not be fetched, or not without the network.

    Attributes:
        url: What was asked for.
    """

    def __init__(self, message: str, *, url: str) -> None:
        super().__init__(message)
        self.url = url

    def __str__(self) -> str:
        return f"{self.url}: {self.args[0]}"


class FlashError(RomfsError):
    """The partition could not be written, read or verified.

    Attributes:
        address: Bytes from partition start of the range concerned, or None.
        length: Bytes in that range, or None.
    """

    def __init__(
        self, message: str, *, address: int | None = None, length: int | None = None
    ) -> None:
        super().__init__(message)
        self.address = address
        self.length = length

    def __str__(self) -> str:
        text = super().__str__()
        if self.address is None:
            return text
        span = "" if self.length is None else f", {self.length} bytes"
        return f"{text} (at partition offset {self.address:#x}{span})"


class NoPort(FlashError):
    """No serial port, or none with a MicroPython board behind it."""


class NoPartition(FlashError):
    """The connected device has no ROMFS partition."""


class DoesNotFit(FlashError):
    """The image is larger than the partition."""


class WriteRefused(FlashError):
    """The device reported, or was found, not to have written or erased."""


class TransportError(FlashError, OSError):
    """The link to the device failed or was lost."""


class VerifyError(FlashError):
    """What reads back from the partition is not what was written."""


class PackageError(RomfsError, ValueError):
    """An update package is malformed."""


class HashMismatch(PackageError):
    """Content does not have the hash that was promised for it."""


class BadSignature(PackageError):
    """No acceptable key made this signature over these bytes."""


class RollbackRefused(PackageError):
    """The package is older than what the device must not fall behind."""


class GuestError(Exception):
    """An exception raised by the program being run, as the host sees it.

    Attributes:
        value: The guest's exception object.
        traceback: The guest's traceback, as MicroPython prints it.
    """

    def __init__(self, value: object, traceback: str) -> None:
        super().__init__(traceback)
        self.value = value
        self.traceback = traceback
