import asyncio
import select
import socket

from probe import show


async def serve(reader, writer):
    while True:
        line = await reader.readline()
        if not line:
            break
        print("server got", len(line))
        writer.write(b"echo " + line)
        await writer.drain()
        if line == b"quit\n":
            break
    writer.close()
    await writer.wait_closed()


async def main():
    # The system picks the port, so that several runs do not meet.
    probe = socket.socket()
    probe.bind(socket.getaddrinfo("127.0.0.1", 0)[0][-1])
    probe.close()
    port = 20000 + id(probe) // 16 % 20000
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for message in (b"hello\n", b"big" * 20000 + b"\n", b"quit\n"):
        writer.write(message)
        await writer.drain()
        line = await reader.readline()
        print(len(line), line[:12])
    print(await reader.read())
    writer.close()
    await writer.wait_closed()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await writer.awrite(b"abc\ndef\n")
    print(await reader.readexactly(9), await reader.read(3))
    buffer = bytearray(6)
    print(await reader.readinto(buffer), buffer)
    try:
        await asyncio.wait_for(reader.read(1), 0.05)
    except asyncio.TimeoutError:
        print("timeout")
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    server.close()
    await server.wait_closed()
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as error:
        print(error.args)


asyncio.run(main())
plain = socket.socket()
show(plain.connect, socket.getaddrinfo("127.0.0.1", 1)[0][-1])
show(plain.recv, 1)
plain.setblocking(False)
show(socket.inet_pton, socket.AF_INET, "1.2.3.4")
show(socket.inet_ntop, socket.AF_INET, b"\1\2\3\4")
show(socket.getaddrinfo, "127.0.0.1", 80, 0, socket.SOCK_STREAM)
show(socket.sockaddr, b"\x02\0\0\x50\x7f\0\0\1" + bytes(8))
poll = select.poll()
show(poll.modify, plain, 1)
