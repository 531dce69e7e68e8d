"""A package behind a web server: any that serves files, and ranges of them."""

import socket

TIMEOUT = 20  # seconds
NEAR = 4096  # bytes to read and drop rather than to connect again


def _split(url):
    """(secure, host, port, path) of an address."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise ValueError("not an http address: " + url)
    host, slash, path = rest.partition("/")
    host, _, port = host.partition(":")
    secure = scheme == "https"
    return secure, host, int(port or (443 if secure else 80)), "/" + path


class Http:
    """Reads ranges of one address; follows where it is told to, connects again when cut off."""

    def __init__(self, url, retries=3):
        self.url = url
        self.retries = retries
        self.stream = None
        self.at = self.end = 0

    def close(self):
        if self.stream:
            self.stream.close()
            self.stream = None

    def _open(self, offset):
        self.close()
        url = self.url
        for _ in range(4):
            answer, headers = self._ask(url, offset)
            if answer not in (301, 302, 303, 307, 308):
                break
            where = headers.get("location", "")
            self.close()
            if where.startswith("/"):
                secure, host, port, _ = _split(url)
                where = "%s://%s:%d%s" % ("https" if secure else "http", host, port, where)
            url = where
        if answer == 206 and offset:
            span = headers.get("content-range", "")
            if not span.startswith("bytes %d-" % offset):
                raise OSError("another range than the one asked for")
        elif answer != 200 or "transfer-encoding" in headers:
            raise OSError("%s: %d" % (url, answer))
        elif offset > NEAR:
            raise OSError("the server does not serve ranges")
        self.at = offset if answer == 206 else 0
        size = headers.get("content-length")
        self.end = self.at + int(size) if size else 1 << 30

    def _ask(self, url, offset):
        secure, host, port, path = _split(url)
        place = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
        line = socket.socket()
        try:
            line.settimeout(TIMEOUT)
            line.connect(place)
            if secure:
                import ssl

                line = ssl.wrap_socket(line, server_hostname=host)
            ask = "GET %s HTTP/1.0\r\nHost: %s\r\n" % (path, host)
            if offset:
                ask += "Range: bytes=%d-\r\n" % offset
            line.write((ask + "\r\n").encode())
            words = line.readline().split(None, 2)
            headers = {}
            for _ in range(64):
                text = line.readline()
                if not text or text == b"\r\n":
                    break
                name, _, value = text.decode().partition(":")
                headers[name.strip().lower()] = value.strip()
            else:
                raise OSError("too many headers")
            self.stream = line
            return int(words[1]), headers
        except (ValueError, IndexError):
            line.close()
            raise OSError("not an answer of a web server")
        except OSError:
            line.close()
            raise

    def readinto(self, offset, buffer):
        """Fill the buffer from that offset of the file."""
        for attempt in range(self.retries + 1):
            try:
                if self.stream is None or not self.at <= offset <= self.at + NEAR:
                    self._open(offset)
                scrap = bytearray(min(256, max(offset - self.at, 1)))
                while self.at < offset:
                    self._fill(memoryview(scrap)[: min(256, offset - self.at)])
                self._fill(buffer)
                return
            except OSError:
                self.close()
                if attempt == self.retries:
                    raise

    def _fill(self, buffer):
        view = memoryview(buffer)
        done = 0
        if self.at + len(buffer) > self.end:
            raise OSError("the file ends early")
        while done < len(buffer):
            got = self.stream.readinto(view[done:])
            if not got:
                raise OSError("cut off")
            done += got
            self.at += got
