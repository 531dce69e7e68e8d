"""`romfs ota`: containers, keys, packages and repositories for signed updates."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.sizes import parse_size, show_size

if TYPE_CHECKING:
    from boards import Board
    from flash.ota.container import Container, Segment, Settings
    from flash.ota.keys import PublicKey, Signer

PASSPHRASE = "ROMFS_OTA_PASSPHRASE"
BOOT_LINE = "import romfs_ota; romfs_ota.mount()"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = parser.add_subparsers(dest="ota_verb", metavar="VERB", required=True)
    for name, (_, declare, summary) in _VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        declare(sub)


def run(args: argparse.Namespace) -> int:
    """Run a sub-verb."""
    return _VERBS[args.ota_verb][0](args)


# Arguments that several verbs share.


def _key_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    group = parser.add_argument_group("signing")
    group.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="private key that signs; env:NAME takes the key file's text from the environment; "
        "may be repeated",
    )
    group.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help=f"of the private keys; else {PASSPHRASE} in the environment, else it is asked for",
    )
    group.add_argument(
        "--signer",
        metavar="COMMAND",
        help="command that signs instead: message on stdin, raw signature on stdout",
    )
    group.add_argument("--signer-public", metavar="KEY", help="public key of that command")


def _trust_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        required=required,
        metavar="KEY",
        help="public key to believe, as a file or as text; may be repeated",
    )


def _public(text: str) -> PublicKey:
    from flash.ota.keys import PublicKey

    place = Path(text)
    return PublicKey.parse(place.read_text("utf-8") if place.is_file() else text)


def _signers(args: argparse.Namespace) -> list[Signer]:
    from flash.ota.keys import ExternalSigner, PrivateKey
    from romfs.errors import ConfigError

    signers: list[Signer] = []
    for name in args.key:
        if name.startswith("env:"):
            text = os.environ.get(name[4:], "")
            if not text:
                raise ConfigError(f"{name[4:]}: no key in this environment variable")
        else:
            text = Path(name).read_text("utf-8")
        signers.append(PrivateKey.unlock(text, _passphrase(args, name)))
    if args.signer:
        if not args.signer_public:
            raise ConfigError("--signer needs --signer-public")
        words = tuple(shlex.split(args.signer))
        signers.append(ExternalSigner(_public(args.signer_public), words))
    if not signers:
        raise ConfigError("nothing signs: give --key or --signer")
    return signers


def _passphrase(args: argparse.Namespace, what: str, *, new: bool = False) -> str:
    from romfs.errors import ConfigError

    if args.passphrase_file:
        return Path(args.passphrase_file).read_text("utf-8").rstrip("\r\n")
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise ConfigError(f"no passphrase for {what}: set {PASSPHRASE} or use --passphrase-file")
    import getpass

    answer = getpass.getpass(f"Passphrase for {what}: ")
    if new and getpass.getpass("Once more: ") != answer:
        raise ConfigError("these were two different passphrases")
    return answer


def _device_key(name: str | None) -> bytes | None:
    from romfs.errors import ConfigError

    if name is None:
        return None
    text = os.environ.get(name[4:], "") if name.startswith("env:") else Path(name).read_text()
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(f"{name}: a device key is 64 hexadecimal digits")
    return key


def _table(facts: dict[str, Any]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


# init


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--product", required=True, metavar="NAME", help="packages must name it")
    _trust_arguments(parser, required=True)
    parser.add_argument("--app", metavar="IMAGE", help="first application, put into slot a")
    parser.add_argument("--app-version", default="0", metavar="TEXT", help="default: 0")
    parser.add_argument("--sequence", type=int, default=0, metavar="N", help="of the application")
    parser.add_argument("--slot", type=parse_size, metavar="SIZE", help="default: all there is")
    parser.add_argument("--bank", type=parse_size, metavar="SIZE", help="of state; default: least")
    parser.add_argument("--trials", type=int, default=3, metavar="N", help="boots (default: 3)")
    parser.add_argument("--floor", type=int, default=0, metavar="N", help="least sequence ever")
    parser.add_argument("--url", help="where romfs_ota.fetch() looks")
    parser.add_argument("--channel", default="stable", help="default: stable")
    parser.add_argument("--accept", action="append", default=[], metavar="BOARD", help="too")
    parser.add_argument("--device-key", metavar="FILE", help="AES-256 key for encrypted payloads")
    parser.add_argument(
        "--single-slot",
        action="store_true",
        help="no second slot, no way back: the updater goes onto the board's file system",
    )
    parser.add_argument("--one-partition", action="store_true", help="leave a second one alone")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the container, flash nothing")
    parser.add_argument("--size", type=parse_size, help="of the partition, where builders choose")
    parser.add_argument("--boot-py", action="store_true", help="put the one line into boot.py")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    from romfs.cli._device import add_port_arguments

    add_port_arguments(parser)


def _init(args: argparse.Namespace) -> int:
    if args.output:
        return _init_file(args)
    if args.single_slot:
        return _init_single(args)
    from flash.execute import Options, flash
    from flash.ota.container import Segment
    from flash.probe import DeviceInfo
    from flash.target import Target, resolve
    from romfs.cli._device import Reporter, open_link, the_board

    made: list[Container] = []

    def source(info: DeviceInfo, target: Target, board: Board | None) -> bytes:
        segments = [Segment.of(target)]
        others = [one for one in info.segments if one.index == 1]
        if others and not args.one_partition:
            segments.append(Segment.of(resolve(info, others[0], board)))
        made.append(_container(args, segments, board, info.machine))
        return made[0].content

    with open_link(args) as link, Reporter(as_json=args.json) as reporter:
        options = Options(partition=0, board=the_board(args.board))
        flash(link, source, options, reporter.listener(link.name))
        _describe(args, made[0])
        if args.boot_py:
            _write_boot_py(args, link)
        elif not args.json:
            print(f"Now put this line into boot.py of the board:\n    {BOOT_LINE}")
    return exit_codes.OK


def _init_single(args: argparse.Namespace) -> int:
    from flash.execute import Connected
    from flash.ota import container
    from flash.ota.container import Segment
    from flash.ota.files import put
    from romfs.cli._device import open_link, options_of
    from romfs.errors import ConfigError

    if args.app:
        raise ConfigError("--app: with a single slot, push the application as a package")
    with open_link(args) as link:
        device = Connected(link, options_of(args))
        board = device.board.key if device.board else device.info.machine
        keys = tuple(_public(text).pair for text in args.trust)
        files = container.single(
            Segment.of(device.target),
            container.Settings(
                args.product,
                board,
                keys,
                (board, *args.accept) if args.accept else (),
                args.trials,
                args.url,
                args.channel,
                _device_key(args.device_key),
            ),
            container.updater(),
            floor=args.floor,
        )
        for path, content in files.items():
            put(device.repl, path, content)
        if args.boot_py:
            _write_boot_py(args, link)
    print(f"{len(files)} files written; push the first package now")
    return exit_codes.OK


def _init_file(args: argparse.Namespace) -> int:
    import boards
    from flash.board.assembly import settled
    from flash.ota import offline
    from romfs.errors import ConfigError
    from romfs.output import atomic_write

    if not args.board:
        raise ConfigError("--output needs --board")
    board = boards.load(args.board)
    if args.size is not None or board.partition(0).size is not None:
        board = settled(board, args.size)
    made = _container(args, offline.segments(board, both=not args.one_partition), board)
    atomic_write(args.output, made.content)
    _describe(args, made)
    return exit_codes.OK


def _container(
    args: argparse.Namespace, segments: Sequence[Segment], row: Board | None, machine: str = ""
) -> Container:
    from boards import Quirk
    from flash.ota import container, package

    board = row.key if row is not None else machine
    files = {}
    if row is not None and Quirk.BOOTS_FROM_ROMFS in row.quirks:
        files["boot.py"] = f"{BOOT_LINE}\n".encode()

    keys = tuple(_public(text).pair for text in args.trust)
    device_key = _device_key(args.device_key)
    accepts = (board, *args.accept) if args.accept else ()
    settings: Settings = container.Settings(
        args.product, board, keys, accepts, args.trials, args.url, args.channel, device_key
    )
    modules = container.updater()
    app = None
    if args.app:
        image = Path(args.app).read_bytes()
        block = container.common_block(segments)
        release = package.Release(
            args.product, (board,), args.app_version, args.sequence, block, full=False
        )
        manifest, table, _ = package.compose(image, release)
        app = (manifest, table, image)
    return container.build(
        segments,
        settings,
        modules,
        app=app,
        slot=args.slot,
        bank=args.bank,
        floor=args.floor,
        files=files,
    )


def _describe(args: argparse.Namespace, made: Container) -> None:
    plan = made.plan
    facts: dict[str, Any] = {
        "block": plan.block,
        "updater": plan.header,
        "state": sum(bank.size for bank in plan.banks),
        "slots": [slot.size for slot in plan.slots],
        "largest_image": plan.largest_image,
    }
    if args.json:
        print(json.dumps({"event": "container", **facts}))
        return
    print(
        f"container: updater {show_size(plan.header)}, state {show_size(facts['state'])}, "
        f"slots {' and '.join(show_size(size) for size in facts['slots'])} in blocks of "
        f"{show_size(plan.block)}; images up to {show_size(plan.largest_image)}"
    )


def _write_boot_py(args: argparse.Namespace, link: Any) -> None:
    from flash import mount
    from flash.serial_repl import Repl

    repl = Repl(link)
    repl.enter()
    answer = repl.run(
        "try:\n with open('boot.py') as f: s=f.read()\nexcept OSError: s=''\n"
        f"if 'romfs_ota' in s: print('had it')\nelse:\n with open('boot.py','w') as f: "
        f"f.write({BOOT_LINE!r}+'\\n'+s)\n print('written')\n"
    )
    print(f"boot.py: {answer.decode().strip()}")
    mount.run_application(repl)


# keygen


def _keygen_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", metavar="FILE", help="private key; FILE.pub gets the public one")
    parser.add_argument(
        "--algorithm",
        choices=("slh-dsa", "ed25519"),
        default="slh-dsa",
        help="slh-dsa (default): post-quantum, devices need SHA-256 only",
    )
    parser.add_argument("--passphrase-file", metavar="FILE")
    parser.add_argument("--device-key", action="store_true", help="an AES key for payloads instead")


def _keygen(args: argparse.Namespace) -> int:
    import secrets

    from flash.ota.keys import Algorithm, PrivateKey
    from romfs.errors import ConfigError

    place = Path(args.output)
    if place.exists():
        raise ConfigError(f"{place}: exists; keys are never overwritten")
    if args.device_key:
        _write_secret(place, secrets.token_hex(32) + "\n")
        return exit_codes.OK
    passphrase = _passphrase(args, str(place), new=True)
    algorithm = Algorithm.SLH_DSA if args.algorithm == "slh-dsa" else Algorithm.ED25519
    key = PrivateKey.generate(algorithm)
    _write_secret(place, key.lock(passphrase))
    place.with_name(place.name + ".pub").write_text(f"{key.public} {place.name}\n", "utf-8")
    print(key.public)
    return exit_codes.OK


def _write_secret(place: Path, text: str) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


# pack


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="what `romfs build` made")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument("--product", required=True, metavar="NAME")
    parser.add_argument(
        "--board", action="append", required=True, help="board it is for; may be repeated"
    )
    parser.add_argument("--version", required=True, metavar="TEXT", help="for people")
    parser.add_argument(
        "--sequence", type=int, required=True, metavar="N", help="higher with every release"
    )
    parser.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="IMAGE",
        help="older image that devices may have: add a delta from it; may be repeated",
    )
    parser.add_argument("--no-full", action="store_true", help="deltas only")
    parser.add_argument("--block", type=parse_size, metavar="SIZE", help="default: the board's")
    parser.add_argument("--firmware", metavar="X.Y", help="oldest MicroPython it runs on")
    parser.add_argument("--floor", type=int, default=0, metavar="N", help="never go below again")
    parser.add_argument("--notes", default="", help="for people")
    parser.add_argument("--device-key", metavar="FILE", help="encrypt the payload")
    parser.add_argument("--new-key", action="append", default=[], metavar="KEY", help="trust now")
    parser.add_argument("--key-set", type=int, default=0, metavar="N", help="version of new keys")
    parser.add_argument("--json", action="store_true")
    _key_arguments(parser)


def _pack(args: argparse.Namespace) -> int:
    from flash.ota import package
    from flash.ota.manifest import Delta, KeySet
    from romfs.cli._checking import require_for_device
    from romfs.errors import ConfigError
    from romfs.output import atomic_write

    image = Path(args.image).read_bytes()
    for finding in require_for_device(image):
        print(f"romfs: {finding}", file=sys.stderr)
    signers = _signers(args)
    key_set = None
    if args.new_key:
        if not args.key_set:
            raise ConfigError("--new-key needs --key-set, higher than that of the devices")
        key_set = KeySet(args.key_set, tuple(_public(text).pair for text in args.new_key))
    release = package.Release(
        product=args.product,
        boards=tuple(_board_name(name) for name in args.board),
        version=args.version,
        sequence=args.sequence,
        block=args.block or _block(args.board[0]),
        mpy=_needs(image),
        firmware=None if args.firmware is None else _numbers(args.firmware),
        floor=args.floor,
        notes=args.notes,
        bases=tuple(Path(name).read_bytes() for name in args.base),
        full=not args.no_full,
        key_set=key_set,
        device_key=_device_key(args.device_key),
    )
    data = package.pack(image, release, signers)
    # What comes out must be what a device makes of it.
    opened = package.open_package(data, [signer.public for signer in signers])
    for base in (*release.bases, *([None] if release.full else [])):
        assert opened.image(base=base, device_key=release.device_key) == image
    atomic_write(args.output, data)
    sizes = [
        f"{'delta' if isinstance(way, Delta) else 'full'} {show_size(way.length)}"
        for way in opened.manifest.payloads
    ]
    if args.json:
        print(json.dumps({"output": args.output, "bytes": len(data), "image": len(image)}))
    else:
        print(
            f"{args.output}: {show_size(len(data))} for an image of {show_size(len(image))} "
            f"({', '.join(sizes)})"
        )
    return exit_codes.OK


def _board_name(name: str) -> str:
    import boards
    from romfs.errors import BoardError

    try:
        return boards.load(name).key
    except BoardError:
        return name  # a board of the user's own


def _block(name: str) -> int:
    import boards
    from flash.board.assembly import settled
    from flash.ota import container, offline
    from romfs.errors import BoardError, ConfigError

    try:
        return container.common_block(offline.segments(settled(boards.load(name))))
    except BoardError as error:
        raise ConfigError(f"--block: {error}") from None


def _needs(image: bytes) -> tuple[int, int, int] | None:
    """What the .mpy files of an image need of a device."""
    from romfs.image import Image
    from romfs.mpy import parse_header

    version = sub = arch = 0
    for path, file in Image(image).files():
        if path.endswith(".mpy"):
            header = parse_header(file.data)
            version = header.version
            if header.arch:
                sub, arch = header.sub_version, max(arch, header.arch)
    return (version, sub, arch) if version else None


def _numbers(text: str) -> tuple[int, ...]:
    from romfs.errors import ConfigError

    try:
        numbers = tuple(int(part) for part in text.split("."))
    except ValueError:
        raise ConfigError(f"--firmware {text!r} is not of the form 1.25") from None
    return numbers + (0,) * (3 - len(numbers))


# verify and inspect


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", nargs="+", metavar="PACKAGE")
    _trust_arguments(parser, required=True)
    parser.add_argument("--base", action="append", default=[], metavar="IMAGE", help="try deltas")
    parser.add_argument("--device-key", metavar="FILE")
    parser.add_argument("--extract", metavar="FILE", help="write the image it gives")


def _verify(args: argparse.Namespace) -> int:
    from flash.ota import package
    from flash.ota.manifest import Full
    from romfs.output import atomic_write

    keys = [_public(text) for text in args.trust]
    device_key = _device_key(args.device_key)
    bases = [Path(name).read_bytes() for name in args.base]
    for name in args.package:
        opened = package.open_package(Path(name).read_bytes(), keys)
        checked = ["signature", "table"]
        image = None
        if any(isinstance(way, Full) for way in opened.manifest.payloads):
            image = opened.image(device_key=device_key)
            checked.append("full payload")
        for base in bases:
            image = opened.image(base=base, device_key=device_key)
            checked.append("delta")
        print(f"{name}: good: {', '.join(checked)}; signed by {opened.signer}")
        if args.extract and image is not None:
            atomic_write(args.extract, image)
    return exit_codes.OK


def _inspect_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="package, index, or container")
    parser.add_argument("--json", action="store_true")


def _inspect(args: argparse.Namespace) -> int:
    data = Path(args.file).read_bytes()
    if data[:3] == b"\xd2\xcd\x31":
        facts = _container_facts(data)
    else:
        facts = _package_facts(data)
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        _table(facts)
    return exit_codes.OK


def _package_facts(data: bytes) -> dict[str, Any]:
    from flash.ota import package, repository
    from flash.ota.manifest import Delta

    envelope = package.Envelope.parse(data)
    if envelope.kind == package.INDEX:
        index = repository.Index.decode(envelope.body)
        return {
            "kind": "index, signature not checked",
            "product": index.product,
            "board": index.board,
            "channel": index.channel,
            "version": index.version,
            "expires": index.expires or "never",
            "signed": package.describe_signatures(envelope),
            "releases": [
                f"{e.version} (sequence {e.sequence}) for {e.rollout / 100:g}%: {e.path}"
                for e in index.entries
            ],
        }
    manifest = package.open_package(data, None).manifest
    return {
        "kind": "package, signature not checked",
        "product": manifest.product,
        "boards": list(manifest.boards),
        "version": manifest.version,
        "sequence": manifest.sequence,
        "image": f"{manifest.size} bytes, SHA-256 {manifest.digest.hex()}",
        "blocks": f"{manifest.blocks} of {manifest.block} bytes",
        "mpy": manifest.mpy,
        "firmware": manifest.firmware,
        "floor": manifest.floor,
        "encrypted": bool(manifest.nonce),
        "payloads": [
            f"delta from {way.base.hex()[:16]}, {way.length} bytes"
            if isinstance(way, Delta)
            else f"full, {way.length} bytes"
            for way in manifest.payloads
        ],
        "new_keys": None if manifest.key_set is None else manifest.key_set.version,
        "notes": manifest.notes,
        "signed": package.describe_signatures(envelope),
        "bytes": len(data),
    }


def _container_facts(data: bytes) -> dict[str, Any]:
    from flash.ota import container, state

    config: Any = container.read_config(data)
    record = state.newest(
        [data[offset : offset + size] for _, offset, size in config[6]], config[5][0][3]
    )
    names = {state.NONE: None, 0: "a", 1: "b"}
    return {
        "kind": "container",
        "product": config[2],
        "board": config[3],
        "block": config[4],
        "slots": [f"{size} bytes at {offset:#x} of partition {n}" for n, offset, size in config[7]],
        "active": names.get(record.active),
        "trial": names.get(record.trial),
        "trials_left": record.left,
        "floor": record.floor,
        "key_set": record.key_version,
        "holds": [
            f"{'ab'[n]}: {slot.status.name.lower()}, sequence {slot.sequence}, {slot.size} bytes"
            for n, slot in enumerate(record.slots[: len(config[7])])
        ],
    }


# push and status


def _push_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", metavar="PACKAGE")
    parser.add_argument("--again", action="store_true", help="even what is running already")
    parser.add_argument("--no-reset", action="store_true", help="leave the trial to the next boot")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    from romfs.cli._device import add_port_arguments

    add_port_arguments(parser)


def _push(args: argparse.Namespace) -> int:
    from flash import mount
    from flash.ota import push
    from flash.serial_repl import Repl
    from romfs.cli._device import Reporter, open_link
    from romfs.errors import TransportError

    data = Path(args.package).read_bytes()
    with open_link(args) as link, Reporter(as_json=args.json) as reporter:
        tell = reporter.listener(link.name)
        repl = Repl(link)
        for attempt in range(3):
            try:
                repl.enter()
                repl.soft_reset()
                outcome = push.push(
                    repl,
                    data,
                    lambda done, total: tell("progress", {"done": done, "total": total}),
                    again=args.again,
                )
                break
            except TransportError as error:
                if attempt == 2:
                    raise
                tell("link-lost", {"error": str(error), "attempt": attempt + 1})
                link.reopen(20.0)
        if args.no_reset:
            repl.leave()
        else:
            mount.run_application(repl)
            repl.quieten(0.3, 3.0)  # whoever comes next shall not interrupt boot.py
        facts = {"installed": outcome.installed, "sent": outcome.sent, "seconds": outcome.seconds}
        if args.json:
            print(json.dumps({"event": "done", **facts}))
        elif outcome.installed:
            print(
                f"{link.name}: installed in {outcome.seconds:.1f} s, "
                f"{show_size(outcome.sent)} of {show_size(len(data))} sent; "
                "the new image must now be confirmed"
            )
        else:
            print(f"{link.name}: this image is running already")
    return exit_codes.OK


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    from romfs.cli._device import add_port_arguments

    add_port_arguments(parser)


def _status(args: argparse.Namespace) -> int:
    import ast

    from flash.serial_repl import Repl
    from romfs.cli._device import open_link

    with open_link(args) as link:
        repl = Repl(link)
        repl.enter()
        answer = repl.run("import romfs_ota\nprint(romfs_ota.status())")
        repl.leave()
    facts = ast.literal_eval(answer.decode().strip())
    if args.json:
        print(json.dumps(facts))
    else:
        _table(facts)
    return exit_codes.OK


# publish


def _publish_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="the repository: what a web server serves")
    parser.add_argument("package", nargs="*", metavar="PACKAGE")
    parser.add_argument("--channel", default="stable", help="default: stable")
    parser.add_argument(
        "--rollout", type=float, default=100.0, metavar="PERCENT", help="of devices (default: 100)"
    )
    parser.add_argument(
        "--days", type=float, default=0.0, metavar="N", help="the index must be renewed by then"
    )
    parser.add_argument("--fat", metavar="FILE", help="also write it all as a FAT image")
    parser.add_argument("--json", action="store_true")
    _trust_arguments(parser, required=False)
    _key_arguments(parser)


def _publish(args: argparse.Namespace) -> int:
    from flash.ota.repository import Repository
    from romfs.output import atomic_file

    changes = []
    signers = _signers(args) if args.package else []
    keys = [signer.public for signer in signers] + [_public(text) for text in args.trust]
    repository = Repository(Path(args.directory), keys)
    if args.package:
        changes = repository.publish(
            [Path(name).read_bytes() for name in args.package],
            signers,
            channel=args.channel,
            rollout=round(args.rollout * 100),
            lifetime=round(args.days * 86400),
        )
    for change in changes:
        index = change.index
        if args.json:
            facts = {"index": index.path, "version": index.version, "packages": change.packages}
            print(json.dumps(facts))
        else:
            print(f"{index.path}: version {index.version}, {len(index.entries)} packages")
    if args.fat:
        from romfs.formats.fat import write_fat

        files = repository.files()
        with atomic_file(args.fat) as temporary:
            write_fat(temporary, files.items())
        print(f"{args.fat}: {len(files)} files", file=sys.stderr if args.json else sys.stdout)
    return exit_codes.OK


_Verb = tuple[Callable[[argparse.Namespace], int], Callable[[argparse.ArgumentParser], None], str]
_VERBS: dict[str, _Verb] = {
    "init": (_init, _init_arguments, "put the updater and two slots into a partition"),
    "keygen": (_keygen, _keygen_arguments, "make a key pair that signs packages"),
    "pack": (_pack, _pack_arguments, "make a signed package of an image"),
    "verify": (_verify, _verify_arguments, "check signature and content of packages"),
    "inspect": (_inspect, _inspect_arguments, "show what a package, index or container holds"),
    "push": (_push, _push_arguments, "install a package on a connected device"),
    "status": (_status, _status_arguments, "ask a connected device what it runs"),
    "publish": (_publish, _publish_arguments, "add packages to a repository for devices"),
}
