"""The virtual board with its real engine: REPL, boot, identity, segments, memory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flash.board.virtual import State, VirtualBoard
from romfs.errors import BoardError, ConfigError, DoesNotFit
from tests.sim.repl import Repl

# A ROMFS image of one file: record kinds 4 (directory) and so on are the format's; built here
# by hand so that these tests need no other part of the project. hello.py prints, lib/deep.py too.


def _record(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + _varuint(len(payload)) + payload


def _varuint(value: int) -> bytes:
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([0x80 | value & 0x7F]) + out
    return out


def _file(name: str, data: bytes) -> bytes:
    return _record(5, _varuint(len(name)) + name.encode() + _record(2, data))


def image(*files: tuple[str, bytes]) -> bytes:
    """A ROMFS image of files in its root."""
    body = b"".join(_file(name, data) for name, data in files)
    return b"\xd2\xcd\x31" + _varuint(len(body)) + body


HELLO = image(("hello.py", b"print('hello from rom')\nX = b'in place'\n"))


@pytest.fixture
def pico() -> Iterator[tuple[VirtualBoard, Repl]]:
    with VirtualBoard("RPI_PICO") as board, Repl(board.port) as repl:
        assert board.wait_booted()
        repl.quiet()  # the greeting, if it was not too early for this listener
        yield board, repl


def test_friendly_repl(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.send(b"\r")
    repl.expect(b">>> ")
    repl.send(b"1 + 1\r")
    assert repl.expect(b">>> ") == b"1 + 1\r\n2\r\n>>> "


def test_paste_mode(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.send(b"\x05")
    repl.expect(b"=== ")
    repl.send(b"for i in range(3):\r    print(i)\r\x04")
    assert b"0\r\n1\r\n2\r\n>>> " in repl.expect(b">>> ")
    repl.send(b"\x05abc\x03")
    repl.expect(b">>> ")


def test_raw_repl_and_back(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.enter_raw()
    assert repl.run("print('x')") == "x\r\n"
    repl.send(b"raise ValueError(3)\x04")
    assert repl.expect(b"\x04>").endswith(b"ValueError: 3\r\n\x04>")
    repl.send(b"\x02")
    assert b"Raspberry Pi Pico with RP2040\r\n" in repl.expect(b">>> ")


def test_raw_paste_with_its_window(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.enter_raw()
    repl.send(b"\x05A\x01")
    assert repl.expect(b"R\x01\x80\x00\x01") == b"R\x01\x80\x00\x01"  # window of 128
    code = b"print(sum(range(100)))#" + b"x" * 200
    repl.send(code[:128])
    repl.expect(b"\x01")
    repl.send(code[128:] + b"\x04")
    assert repl.expect(b"\x04>").endswith(b"4950\r\n\x04\x04>")


def test_text_gets_cr_lf_and_bytes_do_not(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.enter_raw()
    everything = bytes(b for b in range(256) if b != 4)
    repl.submit("""
        import sys
        print('a\\nb')
        n = sys.stdout.buffer.write(bytes(b for b in range(256) if b != 4))
        print(n, file=sys.stdout)
        n = sys.stdout.write('end\\n')
    """)
    repl.expect(b"OK")
    assert repl.expect(b"\x04") == b"a\r\nb\r\n" + everything + b"255\r\nend\r\n\x04"


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)", "input()"])
def test_ctrl_c_interrupts_running_code(pico: tuple[VirtualBoard, Repl], code: str) -> None:
    board, repl = pico
    repl.enter_raw()
    repl.send(code.encode() + b"\x04")
    repl.expect(b"OK")
    time.sleep(0.05)
    repl.send(b"\x03")
    assert b"KeyboardInterrupt" in repl.expect(b"\x04>")
    assert board.resets == 0


def test_two_ctrl_c_reach_a_program_that_catches_the_first(
    pico: tuple[VirtualBoard, Repl],
) -> None:
    board, repl = pico
    repl.enter_raw()
    repl.submit("""
        try:
            print('go')
            while True: pass
        except KeyboardInterrupt:
            print('first')
            while True: pass
    """)
    repl.expect(b"go")
    repl.send(b"\x03\x03")
    printed = repl.expect(b"\x04>")
    assert b"first" in printed
    assert b"KeyboardInterrupt" in printed
    assert board.resets == 0


def test_a_program_may_take_ctrl_c_as_a_byte(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.enter_raw()
    repl.submit("""
        import micropython, sys
        micropython.kbd_intr(-1)
        print('go')
        print(sys.stdin.buffer.read(4))
        micropython.kbd_intr(3)
    """)
    repl.expect(b"go")
    repl.send(b"a\x03\x04\n")
    assert b"b'a\\x03\\x04\\n'" in repl.expect(b"\x04>")


def test_ctrl_c_waits_for_the_end_of_a_flash_operation() -> None:
    with VirtualBoard("PYBD_SF2", timing=True) as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.submit("""
            import vfs
            try:
                print('go')
                vfs.rom_ioctl(3, 0, 0, 40960)
            except KeyboardInterrupt:
                print('stopped')
            print(vfs.rom_ioctl(1), vfs.rom_ioctl(6, 0))
        """)
        repl.expect(b"go")
        repl.send(b"\x03")
        printed = repl.expect(b"\x04>")
        assert b"stopped\r\n1 4096\r\n" in printed  # and the calls after it get their own answers
        assert board.supply.count == 10


def test_soft_reset_of_the_raw_repl_skips_main_and_stays_raw(tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("print('booting')\n")
    (tmp_path / "main.py").write_text("print('main runs')\n")
    with VirtualBoard("RPI_PICO", filesystem=tmp_path) as board, Repl(board.port) as repl:
        assert board.wait_booted()
        repl.enter_raw()
        repl.run("survivor = 1")
        repl.send(b"\x04")
        assert repl.expect(b"raw REPL; CTRL-B to exit\r\n>") == (
            b"OK\r\nMPY: soft reboot\r\nbooting\r\nraw REPL; CTRL-B to exit\r\n>"
        )
        assert repl.run("print('survivor' in globals())") == "False\r\n"
        repl.send(b"\x02")
        repl.expect(b">>> ")
        repl.send(b"\x04")
        text = repl.expect(b">>> ")
        assert b"MPY: soft reboot\r\nbooting\r\nmain runs\r\nMicroPython " in text


def test_boot_then_main_run_in_the_same_globals(tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("shared = 5\n")
    (tmp_path / "main.py").write_text("print('main', shared, __name__)\nraise ValueError('end')\n")
    with VirtualBoard("PYBD_SF2", filesystem=tmp_path) as board, Repl(board.port) as repl:
        repl.expect(b">>> ")
        assert "_board.py" not in board.log
        assert "main 5 __main__" in board.log
        assert 'File "main.py", line 2' in board.log
        assert "ValueError: end" in board.log
        repl.send(b"shared\r")
        assert b"\r\n5\r\n" in repl.expect(b">>> ")


def test_a_program_that_never_ends_can_be_interrupted(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('running')\nwhile True:\n    pass\n")
    with VirtualBoard("RPI_PICO", filesystem=tmp_path) as board, Repl(board.port) as repl:
        assert board.wait_for(lambda: "running" in board.log)
        repl.enter_raw()
        assert repl.run("print(2)") == "2\r\n"
        assert 'File "main.py", line 3' in board.log


def test_sys_exit_and_machine_resets_restart(tmp_path: Path) -> None:
    with VirtualBoard("RPI_PICO", baud=1_000_000) as board, Repl(board.port) as repl:
        assert board.wait_booted()
        for number, code in enumerate(
            (
                "import machine; machine.soft_reset()",
                "raise SystemExit",
                "import machine; machine.reset()",
            ),
            1,
        ):
            repl.send(code.encode() + b"\r")
            assert board.wait_for(lambda n=number: board.resets == n)  # type: ignore[misc]
            assert board.wait_booted()
        repl.enter_raw()
        assert repl.run("import machine; print(machine.reset_cause())") == "2\r\n"


def test_a_usb_port_vanishes_at_a_hard_reset_and_returns_under_its_name() -> None:
    with VirtualBoard("RPI_PICO") as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.send(b"import machine; machine.reset()\x04")
            with pytest.raises((ConnectionError, OSError)):
                repl.quiet(5.0)
        assert board.wait_for(lambda: Path(board.port).exists())
        with Repl(board.port) as repl:
            repl.enter_raw()
            assert repl.run("print(1)") == "1\r\n"


def test_it_says_what_the_board_says(pico: tuple[VirtualBoard, Repl]) -> None:
    board, repl = pico
    repl.enter_raw()
    mpy = board.board.mpy.mpy_value()
    code = """
        import sys, os
        print(sys.platform, sys.implementation._mpy, sys.implementation[2], os.uname().machine)
    """
    machine = "Raspberry Pi Pico with RP2040"
    assert repl.run(code) == f"rp2 {mpy} {machine} {machine}\r\n"
    assert repl.run("print(sorted(globals()))") == "['__file__', '__name__', 'os', 'sys']\r\n"
    assert repl.run("import os\nprint(hasattr(os, 'system'), '_board' in sys.modules)") == (
        "False False\r\n"
    )


def test_rom_is_mounted_at_boot_before_boot_py(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(HELLO)
    files = tmp_path / "files"
    files.mkdir()
    (files / "boot.py").write_text("import sys, hello\nprint(sys.path)\n")
    with VirtualBoard("PYBD_SF2", flash, filesystem=files) as board:
        assert board.wait_prompt()
        assert "hello from rom\r\n['', '.frozen', '/rom', '/rom/lib', '/flash', '/flash/lib']" in (
            board.log
        )
    assert flash.stat().st_size == 1 << 20
    assert flash.read_bytes().startswith(HELLO + b"\xff\xff")


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"\xd2\xcd", HELLO[:3] + b"\xff\xff\xff", b"\xd2\xcd\x32\x00"]
)
def test_garbage_is_not_mounted_and_not_mentioned(tmp_path: Path, content: bytes) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(content)
    with VirtualBoard("RPI_PICO", flash) as board, Repl(board.port) as repl:
        assert board.wait_prompt()
        assert board.log.startswith("MicroPython ")
        repl.enter_raw()
        assert repl.run("import sys\nprint('/rom' in sys.path)") == "False\r\n"


def test_boot_from_romfs_runs_its_boot_py(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(image(("boot.py", b"print('boot of rom')")))
    with VirtualBoard("ALIF_ENSEMBLE:M55_HE", flash) as board:
        assert board.wait_prompt()
        assert "boot of rom" in board.log


@pytest.mark.parametrize(
    ("name", "kind"),
    [("RPI_PICO", "Flash"), ("ESP32_GENERIC", "Partition"), ("PYBD_SF2", "memoryview")],
)
def test_segment_objects(name: str, kind: str) -> None:
    with VirtualBoard(name) as board, Repl(board.port) as repl:
        board.flash.load(HELLO)
        repl.enter_raw()
        repl.run("import vfs\ns = vfs.rom_ioctl(2, 0)\nm = memoryview(s)")
        assert repl.run("print(type(s).__name__, hasattr(s, 'ioctl'))") == (
            f"{kind} {kind != 'memoryview'}\r\n"
        )
        assert repl.run("print(bytes(m[:4]), len(m))").startswith(f"{HELLO[:4]!r} ")
        assert repl.run("vfs.mount(vfs.VfsRom(s), '/x')\nimport os\nprint(os.listdir('/x'))") == (
            "['hello.py']\r\n"
        )
        if kind != "memoryview":
            code = "try:\n len(s)\nexcept TypeError as e:\n print(e)"
            assert repl.run(code) == f"object of type '{kind}' has no len()\r\n"
            assert repl.run("print(s is vfs.rom_ioctl(2, 0), s.ioctl(5, 0))") == "True 4096\r\n"
            assert repl.run("b = bytearray(4)\ns.readblocks(0, b, 1)\nprint(b)") == (
                f"{bytearray(HELLO[1:5])!r}\r\n"
            )


def test_what_is_written_is_in_place_at_once() -> None:
    with VirtualBoard("PYBD_SF2") as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.run("import vfs\nm = vfs.rom_ioctl(2, 0)")
        assert repl.run(
            f"print(vfs.rom_ioctl(3, 0, 0, 4096), vfs.rom_ioctl(4, 0, 0, {HELLO!r}))"
        ) == ("4 0\r\n")
        assert repl.run("print(bytes(m[:4]))") == f"{HELLO[:4]!r}\r\n"
        assert board.flash.read(0, len(HELLO)) == HELLO
        assert repl.run(
            "vfs.mount(vfs.VfsRom(m), '/rom')\nimport sys\nsys.path.append('/rom')\nimport hello"
        ) == ("hello from rom\r\n")
        # The constant of the module lies in the flash: changing one changes the other.
        place = board.flash.read().index(b"hello from rom")
        assert place > 0


def test_arguments_of_other_types_are_type_errors(pico: tuple[VirtualBoard, Repl]) -> None:
    _, repl = pico
    repl.enter_raw()
    repl.run("""
        import vfs
        def t(*args):
            try:
                print(vfs.rom_ioctl(*args))
            except TypeError:
                print('TypeError')
    """)
    assert repl.run("t('x'); t(1, 2, 3, 4, 5); t(2, None); t(2, 0.5)") == "TypeError\r\n" * 4


def test_writing_into_flash_memory_is_a_hard_fault() -> None:
    with VirtualBoard("PYBD_SF2") as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.send(b"import vfs\nvfs.rom_ioctl(2, 0)[0] = 0\x04")
        assert board.wait_for(lambda: board.resets == 1)
        assert board.wait_booted()
        assert board.flash.is_blank(0, 16)


def test_reading_beyond_what_the_cpu_reaches_is_a_hard_fault() -> None:
    with VirtualBoard("WEACTSTUDIO_MINI_STM32H723") as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.run("import vfs\nm = vfs.rom_ioctl(2, 0)")
        assert repl.run("print(len(m), m[(1 << 20) - 1])") == "8388608 255\r\n"
        repl.send(b"print(m[1 << 20])\x04")
        assert board.wait_for(lambda: board.resets == 1)


def test_a_driver_that_never_returns_hangs_the_board_until_reset() -> None:
    with VirtualBoard("ALIF_ENSEMBLE:M55_HP") as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.send(b"import vfs\nprint('go')\nvfs.rom_ioctl(4, 0, 0, b'abcde')\x04")
        repl.expect(b"go")
        repl.send(b"\x03\x03")
        assert board.wait_for(lambda: board.state is State.HUNG)
        time.sleep(0.05)
        assert board.state is State.HUNG
        board.reset()
        assert board.wait_booted()


def test_heap_and_missing_modules() -> None:
    with (
        VirtualBoard("RPI_PICO", heap_free=8192, hide=("hashlib", "deflate")) as board,
        Repl(board.port) as repl,
    ):
        repl.enter_raw()
        free = int(repl.run("import gc\ngc.collect()\nprint(gc.mem_free())"))
        assert 7900 < free < 8700
        code = """
            for name in ('hashlib', 'deflate', 'binascii'):
                try:
                    __import__(name)
                    print('ok')
                except ImportError as e:
                    print(e)
        """
        assert repl.run(code) == "no module named 'hashlib'\r\nno module named 'deflate'\r\nok\r\n"
        repl.send(b"x = bytearray(9000)\x04")
        assert b"MemoryError" in repl.expect(b"\x04>")


@pytest.mark.parametrize(("name", "answer"), [("RPI_PICO", "False"), ("TEENSY40", "-22")])
def test_firmware_without_romfs(name: str, answer: str) -> None:
    with VirtualBoard(name, romfs=False) as board, Repl(board.port) as repl:
        repl.enter_raw()
        code = "import vfs\nprint(vfs.rom_ioctl(1) if hasattr(vfs, 'rom_ioctl') else False)"
        assert repl.run(code) == f"{answer}\r\n"


def test_a_filesystem_in_the_boards_flash(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with VirtualBoard("RPI_PICO", disk=disk) as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.run("with open('boot.py', 'w') as f: f.write('print(\"from littlefs\")')")
        assert any(op.memory == "filesystem" for op in board.supply.log)
    with VirtualBoard("RPI_PICO", disk=disk) as board:
        assert board.wait_prompt()
        assert "from littlefs" in board.log


def test_a_slow_line_is_slow_and_loses_nothing() -> None:
    with VirtualBoard("RPI_PICO", baud=38400) as board, Repl(board.port) as repl:
        repl.enter_raw()
        start = time.monotonic()
        printed = repl.run("for i in range(300): print('0123456789')")
        assert printed == "0123456789\r\n" * 300
        # Not a speed test: bytes cannot arrive before the line has carried them.
        assert time.monotonic() - start >= 3600 / 3840 * 0.95


def test_an_overrun_uart_loses_what_a_busy_program_does_not_read() -> None:
    with VirtualBoard("RPI_PICO", baud=115200, overrun=256) as board, Repl(board.port) as repl:
        repl.enter_raw()
        repl.submit("""
            import sys, time, select
            time.sleep_ms(200)
            poll = select.poll()
            poll.register(sys.stdin, 1)
            n = 0
            while poll.poll(100):
                sys.stdin.buffer.read(1)
                n += 1
            print('got', n)
        """)
        repl.expect(b"OK")
        time.sleep(0.05)
        repl.send(b"x" * 500)
        assert b"got 256\r\n" in repl.expect(b"\x04>")


def test_faults_on_the_line_reach_the_program() -> None:
    with (
        VirtualBoard("RPI_PICO", faults=["out.drop=#400"]) as board,
        Repl(board.port) as repl,
    ):
        assert board.wait_booted()
        repl.quiet()
        repl.send(b"\x01")
        repl.quiet()
        repl.send(b"print('a' * 1000)\x04")
        assert repl.expect(b"\x04>").count(b"a") == 999


def test_an_unplugged_port_returns_and_the_program_went_on() -> None:
    with VirtualBoard("RPI_PICO") as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.run("kept = 7")
            threading.Timer(0.05, board.unplug, [0.2]).start()
            with pytest.raises((ConnectionError, OSError)):
                repl.quiet(5.0)
        assert not Path(board.port).exists() or board.wait_for(lambda: True)
        assert board.wait_for(lambda: Path(board.port).exists(), 5)
        with Repl(board.port) as repl:
            repl.enter_raw()
            assert repl.run("print(kept)") == "7\r\n"
        assert board.resets == 0


def test_output_nobody_reads_does_not_stop_the_program(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "for i in range(3000): print('0123456789012345678901234567890123456789')\n"
        "open('done', 'w').close()\n"
    )
    with VirtualBoard("RPI_PICO", filesystem=tmp_path) as board:
        assert board.wait_for(lambda: (tmp_path / "done").exists() or ">>> " in board.log)
        assert (tmp_path / "done").exists()


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(bytes(131073))
    with pytest.raises(DoesNotFit, match="1 more than the partition"):
        VirtualBoard("RPI_PICO", flash)
    with pytest.raises(BoardError):
        VirtualBoard("NO_SUCH_BOARD")
    with pytest.raises(ConfigError):
        VirtualBoard("RPI_PICO", faults=["melt=1"])
    with pytest.raises(BoardError):
        VirtualBoard("RPI_PICO", size=1000)


def test_no_process_survives_its_owner(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom flash.board.virtual import VirtualBoard\n"
        "board = VirtualBoard('RPI_PICO', filesystem=sys.argv[1]).start()\n"
        "board.wait_for(lambda: 'running' in board.log)\n"
        "print(board._device._process.pid, flush=True)\ntime.sleep(60)\n"
    )
    (tmp_path / "main.py").write_text("print('running')\nwhile True: pass\n")
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("seed", [0, 4, 7])
def test_noise_with_soft_resets_among_it_ends_at_a_prompt(seed: int) -> None:
    with VirtualBoard("RPI_PICO") as board, Repl(board.port) as repl:
        assert board.wait_booted()
        repl.send(random.Random(seed).randbytes(6000))
        repl.quiet(0.3)
        repl.enter_raw()
        assert repl.run("print(2)") == "2\r\n"


def test_a_uart_without_power_behind_it_swallows_bytes() -> None:
    with VirtualBoard("RPI_PICO", baud=1_000_000) as board, Repl(board.port) as repl:
        assert board.wait_booted()
        board.power_off()
        repl.send(b"print('lost')\r" * 1000)  # more than any buffer on the way
        board.power_on()
        assert board.wait_prompt()
        assert "lost" not in board.log.rpartition("MicroPython ")[2]


def test_ctrl_c_at_any_moment_leaves_every_call_with_its_own_answer() -> None:
    chance = random.Random(1)
    with VirtualBoard("PYBD_SF2") as board, Repl(board.port) as repl:
        repl.enter_raw()
        for _ in range(60):
            repl.submit("""
                import vfs, sys
                try:
                    print('go')
                    while True:
                        assert vfs.rom_ioctl(1) == 1
                        assert vfs.rom_ioctl(4, 0, 0, b'\\xff' * 64) == 0
                        sys.stdout.buffer.write(b'.')
                except KeyboardInterrupt:
                    print('end', vfs.rom_ioctl(6, 0))
            """)
            repl.expect(b"go")
            time.sleep(chance.random() * 0.004)
            repl.send(b"\x03")
            assert b"end 4096\r\n\x04\x04>" in repl.expect(b"\x04>")
        assert board.resets == 0
        assert board.flash.is_blank()
