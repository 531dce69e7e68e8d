"""Stand-ins for hardware: what they record, what they answer, what the host can play."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from loader.engine import Hooks, Request, Streams, execute
from loader.modules._hardware import Bench, Call, bench_of
from loader.vm import VM


class Board:
    """Runs guest code against a bench prepared before it starts."""

    def __init__(self) -> None:
        self.prepare: Callable[[Bench], object] = lambda bench: None
        self.calls: list[Call] = []
        self.status = 0

    def run(self, code: str) -> str:
        out, err = io.BytesIO(), io.BytesIO()
        vms: list[VM] = []

        def attach(vm: VM) -> None:
            vms.append(vm)
            self.prepare(bench_of(vm))

        streams = Streams(io.BytesIO(), out, err)
        self.status, _ = execute(Request(code=code, timeout=30), streams, Hooks([attach]))
        assert not err.getvalue(), err.getvalue().decode()
        self.calls = vms[0].calls
        return out.getvalue().decode()

    @property
    def names(self) -> list[str]:
        return [call.name for call in self.calls]


@pytest.fixture
def board() -> Board:
    return Board()


def test_pin_keeps_its_level_and_every_call_is_recorded(board: Board) -> None:
    code = "from machine import Pin\np = Pin(25, Pin.OUT)\np.on()\nprint(p.value(), Pin(25)())\n"
    assert board.run(code) == "1 1\n"
    assert board.calls[0] == Call("machine.Pin(25)", (1, -1), {})
    assert board.calls[1] == Call("machine.Pin(25).value", (1,), {})
    assert str(board.calls[1]) == "machine.Pin(25).value(1)"


def test_pulled_up_input_reads_high(board: Board) -> None:
    assert board.run("from machine import Pin\nprint(Pin(1, Pin.IN, Pin.PULL_UP).value())") == "1\n"


def test_edge_from_outside_calls_the_handler(board: Board) -> None:
    benches: list[Bench] = []
    board.prepare = benches.append
    code = """
from machine import Pin, Timer
import time
pin = Pin(7, Pin.IN)
pin.irq(lambda p: print("edge", p), Pin.IRQ_RISING)
pin.value(1)
pin.value(0)
pin.value(1)
"""
    assert board.run(code) == "edge Pin(7)\nedge Pin(7)\n"
    benches[0].set_pin(7, 0)
    assert benches[0].pin(7).level == 0


def test_i2c_device_prepared_by_the_host_answers_from_its_registers(board: Board) -> None:
    def prepare(bench: Bench) -> None:
        bench.i2c[0, 0x68] = bytearray(b"\x00\x11\x22\x33")

    board.prepare = prepare
    code = """
from machine import I2C
bus = I2C(0)
print(bus.scan(), bus.readfrom_mem(0x68, 1, 2))
bus.writeto_mem(0x68, 2, b"\\x99")
bus.writeto(0x68, b"\\x02")
print(bus.readfrom(0x68, 2))
try:
    bus.readfrom(0x10, 1)
except OSError as error:
    print(error)
"""
    assert board.run(code) == "[104] b'\\x11\"'\nb'\\x993'\n[Errno 19] ENODEV\n"
    assert "machine.I2C(0).writeto_mem" in board.names


def test_spi_and_uart_give_what_the_host_prepared(board: Board) -> None:
    def prepare(bench: Bench) -> None:
        bench.spi_reply[1] = b"\x0a\x0b"
        bench.uart_input[2] = bytearray(b"line one\nrest")

    board.prepare = prepare
    code = """
from machine import SPI, UART
spi, uart = SPI(1), UART(2, 9600)
print(spi.read(3), uart.any(), uart.readline(), uart.read(), uart.read())
uart.write("out")
"""
    assert board.run(code) == "b'\\n\\x0b\\n' 13 b'line one\\n' b'rest' None\n"
    assert board.calls[-1] == Call("machine.UART(2).write", (b"out",), {})


def test_timer_fires_only_while_the_program_sleeps(board: Board) -> None:
    code = """
