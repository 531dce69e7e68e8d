"""A row of a board file -> Board: which keys exist, their types, what they imply.

A file holds `[defaults]`, `[family.NAME]` and one table per board. A board's row is laid
over its families and those over the defaults: tables merge key by key; `notes`, `source`
and `quirks` add up, the row's first; anything else is replaced.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from boards.abi import MpyAbi
from boards.model import KINDS, Board, Boot, Flash, Flashing, Region
from boards.partition import EraseRegion, Partition
from boards.quirks import Quirk
from romfs.errors import BoardError

Table = dict[str, object]
T = TypeVar("T")

SHARED = ("defaults", "family")
"""Top-level tables that are not boards."""

_ADDING = ("notes", "source", "quirks")
_QUIRKS = {quirk.value: quirk for quirk in Quirk}
_ABI = MpyAbi()  # what a row that says nothing gets
_KEY = re.compile(r"(?P<board>[^-:/]+)(?:-(?P<variant>[^:/]+))?(?::(?P<core>[^:/]+))?")


def split_key(key: str) -> tuple[str, str | None, str | None]:
    """Split `BOARD[-VARIANT][:CORE]`.

    Raises:
        BoardError: It is not of that form.
    """
    found = _KEY.fullmatch(key)
    if found is None:
        raise BoardError(f"{key!r} is not of the form BOARD[-VARIANT][:CORE]")
    return found["board"], found["variant"], found["core"]


def merge(over: Mapping[str, object], under: Mapping[str, object]) -> Table:
    """Lay one row over another."""
    merged: Table = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = merge(value, below)
        elif key in _ADDING and isinstance(value, list) and isinstance(below, list):
            merged[key] = [*value, *(item for item in below if item not in value)]
        else:
            merged[key] = value
    return merged


def flatten(row: Table, shared: Mapping[str, object]) -> Table:
    """Lay a row over its families and the file's defaults.

    Raises:
        BoardError: A family does not exist.
    """
    families = _table(shared.get("family", {}), "family")
    wanted = row.get("family", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list):
        raise BoardError(f"family: {wanted!r} is not a name or a list of names")
    flat = {key: value for key, value in row.items() if key != "family"}
    for name in names:
        if not isinstance(name, str) or name not in families:
            raise BoardError(f"family: there is no [family.{name}]{_close(str(name), families)}")
        flat = merge(flat, _table(families[name], f"family.{name}"))
    return merge(flat, _table(shared.get("defaults", {}), "defaults"))


def _table(value: object, where: str) -> Table:
    if not isinstance(value, dict):
        raise BoardError(f"{where}: {value!r} is not a table")
    return value


def _close(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class _Reader:
    """Takes keys out of a table one by one, so that what is left over is a mistake."""

    def __init__(self, table: object, where: str = "") -> None:
        self.rest = dict(_table(table, where))
        self.where = where
        self.known: list[str] = []

    def name(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def take(self, key: str) -> object:
        self.known.append(key)
        return self.rest.pop(key, None)

    def _typed(self, key: str, kind: type[T], what: str) -> T | None:
        value = self.take(key)
        # bool is an int to isinstance, but not to someone who wrote `size = true`.
        if value is None or (isinstance(value, kind) and (kind is bool or value is not True)):
            return value if isinstance(value, kind) else None
        raise BoardError(f"{self.name(key)}: {value!r} is not {what}")

    def text(self, key: str) -> str | None:
        return self._typed(key, str, "a string")

    def number(self, key: str) -> int | None:
        value = self._typed(key, int, "a whole number")
        if value is not None and value < 0:
            raise BoardError(f"{self.name(key)}: {value} is negative")
        return value

    def number_or(self, key: str, default: int) -> int:
        value = self.number(key)
        return default if value is None else value

    def flag(self, key: str) -> bool | None:
        return self._typed(key, bool, "true or false")

    def flag_or(self, key: str, default: bool) -> bool:
        value = self.flag(key)
        return default if value is None else value

    def texts(self, key: str) -> tuple[str, ...] | None:
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BoardError(f"{self.name(key)}: {value!r} is not a list of strings")
        return tuple(value)

    def table(self, key: str) -> _Reader:
        value = self.take(key)
        return _Reader({} if value is None else value, self.name(key))

    def quirks(self, key: str) -> tuple[Quirk, ...]:
        found = []
        for name in self.texts(key) or ():
            if name not in _QUIRKS:
                raise BoardError(
                    f"{self.name(key)}: unknown quirk {name!r}"
                    + (_close(name, _QUIRKS) or f"; known are {', '.join(_QUIRKS)}")
                )
            found.append(_QUIRKS[name])
        return tuple(found)

    def finish(self, ignore: Iterable[str] = ()) -> None:
        for key in (key for key in self.rest if key not in ignore):
            raise BoardError(
                f"{self.name(key)}: unknown key"
                + (_close(key, self.known) or f"; known here: {', '.join(self.known)}")
            )


def to_board(port: str, key: str, row: Table) -> Board:
    """Make a Board of a flattened row.

    Raises:
        BoardError: A key is unknown or missing, or its value has no meaning; the message
            starts with the field's name.
    """
    board, variant, core = split_key(key)
    reader = _Reader(row)
    own_quirks = reader.quirks("quirks")
    devices = {
        name: _Reader(table, f"device.{name}")
        for name, table in reader.table("device").rest.items()
    }
    flash = _flash(reader.table("flash"), reader.table("regions"), devices)
    partitions = _partitions(reader, flash, devices, own_quirks)
    address = partitions[0].address if partitions else None
    fill = {"{board}": board, "{romfs}": "" if address is None else f"{address:#x}"}

    def filled(text: str | None) -> str | None:
        for token, value in fill.items():
            text = text.replace(token, value) if text else text
        return text

    def all_filled(key: str) -> tuple[str, ...]:
        return tuple(filled(text) or "" for text in reader.texts(key) or ())

    result = Board(
        port=port,
        board=board,
        variant=variant,
        core=core,
        mpy=_mpy(reader.table("mpy")),
        partitions=partitions,
        flash=flash,
        flashing=_flashing(reader.table("flashing"), filled),
        boot=_boot(reader.table("boot")),
        frozen=reader.texts("frozen"),
        notes=all_filled("notes"),
        quirks=tuple(dict.fromkeys((*own_quirks, *(q for p in partitions for q in p.quirks)))),
        source=all_filled("source"),
        name=reader.text("name"),
        vendor=reader.text("vendor"),
        product=reader.text("product"),
        url=reader.text("url"),
        mcu=reader.text("mcu"),
        mcu_family=reader.text("mcu_family"),
        mcu_name=reader.text("mcu_name"),
        how=reader.text("how"),
        commit=reader.text("commit"),
        status=reader.text("status") or "default",
    )
    reader.finish()
    return result


def _mpy(reader: _Reader) -> MpyAbi:
    arch = reader.text("arch")
    word = reader.number_or("word", _ABI.word)
    abi = MpyAbi(
        native_arch=arch,
        loader_arch=reader.text("loader_arch") or arch,
        flags=reader.texts("flags") or (),
        upstream_flags=reader.text("upstream_flags"),
        version=reader.number_or("version", _ABI.version),
        sub_version=reader.number_or("sub_version", _ABI.sub_version),
        word=word,
        small_int_bits=reader.number_or("small_int_bits", word * 8 - 1),
        repr=reader.text("repr") or _ABI.repr,
        float=reader.text("float") or _ABI.float,
        unicode=reader.flag_or("unicode", _ABI.unicode),
        little_endian=reader.flag_or("little_endian", _ABI.little_endian),
        qstr_hash_bytes=reader.number_or("qstr_hash_bytes", _ABI.qstr_hash_bytes),
        qstr_len_bytes=reader.number_or("qstr_len_bytes", _ABI.qstr_len_bytes),
    )
    reader.finish()
    return abi


def _base(devices: Mapping[str, _Reader], device: str | None) -> int | None:
    base = None if device is None or device not in devices else devices[device].rest.get("base")
    if base is not None and (not isinstance(base, int) or isinstance(base, bool)):
        raise BoardError(f"device.{device}.base: {base!r} is not an address")
    return base


def _flash(reader: _Reader, table: _Reader, devices: Mapping[str, _Reader]) -> Flash:
    device = reader.text("device")
    regions = []
    for name in list(table.rest):
        region = table.table(name)
        regions.append(
            Region(
                name=name,
                kind=region.text("kind") or (name if name in KINDS else "reserved"),
                start=region.number("start"),
                size=region.number("size"),
                device=region.text("device") or device,
            )
        )
        region.finish()
    # Rows add regions to those of their family, so the order of reading means nothing.
    regions.sort(key=lambda r: (r.start is None, r.start or 0))
    flash = Flash(
        device=device,
        base=_base(devices, device),
        size=reader.number("size"),
        main=reader.text("main"),
        regions=tuple(regions),
        note=reader.text("note"),
    )
    reader.finish()
    if flash.main is not None and flash.main not in {r.name for r in regions}:
        raise BoardError(f"flash.main: there is no region {flash.main!r}")
    return flash


def _partitions(
    reader: _Reader, flash: Flash, devices: Mapping[str, _Reader], quirks: tuple[Quirk, ...]
) -> tuple[Partition, ...]:
    """Each entry of `romfs` lies over its device's table and that over `partition`."""
    common = reader.table("partition").rest
    entries = reader.take("romfs")
    entries = [] if entries is None else entries
    if not isinstance(entries, list):
        raise BoardError(f"romfs: {entries!r} is not a list of tables")
    found = []
    for index, entry in enumerate(entries):
        row = _table(entry, f"romfs[{index}]")
        device = row.get("device") or common.get("device") or flash.device
        if isinstance(device, str) and device in devices:
            row = merge(row, {k: v for k, v in devices[device].rest.items() if k != "base"})
        part = _Reader(merge(row, common), f"romfs[{index}]")
        found.append(_partition(part, index, flash, devices, quirks))
        for table in devices.values():
            table.known = ["base", *part.known]
    for table in devices.values():
        # Its keys were read as a partition's, if it holds one; a misspelt `base` would be lost.
        table.finish(ignore=table.known or ["base"])
    return tuple(found)


