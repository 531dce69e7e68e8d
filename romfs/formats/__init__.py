"""File formats an image travels in: raw binary, Intel HEX, UF2, DfuSe and FAT.

Every reader and writer takes bytes and returns values; files are opened by the caller.
"""
