"""MicroPython modules of the virtual board; they run in its engine, never here."""
