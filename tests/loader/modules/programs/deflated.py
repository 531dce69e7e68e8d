import io

import deflate
from probe import each, show

TEXT = b"micropython" * 3
ZLIB = b"x\x9c\xcb\xcdL.\xca/\xa8,\xc9\xc8\xcf\xcb\xc5\xca\x04\x00\xf0\xe7\x0e5"
RAW = ZLIB[2:-4]
each(deflate.DeflateIO, (), (io.BytesIO(), 7), (io.BytesIO(), 1, 4), (io.BytesIO(), 1, 16))
for data in (ZLIB, RAW):
    for form in (deflate.AUTO, deflate.RAW, deflate.ZLIB, deflate.GZIP):
        show(lambda data=data, form=form: deflate.DeflateIO(io.BytesIO(data), form).read())
    for cut in (1, 3, 8, len(data) - 1):
        show(lambda data=data, cut=cut: deflate.DeflateIO(io.BytesIO(data[:cut]), 1).read(1))
source = io.BytesIO(ZLIB + b"tail")
stream = deflate.DeflateIO(source)
show(stream.read, 5)
show(stream.readline)
show(stream.read)
show(source.read)
stream.close()
show(stream.read)
for damaged in (ZLIB[:-1] + b"\0", b"\x79" + ZLIB[1:], b"", b"x"):
    show(lambda damaged=damaged: deflate.DeflateIO(io.BytesIO(damaged)).read())
source = io.BytesIO(ZLIB)
deflate.DeflateIO(source, 0, 0, True).close()
show(source.read)