def _partition(
    reader: _Reader,
    index: int,
    flash: Flash,
    devices: Mapping[str, _Reader],
    quirks: tuple[Quirk, ...],
) -> Partition:
    device = reader.text("device") or flash.device
    address, end, size = reader.number("address"), reader.number("end"), reader.number("size")
    at_end = address is None and end is not None
    if size is not None and address is not None and end is None:
        end = address + size
    elif size is not None and end is not None and address is None:
        address = end - size
    base = _base(devices, device)
    offset = reader.number("flash_offset")
    if offset is None and None not in (address, base):
        offset = (address or 0) - (base or 0)
    partition = Partition(
        index=index,
        name=reader.text("name") or f"romfs{index}",
        address=address,
        end=end,
        size=size,
        usable_size=reader.number("usable") or size,
        device=device,
        base=base,
        flash_offset=offset,
        erase=_erase(reader, size),
        write=reader.number("write"),
        write_note=reader.text("write_note"),
        block_size=reader.number("block_size"),
        prepare_returns=reader.number("prepare_returns"),
        min_prepare=reader.number("min_prepare"),
        prepare_takes_offset=reader.flag("prepare_takes_offset"),
        example_size=reader.number("example_size"),
        anchored_at_end=at_end,
        note=reader.text("note"),
        quirks=tuple(dict.fromkeys((*reader.quirks("quirks"), *quirks))),
        segment=reader.text("segment") or "memoryview",
        memory_mapped=reader.flag_or("memory_mapped", True),
        address_static=reader.flag_or("address_static", True),
        size_configurable=reader.flag_or("size_configurable", False),
    )
    reader.finish()
    return partition


