"""Files onto a board's read-write file system, through its REPL."""

from __future__ import annotations

from flash.serial_repl import Repl

_PIECE = 512
_BEGIN = """
import os
from binascii import unhexlify as u
p=''
for d in {path!r}.split('/')[:-1]:
 p+=d
 try:os.mkdir(p)
 except OSError:pass
 p+='/'
f=open({path!r}+'.new','wb')
"""


def put(repl: Repl, path: str, content: bytes) -> None:
    """Write one file, below the current directory; replaces what was there at the end.

    Raises:
        DeviceError: The file system refuses it, or is full.
    """
    repl.run(_BEGIN.format(path=path))
    for at in range(0, len(content), _PIECE):
        repl.run(f"f.write(u('{content[at : at + _PIECE].hex()}'))")
    repl.run(f"f.close()\nos.rename({path + '.new'!r},{path!r})")
