from __future__ import annotations

from flash.board.console import Console


def test_a_lone_line_feed_becomes_both() -> None:
    assert Console("m").cooked(b"a\nb\r\nc\n") == b"a\r\nb\r\nc\r\n"


def test_a_pair_split_between_two_reads_stays_one_pair() -> None:
    console = Console("m")
    assert console.cooked(b"a\r") + console.cooked(b"\nb") == b"a\r\nb"


def test_the_banner_names_the_board_also_in_pieces() -> None:
    console = Console("X1 with Y2")
    text = b"".join(
        console.cooked(part)
        for part in (
            b"MicroPython abc on 2026-01-01",
            b"; ",
            b"linux [GCC 14.2.1] version",
            b"\r\n",
        )
    )
    assert text == b"MicroPython abc on 2026-01-01; X1 with Y2\r\n"


def test_it_knows_which_repl_greeted_last() -> None:
    console = Console("m")
    assert not console.raw
    console.cooked(b"\r\nraw REPL; CTRL-B")
    console.cooked(b" to exit\r\n>")
    assert console.raw
    console.cooked(b'\r\nMicroPython x\r\nType "help()" for more information.\r\n>>> ')
    assert not console.raw
    assert console.at_prompt
    console.cooked(b"1")
    assert not console.at_prompt