def _erase(reader: _Reader, size: int | None) -> tuple[EraseRegion, ...]:
    """`erase = 4096`, or `erase = [{ size = 0x4000, count = 4 }, { size = 0x1_0000 }]`."""
    value = reader.take("erase")
    where = reader.name("erase")
    runs = [{"size": value}] if isinstance(value, int) else [] if value is None else value
    if not isinstance(runs, list):
        raise BoardError(f"{where}: {value!r} is not a size or a list of tables")
    regions = []
    at = 0
    for index, run in enumerate(runs):
        fields = _Reader(run, f"{where}[{index}]")
        block, count = fields.number("size"), fields.number("count")
        fields.finish()
        if not block:
            raise BoardError(f"{where}[{index}].size: missing, or not positive")
        if count is None and size is not None:
            count = max(size - at, 0) // block
        if count is None and index + 1 < len(runs):
            raise BoardError(f"{where}[{index}].count: only the last run may leave it out")
        regions.append(EraseRegion(at, block, count))
        at += block * (count or 0)
    return tuple(regions)


def _flashing(table: _Reader, filled: Callable[[str | None], str | None]) -> tuple[Flashing, ...]:
    ways = []
    for method in list(table.rest):
        reader = table.table(method)
        address = reader.number("address")
        command = reader.text("command")
        if command is not None and address is not None:
            command = command.replace("{address}", f"{address:#x}")
        ways.append(
            Flashing(
                method=method,
                address=address,
                command=filled(command),
                uf2_family=reader.number("uf2_family"),
                uf2_name=reader.text("uf2_name"),
                erase=reader.number("erase"),
                reaches_romfs=reader.flag("reaches_romfs"),
                note=filled(reader.text("note")),
            )
        )
        reader.finish()
    return tuple(ways)


def _boot(reader: _Reader) -> Boot:
    mounts = reader.flag_or("mounts_romfs", True)
    boot = Boot(
        mount_point=(reader.text("mount_point") or "/rom") if mounts else None,
        mounted_segment=(reader.number("mounted_segment") or 0) if mounts else None,
        sys_path=reader.texts("sys_path"),
        filesystem_mount=reader.text("filesystem") or None,
        initial_cwd=reader.text("cwd"),
    )
    reader.finish()
    return boot
