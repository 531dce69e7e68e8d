"""Signed updates for ROMFS: container, package, trust, delta, repository.

SPEC.md beside this file defines every byte; DESIGN.md says why. What runs on the device
is in flash/device/ota.
"""
