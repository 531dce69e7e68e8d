"""Filters for noisy readings."""


class Smooth:
    """Mean of the last `window` values."""

    def __init__(self, window):
        assert window > 0
        self.values = []
        self.window = window

    def add(self, value):
        self.values.append(value)
        if len(self.values) > self.window:
            del self.values[0]
        return sum(self.values) / len(self.values)


def median(values):
    """The middle of the sorted values; the upper one of two."""
    return sorted(values)[len(values) // 2]
