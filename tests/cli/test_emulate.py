from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from romfs.cli import main
from tests.sim.repl import Repl


def _start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "romfs", "emulate", *words], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_board_runs_until_it_is_stopped(tmp_path: Path, ending: signal.Signals) -> None:
    link, flash = tmp_path / "board", tmp_path / "flash"
    process = _start(
        "--board", "RPI_PICO", "--link", str(link), "--flash", str(flash), "--size", "64K", "--json"
    )
    try:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        assert about["port"] == str(link)
        assert about["board"] == "rp2/RPI_PICO"
        assert about["partitions"] == [{"index": 0, "size": 65536, "segment": "rp2.Flash"}]
        directory = Path(link.readlink()).parent
        with Repl(str(link)) as repl:
            repl.enter_raw()
            code = "import vfs\nvfs.rom_ioctl(2, 0).writeblocks(0, b'abcd' * 64, 0)"
            assert repl.run(code) == ""
    finally:
        process.send_signal(ending)
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]
    assert process.returncode in (0, 130)
    assert not link.is_symlink()
    assert not directory.exists()
    assert flash.read_bytes() == b"abcd" * 64 + b"\xff" * (65536 - 256)


def test_help_lists_the_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["emulate", "--help"])
    text = capsys.readouterr().out
    for word in ("cut=N", "tear=N", "unplug=N:S", "--baud"):
        assert word in text


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "--board", "RPI_PICO", "--fault", "melt=1"]) == 1
    assert "melt" in capsys.readouterr().err
    assert main(["emulate", "--board", "NOTHING_LIKE_IT"]) == 1
    assert "NOTHING_LIKE_IT" in capsys.readouterr().err
