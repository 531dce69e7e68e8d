"""The CycloneDX document of an image, from its build information and the lock file.

Nothing in it depends on when or where it was made, so the same image gives the same
document: the serial number comes from the image's digest, and there is no timestamp unless
SOURCE_DATE_EPOCH gives one.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from romfs import build_info
from romfs.errors import MissingExtra, MpyError
from romfs.image import Image
from romfs.mpy import parse_mpy
from romfs.version import VERSION

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

    from romfs.sources.lock import Lock, LockedPackage

_NAMESPACE = uuid.UUID("6ecfb1bd-8c1d-5a0f-9d2b-7a5f4e0f5b11")
"""Of serial numbers: any constant will do, as long as it stays."""

_GITHUB = ("github:", "https://github.com/", "https://raw.githubusercontent.com/")


def document(image: Image, *, name: str, lock: Lock | None, form: str, spec: str) -> str:
    """The document as text.

    Args:
        image: What it is about.
        name: Of the application.
        lock: Packages that went into it; None: not known.
        form: "json" or "xml".
        spec: CycloneDX version.

    Raises:
        MissingExtra: The package that writes such documents is not installed.
        ImageError: The build information is damaged.
    """
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.tool import ToolRepository
        from cyclonedx.output import make_outputter
        from cyclonedx.schema import OutputFormat, SchemaVersion
    except ImportError:
        raise MissingExtra("romfs sbom", extra="sbom") from None
    info = build_info.read(image)
    fields: dict[str, Any] = {} if info is None else dict(info.fields)
    digest = hashlib.sha256(image.data).hexdigest()
    root = _application(image, name, fields, digest)
    tools = ToolRepository(components=list(_tools(fields)))
    metadata = BomMetaData(component=root, tools=tools, timestamp=_timestamp())
    serial = uuid.uuid5(_NAMESPACE, digest)
    bom = Bom(serial_number=serial, metadata=metadata)
    if _timestamp() is None:
        # The class puts the present time in place of None.
        metadata._timestamp = None  # type: ignore[assignment]
    packages, owner = _packages(image, lock)
    files = {component.name: component for component in _files(image, owner)}
    for component in (*packages.values(), *files.values()):
        bom.components.add(component)
    own = [component for path, component in files.items() if path not in owner]
    bom.register_dependency(root, [*packages.values(), *own])
    for package in lock.packages if lock is not None else ():
        if package.name in packages:
            content = [files[path] for path, name in owner.items() if name == package.name]
            needs = [*_required(package, packages, lock), *content]
            bom.register_dependency(packages[package.name], needs)
    writer = make_outputter(bom, OutputFormat[form.upper()], SchemaVersion.from_version(spec))
    return writer.output_as_string(indent=2)


def _timestamp() -> datetime | None:
    """Source: reproducible-builds.org, SOURCE_DATE_EPOCH."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return None if epoch is None else datetime.fromtimestamp(int(epoch), UTC)


def _application(image: Image, name: str, fields: dict[str, Any], digest: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    known = ("tool", "version")
    return Component(
        name=name,
        type=ComponentType.FIRMWARE,
        version=str(fields["version"]) if "version" in fields else None,
        bom_ref="image",
        hashes=[_sha256(digest)],
        properties=[
            _property("size", str(image.size)),
            *(_property(key, str(value)) for key, value in fields.items() if key not in known),
        ],
    )


def _tools(fields: dict[str, Any]) -> Iterator[Component]:
    """What built the image, and what wrote this document."""
    from cyclonedx.model.component import Component, ComponentType

    ours = f"romfs {VERSION}"
    for text in dict.fromkeys((str(fields.get("tool", ours)), ours)):
        name, _, version = text.partition(" ")
        yield Component(name=name, version=version or None, type=ComponentType.APPLICATION)
    if compiler := fields.get("compiler"):
        # "MicroPython v1.29.0 on 2026-08-29; mpy-cross emitting mpy v6.3"
        words = str(compiler).replace(";", " ").split()
        versions = [word for word in words if word[:1] == "v" and word[1:2].isdigit()]
        yield Component(
            name="mpy-cross",
            version=versions[0] if versions else None,
            description=str(compiler),
            type=ComponentType.APPLICATION,
        )


def _packages(image: Image, lock: Lock | None) -> tuple[dict[str, Component], dict[str, str]]:
    """Locked packages that are in the image, and which of them each file is from."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType

    found: dict[str, Component] = {}
    owner: dict[str, str] = {}
    inside = {path for path, _ in image.files()}
    for package in lock.packages if lock is not None else ():
        places = [place for file in package.files for place in _places(file.path, inside)]
        if not places and package.files:
            continue  # excluded from this image
        owner |= dict.fromkeys(places, package.name)
        purl = _purl(package)
        references = []
        if package.url.startswith(("https://", "http://")):
            references = [
                ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(package.url))
            ]
        found[package.name] = Component(
            name=package.name,
            version=package.version or None,
            type=ComponentType.LIBRARY,
            bom_ref=f"package:{package.name}",
            purl=purl,
            external_references=references,
            properties=[_property("request", package.request)],
        )
    return found, owner


def _places(path: str, inside: set[str]) -> list[str]:
    """Where a package's file is in the image; source may have been compiled."""
    names = (path, f"{path[:-3]}.mpy") if path.endswith(".py") else (path,)
    return [f"lib/{name}" for name in names if f"lib/{name}" in inside]


def _purl(package: LockedPackage) -> PackageURL:
    """There is no purl type for mip: code hosts have theirs, the rest is generic."""
    from packageurl import PackageURL

    for prefix in _GITHUB:
        for text in (package.request, package.url):
            if text.startswith(prefix):
                owner, _, rest = text.removeprefix(prefix).partition("/")
                name = rest.partition("/")[0].partition("@")[0]
                if owner and name:
                    return PackageURL("github", owner, name, package.version or None)
    where = {"download_url": package.url} if package.url else None
    return PackageURL("generic", "mip", package.name, package.version or None, where)


def _required(
    package: LockedPackage, packages: dict[str, Component], lock: Lock | None
) -> Iterable[Component]:
    """Components of what a package requires."""
    assert lock is not None
    by_request = {one.request: one.name for one in lock.packages}
    names = (by_request.get(text, text.partition("@")[0]) for text in package.requires)
    return [packages[name] for name in names if name in packages]


def _files(image: Image, owner: dict[str, str]) -> Iterator[Component]:
    """A component for every file; those of a package also say whose they are."""
    from cyclonedx.model.component import Component, ComponentType

    for path, file in image.files():
        properties = [_property("size", str(len(file.data)))]
        if path in owner:
            properties.append(_property("package", owner[path]))
        properties += _code(path, file.data)
        yield Component(
            name=path,
            type=ComponentType.FILE,
            bom_ref=f"file:{path}",
            hashes=[_sha256(hashlib.sha256(file.data).hexdigest())],
            properties=properties,
        )


def _code(path: str, data: memoryview) -> list[Any]:
    if not path.endswith(".mpy"):
        return []
    try:
        header = parse_mpy(data).header
    except MpyError:
        return []  # `romfs check` says what is wrong with it
    return [
        _property("mpy", f"{header.version}.{header.sub_version}"),
        _property("native", header.arch_name),
    ]


def _sha256(digest: str) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _property(name: str, value: str) -> Any:
    from cyclonedx.model import Property

    return Property(name=f"romfs:{name}", value=value)
