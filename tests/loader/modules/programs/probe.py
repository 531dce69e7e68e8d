"""What the programs here share: calling something and printing whatever comes of it."""


def show(function, *args, **named):
    try:
        print(repr(function(*args, **named)))
    except Exception as error:
        print(type(error).__name__, error.args)


def each(function, *groups):
    for args in groups:
        show(function, *args)


class Random:
    """The same numbers in every engine."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % limit
