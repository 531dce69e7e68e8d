"""The virtual board: real MicroPython over a modelled flash, behind a serial port."""
