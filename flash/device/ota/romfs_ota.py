"""romfs_ota: two images in one ROMFS partition, and the safe way from one to the other.

    import romfs_ota          # in boot.py
    romfs_ota.mount()         # the newest good image is now at /app, and on sys.path

    romfs_ota.confirm()       # in the application, once it knows that it works

This file is what every boot runs; what an update needs is in the other files of the
package. SPEC.md of flash/ota describes every byte this reads and writes.
"""

import sys
import vfs

from .record import EMPTY, FAILED, NONE, READY, RECEIVING, Record
from .store import Config, NoImage, Store, Refused, usable, view

_config = None
_running = None  # the slot that mount() mounted, and the store it used


def config():
    """What `romfs ota init` put beside the updater."""
    global _config
    if _config is None:
        _config = Config()
    return _config


def state():
    """The newest state record."""
    return Store(config()).record


def mount(point="/app", path=True, check=False, watchdog=0):
    """Mount the image to run.

    Args:
        point: Where.
        path: Put it, and its lib, in front of sys.path.
        check: Compare every block of a confirmed image with its hash, too; that of an image
            on trial always is.
        watchdog: Milliseconds after which a hanging trial boot is reset; 0: never.
    Returns:
        "a" or "b".
    Raises:
        NoImage: No slot holds a good image; the REPL is there for a repair.
    """
    global _running
    store = Store(config())
    number = _choose(store, check)
    if store.config.single:
        point = "/rom"  # where firmware mounts it anyway
    filesystem = vfs.VfsRom(view(store.config, number))
    try:
        vfs.umount(point)
    except OSError:
        pass  # nothing was mounted there
    vfs.mount(filesystem, point)
    if path:
        for one in (point + "/lib", point):
            if one not in sys.path:
                sys.path.insert(0, one)
    _running = number
    if watchdog and store.record.trial == number:
        import machine

        machine.WDT(timeout=watchdog)
    return "ab"[number]


def _choose(store, check):
    record = store.record
    trial = record.trial
    if trial != NONE:
        if record.left and usable(store.config, record, trial, True):
            record.left -= 1
            try:
                store.save()
                return trial
            except OSError:
                pass  # a trial that cannot be counted would never end
        else:
            print("romfs_ota: slot %s was not confirmed; going back" % "ab"[trial])
        record.trial = NONE
        record.status[trial] = FAILED
        try:
            store.save()
        except OSError:
            pass  # the same decision will be made at the next boot
    first = record.active
    if first != NONE and usable(store.config, record, first, check):
        return first
    for other in range(len(store.config.slots)):
        if other != first and usable(store.config, record, other, True):
            if record.sequence[other] >= record.floor:
                print("romfs_ota: slot %s is damaged; using the other" % "ab"[first & 1])
                record.active = other
                store.save()
                return other
    raise NoImage("no slot holds a good image: push or fetch one")


def confirm():
    """Keep the image that is running: it works.

    Returns:
        True if it was on trial, False if it had been confirmed before.
    """
    store = Store(config())
    record = store.record
    if _running is None or record.trial != _running:
        return False
    record.trial = NONE
    record.active = _running
    record.floor = max(record.floor, record.raised)
    store.save()
    return True


def rollback():
    """Give up the running image; the next boot takes the other one.

    Raises:
        Refused: There is no other that may be booted.
    """
    store = Store(config())
    record = store.record
    if record.trial != NONE:
        record.left = 0
    else:
        other = 1 - record.active
        if other >= len(store.config.slots) or not usable(store.config, record, other, True):
            raise Refused("no other image to go back to")
        if record.sequence[other] < record.floor:
            raise Refused("the other image is older than the floor")
        record.active = other
    store.save()


def status():
    """What a program or a person may want to know, as a dict."""
    record = state()
    names = ("empty", "receiving", "ready", "failed")
    return {
        "product": config().product,
        "board": config().board,
        "active": None if record.active == NONE else "ab"[record.active],
        "trial": None if record.trial == NONE else "ab"[record.trial],
        "trials_left": record.left,
        "floor": record.floor,
        "key_set": record.key_version,
        "running": None if _running is None else "ab"[_running],
        "slots": [
            {"status": names[record.status[n]], "sequence": record.sequence[n]}
            for n in range(len(config().slots))
        ],
    }


def _running_slot():
    return _running


def install(source, **options):
    """Install a package from a source or a file name; see installer.py."""
    from .installer import install as run

    if isinstance(source, str):
        from .sources import File

        source = File(source)
    return run(source, **options)


def fetch(base=None, **options):
    """Look for an update in a repository and install it; see repository.py."""
    from .repository import fetch as run

    return run(base, **options)
