"""What each rule is about, for `--explain`, SARIF and the documentation."""

from __future__ import annotations

_FRAME = (
    "A device sets aside exactly the slots the function's prelude asks for, and checks neither "
    "while it runs. Recompile the source; if it came from a compiler, the file was damaged since."
)
_DAMAGED = (
    "No compiler writes this. The file was damaged or made by a faulty tool; a device would read "
    "or write memory at random. Build it again from its source."
)

RULES: dict[str, tuple[str, str]] = {
    "no-image": (
        "not a ROMFS image",
        "A device mounts nothing that does not begin with d2 cd 31. The file may be erased flash, "
        "another format, or start at the wrong place of a dump.",
    ),
    "image-truncated": (
        "the image is longer than the file",
        "The root record says how long the image is; the rest is missing. Copy or read it again.",
    ),
    "bad-varuint": (
        "a number that has no end or no meaning",
        "Lengths are stored seven bits to a byte. One that runs past its container, or has more "
        "than 32 bits, makes a device end the directory there, or lose the upper bits.",
    ),
    "record-unused": (
        "a record of kind 0",
        "A device takes kind 0 for the end of a directory: whatever follows cannot be found.",
    ),
    "record-overrun": (
        "a record longer than what contains it",
        "A device does not notice and goes on reading in what follows: siblings appear inside, or "
        "memory behind the image is taken for files.",
    ),
    "name-overrun": (
        "a name longer than its record",
        "A device compares and lists bytes beyond the record, perhaps beyond the image.",
    ),
    "too-deep": (
        "directories nested too deep",
        "Tools and devices recurse into directories, on stacks of a few kilobytes.",
    ),
    "name-empty": ("an empty name", "It would match the empty component of a path like //x."),
    "name-dot": (
        "a name that means a directory",
        "A device knows nothing of . and .. and so opens an entry of that name only by accident.",
    ),
    "name-slash": (
        "a slash in a name",
        "The whole name resolves as a path, but its parent directory does not exist.",
    ),
    "name-nul": (
        "a NUL byte in a name",
        "Paths end at the first NUL: such an entry is listed and can never be opened.",
    ),
    "name-utf8": (
        "a name that is not UTF-8",
        "Listing its directory raises UnicodeError on the device and the rest is not listed.",
    ),
    "duplicate-name": (
        "two entries of one name",
        "Lookup takes the first, listings show both. Content of a second directory is unreachable.",
    ),
    "no-data": (
        "a file without data",
        "It cannot be opened, and listing its directory ends there. Even an empty file needs a "
        "data record.",
    ),
    "pointer-range": (
        "data outside the image",
        "A device does not check: it reads other flash contents, or faults.",
    ),
    "pointer-extra": (
        "unused bytes in a data pointer",
        "Harmless, but no tool writes them on purpose.",
    ),
    "data-ignored": (
        "several data records in one file",
        "The first one counts. The others take room and mislead tools.",
    ),
    "entry-in-file": (
        "an entry inside a file",
        "Files hold data; a directory or file record in one is skipped.",
    ),
    "nested-filesystem": (
        "a file system record inside the image",
        "Only the outermost record is a file system. To nest images, store the inner one as a "
        "file and mount it with vfs.VfsRom(open(path, 'rb')).",
    ),
    "odd-size": (
        "an image of odd size",
        "The format wants an even number of bytes so that padding can always be added. Devices "
        "do not mind; stricter tools do.",
    ),
    "trailing-bytes": (
        "bytes after the image",
        "A partition is larger than its image, and dumps include what follows. It is ignored.",
    ),
    "bad-build-info": (
        "damaged build information",
        "The record that says how the image was made cannot be read.",
    ),
    "digest-mismatch": (
        "content is not what was built",
        "The build records a SHA-256 of every file and of the image. Something changed since: a "
        "bit in flash, a transfer, an editor.",
    ),
    "does-not-fit": (
        "the image is larger than the partition",
        "Make it smaller (-O, fewer files), or choose a larger partition where the board allows.",
    ),
    "source-left": (
        "a .py file in the image",
        "A device compiles it into RAM at every import, which takes time and memory, and nothing "
        "of it executes in place. Data files of that name are better called otherwise.",
    ),
    "misaligned": (
        "data not aligned as configured",
        "Programs that map it as 16- or 32-bit elements, or hand it to DMA, need the alignment.",
    ),
    "nested-misaligned": (
        "a nested image at an uneven place",
        "Alignment inside an image counts from its start. For it to hold in memory the nested "
        "image itself must be aligned.",
    ),
    "too-many-qstrs": (
        "more names than a device can number",
        "A module's table of names has 16-bit entries. Split the module.",
    ),
    "str-not-utf8": (
        "a text constant that is not UTF-8",
        "The source was not UTF-8. Devices do not check and print rubbish.",
    ),
    "py-hides-mpy": (
        "a .py file beside its .mpy",
        "An import looks for x.py before x.mpy: the compiled module is never used.",
    ),
    "py-beside-mpy": (
        "two sources of one module",
        "A .py file and a .mpy file that would both become the same path of the image.",
    ),
    "shadowed-module": (
        "a module nobody can import",
        "A directory of its name, or the same name earlier on sys.path, is found first.",
    ),
    "shadowed-by-firmware": (
        "a module the firmware already has",
        "Some built-in modules win over any file, and frozen ones come before /rom on sys.path.",
    ),
    "not-auto-run": (
        "boot or main in an image that does not run it",
        "Firmware runs boot.py and main.py from the current directory, which is not /rom on most "
        "boards.",
    ),
    "case-clash": (
        "names that differ only in case",
        "They are two entries on a device and one on some host file systems.",
    ),
    "bad-mpy": (
        "a .mpy file that is malformed",
        "The device's loader checks only the header. It hangs on a file cut short and crashes on "
        "others.",
    ),
    "incompatible-mpy": (
        "a .mpy file the board refuses",
        "Format version, native architecture and small-int size must fit the firmware. Build with "
        "--board.",
    ),
    "native-code": (
        "machine code",
        "It is copied to RAM at import and cannot be checked here: it may do anything.",
    ),
    "import-missing": (
        "an import that finds nothing",
        "Neither the image nor, as far as known, the firmware has the module. If it is on another "
        "file system of the device, say so with --allow-import.",
    ),
    "import-relative": (
        "a relative import that leads nowhere",
        "It has more dots than the module has packages above it.",
    ),
    "import-name": (
        "a name its module does not define",
        "`from m import x` fails unless m stores x at its top level or has a submodule x. Names "
        "made in other ways (setattr, C code) are not seen here.",
    ),
    "bytecode-decode": ("bytecode that does not decode", _DAMAGED),
    "bytecode-operand": ("an operand outside its table", _DAMAGED),
    "bytecode-jump": ("a jump to nowhere", _DAMAGED),
    "bytecode-stack": ("a stack that under- or overflows", _FRAME),
    "bytecode-frame": ("a frame of the wrong size", _FRAME),
    "bytecode-value": ("an instruction on what is no object", _DAMAGED),
    "bytecode-blocks": ("exception blocks that do not nest", _DAMAGED),
    "bytecode-cell": ("closed-over variables that do not match", _DAMAGED),
    "bytecode-call": ("a function and its maker disagree", _DAMAGED),
    "bytecode-class": ("a class made wrongly", _DAMAGED),
    "bytecode-lines": ("a line table cut short", _DAMAGED),
    "bytecode-complex": (
        "a function too complex to check",
        "Following its paths took more states than any known source needs. Split the function.",
    ),
    "exception-rebound": (
        "BaseException bound to something else",
        "What the compiler makes of `async with` asks for the global BaseException to tell an "
        "exception from a return. If it is not that class, a device takes one for the other and "
        "may crash.",
    ),
    "super-unchecked": (
        "super() of what may be neither class nor instance",
        "super() without arguments trusts the variable `__class__` and the first parameter. A "
        "device takes them for a class and its instance without a look and crashes if a program "
        "has put something else there. Write super(C, self), which is checked.",
    ),
}
"""Rule -> what it finds, and what that means."""
