import socket
import time

import _thread
import requests

ANSWERS = [
    b"HTTP/1.0 200 OK\r\nX-A: b\r\nContent-Type: x\r\n\r\nbody1",
    b'HTTP/1.1 201 Created here\r\n\r\n{"a": 1}',
    b"HTTP/1.0 302 F\r\nLocation: %s/z\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nafter",
    b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    b"HTTP/1.0 404 Nope\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nx",
]
received = []


def serve(listener):
    for answer in ANSWERS:
        connection, _ = listener.accept()
        data = b""
        connection.settimeout(0.1)
        try:
            while True:
                part = connection.recv(1000)
                if not part:
                    break
                data += part
        except OSError:
            pass
        received.append(data)
        connection.send(answer % URL.encode() if b"%s" in answer else answer)
        connection.close()


listener = socket.socket()
PORT = 20000 + id(listener) // 16 % 20000
URL = "http://127.0.0.1:%d" % PORT
listener.bind(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
listener.listen(1)
_thread.start_new_thread(serve, (listener,))
answer = requests.get(URL + "/a?b=1")
print(answer.status_code, answer.reason, sorted(answer.headers.items()), answer.content, answer.text)
answer = requests.post(URL, json={"k": 1})
print(answer.status_code, answer.reason, answer.json())
answer = requests.get(URL + "/r")
print(answer.status_code, answer.text)
try:
    requests.get(URL + "/c")
except ValueError as error:
    print(error)
answer = requests.put(URL + "/p", data=b"raw", headers={"X": "y"})
print(answer.status_code, answer.text)
answer.close()
answer = requests.request("PATCH", URL + "/q", data="\u00e9", auth=("u", "p"), timeout=3)
print(answer.text)
time.sleep(0.1)
for each in received:
    print(each)
try:
    requests.get("ftp://x/")
except ValueError as error:
    print(error)
