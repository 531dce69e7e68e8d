"""Looking for an update in a repository: a signed index, and the packages it names."""

import hashlib
import sys
import time

from . import config
from .installer import install
from .package import INDEX, MAX_INDEX, Envelope, head_hash
from .record import FAILED, NONE
from .store import Refused, Store, read_trailer


def source(base, path):
    """Of a file below a web address or a directory."""
    name = base.rstrip("/") + "/" + path
    if base.startswith("http://") or base.startswith("https://"):
        from .http import Http

        return Http(name)
    from .sources import File

    return File(name)


def device_id():
    """What makes this device differ from all others."""
    try:
        import machine

        return machine.unique_id()
    except (ImportError, AttributeError):
        return sys.platform.encode()


def fetch(base=None, channel=None, device=None, progress=None, now=None):
    """Install the newest release meant for this device, if there is one.

    Args:
        base: Web address or directory of the repository; None: the one given to `init`.
        channel: None: the one given to `init`.
        device: Bytes that identify the device, for staged rollouts; None: its own id.
        progress: See `install`.
        now: Seconds since 1970; None: the device's clock, if it was ever set.
    Returns:
        The version that the next boot tries, or None: nothing new.
    Raises:
        Refused: Index or package must not be trusted.
        OSError: Neither can be had just now.
    """
    settings = config()
    base = base or settings.url
    if not base:
        raise Refused("no repository: give its address to `init` or here")
    channel = channel or settings.channel
    store = Store(settings)
    entries = _index(store, base, channel, now)
    entry = _choose(store, entries, device or device_id())
    if entry is None:
        return None
    place = source(base, entry[6])
    try:
        # The index says which package; that one may not be swapped for another good one.
        if head_hash(place) != entry[5]:
            raise Refused("not the package that the index names")
        return entry[2] if install(place, progress) else None
    finally:
        place.close()


def _index(store, base, channel, now):
    settings = store.config
    board = settings.board.replace(":", "_")
    place = source(base, "index/%s/%s/%s.idx" % (settings.product, board, channel))
    try:
        fields = Envelope(place, INDEX, store.keys(), MAX_INDEX).fields
    finally:
        place.close()
    if fields[1] != 1 or (fields[2], fields[3], fields[4]) != (
        settings.product,
        settings.board,
        channel,
    ):
        raise Refused("an index for something else")
    record = store.record
    name = hashlib.sha256(channel.encode()).digest()[:4]
    if record.channel == name and fields[5] < record.index:
        raise Refused("index %d is older than %d" % (fields[5], record.index))
    now = _now() if now is None else now
    if now and fields[6] and now > fields[6]:
        raise Refused("an index that has expired: the repository, or the clock, stands still")
    if record.channel != name or record.index != fields[5]:
        record.channel = name
        record.index = fields[5]
        store.save()
    return fields[7]


def _now():
    moment = time.gmtime()
    if moment[0] < 2024:
        return 0  # a clock that nobody has set
    epoch = 0 if time.gmtime(0)[0] == 1970 else 946684800
    return int(time.time()) + epoch


def _choose(store, entries, device):
    """The newest entry that is for this device, a delta onto its image before all others."""
    record = store.record
    live = record.active
    sequence = record.sequence[live] if live != NONE else -1
    old = read_trailer(store.config, record, live) if live != NONE else None
    best = None
    rank = ()
    for entry in entries:
        if entry[1] <= sequence or entry[1] < record.floor:
            continue
        if any(
            record.status[n] == FAILED and record.sequence[n] == entry[1]
            for n in range(len(store.config.slots))
        ):
            continue  # it was tried and not confirmed; only a later release can be better
        draw = hashlib.sha256(bytes(device) + entry[4]).digest()
        if (draw[0] << 8 | draw[1]) * 10000 >> 16 >= entry[3]:
            continue
        fits = old is not None and old.manifest[7] in entry[8]
        if not (fits or entry[9]):
            continue
        this = (entry[1], fits, -entry[7])
        if best is None or this > rank:
            best = entry
            rank = this
    return best
