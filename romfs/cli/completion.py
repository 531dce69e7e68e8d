"""`romfs completion`: a shell's completion script, made from the parsers."""

from __future__ import annotations

import argparse

from romfs.cli import exit_codes

SHELLS = ("bash", "zsh", "fish")
LISTS = ("boards", "ports", "rules")

_EPILOG = """\
Install it once, and again after an update:

  bash  romfs completion bash \\
          > ~/.local/share/bash-completion/completions/romfs
  zsh   romfs completion zsh > ~/.zsh/_romfs     (a directory of $fpath)
  fish  romfs completion fish > ~/.config/fish/completions/romfs.fish
"""

# Metavar -> what a shell completes there.
_FILES = frozenset({"FILE", "IMAGE", "IMAGE|SRC", "IMAGE[:PATH]", "OUT", "SRC", "OLD", "NEW"})
_FILES |= {"PATH", "FIRMWARE", "INPUT", "FILES", "PACKAGE_FILE"}
_DIRECTORIES = frozenset({"DIR"})
_NAMES = {"board": "boards", "port": "ports", "allow": "rules", "explain": "rules"}


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("shell", nargs="?", choices=SHELLS, help="the shell")
    what.add_argument(
        "--list", choices=LISTS, help="print such names, one a line, as the scripts ask for them"
    )


def run(args: argparse.Namespace) -> int:
    """Print the script, or names."""
    if args.list is not None:
        print("\n".join(_names(args.list)))
        return exit_codes.OK
    print(script(args.shell))
    return exit_codes.OK


def script(shell: str) -> str:
    """The completion script of one shell."""
    import shtab

    from romfs.cli import make_parser

    parser = make_parser(whole=True)
    for one in _parsers(parser):
        for action in one._actions:
            _annotate(action)
    text: str = shtab.complete(parser, shell)
    return text.rstrip("\n")


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A parser and all below it."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                found += _parsers(one)
    return found


def _annotate(action: argparse.Action) -> None:
    """Say what completes an argument, in the way shtab reads it."""
    import shtab

    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None or action.nargs == 0:
        return
    if action.dest in _NAMES:
        complete = shtab.cmd(f"romfs completion --list {_NAMES[action.dest]} 2>/dev/null")
    elif metavar in _FILES:
        complete = shtab.FILE
    elif metavar in _DIRECTORIES:
        complete = shtab.DIRECTORY
    else:
        return
    action.complete = complete  # type: ignore[attr-defined]


def _names(kind: str) -> list[str]:
    if kind == "boards":
        import boards

        return [name.partition("/")[2] for name in boards.names()]
    if kind == "rules":
        from romfs.check.explain import RULES

        return sorted(RULES)
    from flash.ports import list_ports

    return [port.device for port in list_ports()]
