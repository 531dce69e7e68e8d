"""The package `romfs_ota` of a device; `romfs_ota.py` is its `__init__`."""
