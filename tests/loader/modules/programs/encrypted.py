import asyncio
import binascii
import io

import tls
from probe import each, show

# A key made for this test and a certificate for "localhost" signed with it.
KEY = binascii.a2b_base64(
    "MHcCAQEEIBKpywZBmZnW243QiM8xaAoQOyP1vLY2GCd2wHts7wjUoAoGCCqGSM49AwEHoUQDQgAEIfUgoLS84nNf"
    "o20xDqO7082rIJlgu1s7S4yAhs6Q+BdrDfcd1hYkejgIf9WOQx/eLBV4aMeX2kApFIrHRhD9Yg=="
)
CERTIFICATE = binascii.a2b_base64(
    "MIIBfzCCASWgAwIBAgIUUvh6bgM0nS9NTaSXfVX049xB0H4wCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxo"
    "b3N0MCAXDTI2MTEyMjEwMDQzMFoYDzIxMjYxMDI5MTAwNDMwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcq"
    "hkjOPQIBBggqhkjOPQMBBwNCAAQh9SCgtLzic1+jbTEOo7vTzasgmWC7WztLjICGzpD4F2sN9x3WFiR6OAh/1Y5D"
    "H94sFXhox5faQCkUisdGEP1io1MwUTAdBgNVHQ4EFgQUUoX93Jx8s8TRIzx2AaIAlrN/kFswHwYDVR0jBBgwFoAU"
    "UoX93Jx8s8TRIzx2AaIAlrN/kFswDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAu6OVqy5HVRLj"
    "Zui/0YOfiKLVPf6bFovw/amMSHfiyMwCIGjPBq1cys/P4b3Z0lIUctxWfu/AL1yHgYmifgQhq2KC"
)


async def serve(reader, writer):
    line = await reader.readline()
    print("server", line)
    writer.write(b"echo " + line)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def client(port, verify):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = verify
    context.load_verify_locations(CERTIFICATE)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    writer.write(b"hello\n")
    await writer.drain()
    print("client", await reader.readline())
    writer.close()
    await writer.wait_closed()


async def main():
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    port = 20000 + id(context) // 16 % 20000
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    await client(port, tls.CERT_NONE)
    await client(port, tls.CERT_REQUIRED)
    server.close()
    await server.wait_closed()


asyncio.run(main())
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
print(context.verify_mode)
each(context.load_cert_chain, (b"x", b"y"), (CERTIFICATE, b"y"))
show(context.load_verify_locations, b"zz")
each(context.wrap_socket, (), (5,), (io.BytesIO(),))
show(context.wrap_socket, io.BytesIO(), server_hostname="x")
