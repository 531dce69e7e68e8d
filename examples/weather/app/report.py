"""A report: the extremes and the mean of some readings, as one line of text."""

UNITS = ("C", "hPa", "%")
DEGREES = b"\xc2\xb0"


class Extremes:
    def __init__(self):
        self.low = self.high = None
        self.total = 0.0
        self.count = 0

    def add(self, value):
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)
        self.total += value
        self.count += 1

    @property
    def mean(self):
        if not self.count:
            raise ValueError("a report without readings")
        return self.total / self.count


class Report:
    def __init__(self, name):
        self.name = name
        self.columns = [Extremes() for _ in UNITS]

    def add(self, reading):
        for column, value in zip(self.columns, reading):
            column.add(value)

    def line(self):
        parts = []
        for column, unit in zip(self.columns, UNITS):
            degrees = DEGREES.decode() if unit == "C" else ""
            parts.append(
                "%.1f%s%s (%.1f to %.1f)" % (column.mean, degrees, unit, column.low, column.high)
            )
        return self.name + ": " + ", ".join(parts)
