"""MicroPython source that runs on the device, shipped as text and sent through the REPL.

`agent.py` needs one of the `drive_*.py` files in front of it; `flash.source` puts them
together and strips what a device does not need.
"""
