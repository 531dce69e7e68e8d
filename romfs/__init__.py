"""Read-only, memory-mappable MicroPython filesystem images: format, build, inspect."""

from romfs.version import VERSION as __version__

__all__ = ["__version__"]