from machine import Timer
import time
ticks = []
timer = Timer(-1)
timer.init(period=1, callback=lambda t: ticks.append(1))
for _ in range(20000):
    pass
print(len(ticks))
time.sleep_ms(20)
print(len(ticks) > 2)
timer.deinit()
count = len(ticks)
time.sleep_ms(5)
print(len(ticks) == count)
"""
    assert board.run(code) == "0\nTrue\nTrue\n"


def test_reset_ends_the_program_cleanly(board: Board) -> None:
    assert board.run("import machine\nprint(1)\nmachine.reset()\nprint(2)") == "1\n"
    assert board.status == 0
    assert board.names == ["machine.reset"]


def test_memory_registers_keep_what_is_written(board: Board) -> None:
    code = "import machine as m\nm.mem32[64] = 0x12345678\nprint(m.mem8[65])"
    assert board.run(code) == "86\n"


def test_network_connects_at_once(board: Board) -> None:
    code = """
import network
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
print(wlan.isconnected())
wlan.connect("name", "secret")
print(wlan.isconnected(), wlan.ifconfig()[0], wlan.config("ssid"))
"""
    assert board.run(code) == "False\nTrue 127.0.0.1 name\n"
    assert Call("network.WLAN(0).connect", ("name", "secret"), {}) in board.calls


def test_nvs_and_partition_store(board: Board) -> None:
    code = """
import esp32
nvs = esp32.NVS("settings")
nvs.set_i32("speed", -7)
print(esp32.NVS("settings").get_i32("speed"))
try:
    nvs.get_i32("none")
except OSError as error:
    print(error.args[1])
part = esp32.Partition("data")
part.writeblocks(1, b"abc", 5)
buffer = bytearray(4)
part.readblocks(1, buffer, 5)
print(buffer, part.ioctl(5, 0))
"""
    assert board.run(code) == "-7\nESP_ERR_NVS_NOT_FOUND\nbytearray(b'abc\\xff') 4096\n"


def test_pio_program_is_kept_and_not_called(board: Board) -> None:
    code = """
import rp2
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink():
    undefined_instruction(pins, 1)
sm = rp2.StateMachine(0, blink, freq=2000)
sm.active(1)
sm.put(5)
print(sm.active(), sm.rx_fifo())
"""
    assert board.run(code) == "True 0\n"
    assert board.names[-1] == "rp2.StateMachine(0).put"


def test_neopixel_sends_colours_in_the_strips_order(board: Board) -> None:
    code = """
from machine import Pin
from neopixel import NeoPixel
strip = NeoPixel(Pin(0), 2)
strip[1] = (1, 2, 3)
strip.write()
print(len(strip), strip[1])
"""
    assert board.run(code) == "2 (1, 2, 3)\n"
    assert board.calls[-1].args == (b"\0\0\0\x02\x01\x03",)


def test_bluetooth_numbers_its_attributes(board: Board) -> None:
    code = """
import bluetooth
ble = bluetooth.BLE()
service = (bluetooth.UUID(0x180F), ((bluetooth.UUID(0x2A19), bluetooth.FLAG_READ),))
try:
    ble.gatts_register_services((service,))
except OSError as error:
    print(error.errno)
ble.active(True)
((handle,),) = ble.gatts_register_services((service,))
ble.gatts_write(handle, b"\\x64")
print(ble.gatts_read(handle), bluetooth.UUID(0x180F))
"""
    assert board.run(code) == "19\nb'd' UUID(0x180f)\n"


def test_onewire_crc(board: Board) -> None:
    # The last byte of a ROM code is the CRC of the rest, so the CRC over all of it is 0.
    code = """
import onewire
from machine import Pin
bus = onewire.OneWire(Pin(4))
rom = b"\\x28\\xff\\x64\\x1d\\x3d\\x16\\x04"
print(bus.scan(), bus.crc8(rom + bytes([bus.crc8(rom)])))
"""
    assert board.run(code) == "[] 0\n"
