# SPDX-License-Identifier: MIT
"""
Asks ringcastd on its control socket (docs/reference/control.md), as an NNG REQ client would: a process per question
would be in the way of what is measured.
"""

import json
import socket
import struct

TIMEOUT_S = 10
REQ = 0x30
MESSAGE = 1
# A request id has its top bit set; one request a connection needs only one.
REQUEST_ID = 0x80000001


def _receive(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise OSError("the control socket was closed")
        data += piece
    return data


def request(path, kind):
    """Sends {"type": KIND}; the reply."""
    body = struct.pack(">I", REQUEST_ID) + json.dumps({"v": 1, "type": kind}).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
        connection.sendall(b"\0SP\0" + struct.pack(">HH", REQ, 0))
        _receive(connection, 8)
        connection.sendall(struct.pack(">BQ", MESSAGE, len(body)) + body)
        _, length = struct.unpack(">BQ", _receive(connection, 9))
        return json.loads(_receive(connection, length)[4:])
