"""Guest module `argparse`: the small parser MicroPython's unix build carries.

Source: comparison with MicroPython 1.29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.classes import GuestType
from loader.modules.collections import make_named_tuple

if TYPE_CHECKING:
    from loader.vm import VM


class ArgumentTypeError(BaseException, metaclass=GuestType):
    """What a `type` function raises for a value it does not take."""


class _ArgumentError(BaseException):
    """The command line is not what the parser expects."""


class _Argument:
    """One `add_argument`."""

    def __init__(self, names: tuple[str, ...], named: dict[str, Any]) -> None:
        self.names = names
        self.positional = not names[0].startswith("-")
        dest = named.get("dest")
        if dest is None:
            long = next((name for name in names if name.startswith("--")), names[0])
            dest = long.lstrip("-").replace("-", "_")
        self.dest = dest
        self.action = named.get("action") or "store"
        self.nargs = named.get("nargs")
        self.const = named.get("const")
        self.help = named.get("help", "")
        self.type = named.get("type") or str
        default = named.get("default")
        if self.action == "store_true":
            self.const, default = True, default or False
        elif self.action == "store_false":
            self.const, default = False, True if default is None else default
        elif self.nargs == "*" and default is None and self.positional:
            default = []
        self.default = default

    def take(self, label: str, words: list[str]) -> Any:
        """Consume this argument's values from the front of `words`."""
        if self.action in ("store_const", "store_true", "store_false"):
            return self.const
        if self.nargs is None or self.nargs == "?":
            if words and not (self.nargs == "?" and words[0].startswith("-")):
                return self.convert(words.pop(0))
            if self.nargs == "?":
                return self.default
            raise _ArgumentError(f"expecting value for {label}")
        if self.nargs in ("*", "+", "..."):
            values = []
            while words and (self.nargs == "..." or not words[0].startswith("-")):
                values.append(self.convert(words.pop(0)))
            if not values and self.nargs == "+":
                raise _ArgumentError(f"expecting value for {label}")
            return values or (self.default if self.nargs == "*" and not self.positional else values)
        if len(words) < self.nargs:
            raise _ArgumentError(f"expecting value for {label}")
        return [self.convert(words.pop(0)) for _ in range(self.nargs)]

    def convert(self, word: str) -> Any:
        try:
            return self.type(word)
        except (TypeError, ValueError, ArgumentTypeError) as error:
            raise _ArgumentError(f"invalid value: {word} ({error})") from None


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""

    def say(text: str) -> None:
        vm.stdout.write(f"{text}\n".encode())
        vm.stdout.flush()

    class ArgumentParser:
        """A parser; the result is a named tuple."""

        def __init__(self, *, argument_default: Any = None, **named: Any) -> None:
            self._default = argument_default
            self._prog = named.get("prog") or vm.argv[0]
            self._description = named.get("description")
            self._epilog = named.get("epilog")
            self._arguments: list[_Argument] = []

        def add_argument(self, *names: str, **named: Any) -> None:
            named.setdefault("default", self._default)
            self._arguments.append(_Argument(names, named))

        def usage(self, full: bool) -> None:
            options = [each for each in self._arguments if not each.positional]
            places = [each for each in self._arguments if each.positional]
            words = [f"usage: {self._prog} [-h]"]
            words += [f"[{', '.join(each.names)}]" for each in options]
            words += [each.dest for each in places]
            say(" ".join(words))
            if not full:
                return
            if self._description:
                say(f"\n{self._description}")
            for title, group in (("positional args", places), ("optional args", options)):
                if group or title == "optional args":
                    say(f"\n{title}:")
                    if title == "optional args":
                        say(f"  {'-h, --help':<16}show this message and exit")
                    for each in group:
                        say(f"  {', '.join(each.names):<16}{each.help}")
            if self._epilog:
                say(f"\n{self._epilog}")

        def parse_args(self, args: Any = None) -> Any:
            return self._parse(args, False)[0]

        def parse_known_args(self, args: Any = None) -> Any:
            return self._parse(args, True)

        def _parse(self, args: Any, unknown_allowed: bool) -> tuple[Any, list[str]]:
            words = list(vm.argv[1:] if args is None else args)
            try:
                return self._bind(words, unknown_allowed)
            except _ArgumentError as error:
                self.usage(False)
                say(f"error: {error}")
                raise SystemExit(2) from None

        def _bind(self, words: list[str], unknown_allowed: bool) -> tuple[Any, list[str]]:
            if "-h" in words or "--help" in words:
                self.usage(True)
                raise SystemExit(0)
            values = {each.dest: each.default for each in self._arguments}
            waiting = [each for each in self._arguments if each.positional]
            unknown: list[str] = []
            while words:
                word = words[0]
                if word.startswith("-") and word != "-":
                    found = next((each for each in self._arguments if word in each.names), None)
                    words.pop(0)
                    if found is not None:
                        values[found.dest] = found.take(word, words)
                    elif unknown_allowed:
                        unknown.append(word)
                    else:
                        raise _ArgumentError(f"unknown option {word}")
                elif waiting:
                    place = waiting.pop(0)
                    values[place.dest] = place.take(place.dest, words)
                elif unknown_allowed:
                    unknown.append(words.pop(0))
                else:
                    raise _ArgumentError("extra args: " + " ".join(words))
            missing = [each.dest for each in waiting if each.nargs not in ("*", "?", "...")]
            if missing:
                raise _ArgumentError(f"missing argument: {missing[0]}")
            result = make_named_tuple(vm, "args", list(values))
            return result(*values.values()), unknown

    return {
        "ArgumentParser": ArgumentParser,
        "ArgumentTypeError": ArgumentTypeError,
        "__version__": "0.4.1",
    }
