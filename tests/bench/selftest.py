#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Does bench_viewers notice what it is there to notice? A small server sends it scripted streams, sound ones and ones
with every fault it counts. Usage: selftest.py BENCH_VIEWERS
"""

import json
import socketserver
import struct
import subprocess
import sys
import threading
import time
import unittest

ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UUID = bytes.fromhex("72696e6763617374a562656e6368c391")
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9
LATE_NS = 50_000_000
PROGRAM = None


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def init_segment():
    def trak(track, handler):
        tkhd = box(b"tkhd", struct.pack(">IIII", 7, 0, 0, track), bytes(68))
        return box(b"trak", tkhd, box(b"mdia", box(b"hdlr", struct.pack(">II4s", 0, 0, handler), bytes(13))))

    return box(b"ftyp", b"iso5", bytes(4)) + box(b"moov", trak(1, b"soun"), trak(2, b"vide"))


def fragment(sequence, frame=None, *, key=False, idr=None, size=9000, capture=None):
    """A fragment with sound first, so that the picture must be found by its track and offset."""
    capture = time.monotonic_ns() if capture is None else capture
    frame = sequence if frame is None else frame
    sei = b"\x06\x05\x30" + UUID + b"%016x%016x" % (capture, frame) + b"\x80"
    slice_ = bytes([0x65 if (key if idr is None else idr) else 0x41]) + bytes(size)
    unit = struct.pack(">I", len(sei)) + sei + struct.pack(">I", len(slice_)) + slice_
    sound = bytes(170)

    def moof(offset):
        tfhd_sound = box(b"tfhd", struct.pack(">II", 0x20000, 1))
        trun_sound = box(b"trun", struct.pack(">IIIII", 0x301, 1, offset, 1024, len(sound)))
        tfhd = box(b"tfhd", struct.pack(">II", 0x20000, 2))
        flags = 0x02000000 if key else 0x01010000
        trun = box(b"trun", struct.pack(">IIIIII", 0x701, 1, offset + len(sound), 3600, len(unit), flags))
        mfhd = box(b"mfhd", struct.pack(">II", 0, sequence))
        return box(b"moof", mfhd, box(b"traf", tfhd_sound, trun_sound), box(b"traf", tfhd, trun))

    return moof(len(moof(0)) + 8) + box(b"mdat", sound, unit)


def frame(opcode, payload, *, fin=True, wide=False, mask=False):
    first = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if wide or len(payload) > 0xFFFF:
        return first + struct.pack(">BQ", bit | 127, len(payload)) + payload
    if len(payload) > 125:
        return first + struct.pack(">BH", bit | 126, len(payload)) + payload
    return first + bytes([bit | len(payload)]) + payload


def binary(*arguments, **keywords):
    return frame(BINARY, fragment(*arguments, **keywords))


def text(**members):
    return frame(TEXT, json.dumps(members).encode())


def head():
    return [text(type="state", state="streaming", error=None), text(type="init", codecs="avc1"), frame(BINARY, init_segment())]


def sound():
    return head() + [binary(7, key=True), binary(8), binary(9), binary(10, key=True)]


def in_pieces():
    """The same, as awkwardly as RFC 6455 allows."""
    first, second = fragment(7, key=True), fragment(8)
    yield from head()
    yield frame(BINARY, first[:300], fin=False)
    yield frame(PING, b"still there?")
    yield frame(CONTINUATION, first[300:5000], fin=False)
    yield frame(CONTINUATION, first[5000:])
    yield frame(BINARY, second, wide=True)
    stream = binary(9) + binary(10, key=True, size=70000)
    for at in range(0, 40):
        yield stream[at : at + 1]
        time.sleep(0.001)
    yield stream[40:]


def live():
    """A frame every 20 ms for a while, each 50 ms old."""
    yield from head()
    for number in range(1, 100):
        yield binary(number, key=number == 1, capture=time.monotonic_ns() - LATE_NS)
        time.sleep(0.02)


SCRIPTS = {
    "sound": sound,
    "pieces": in_pieces,
    "live": live,
    "lost": lambda: head() + [binary(7, key=True), binary(11)],
    "drop": lambda: head() + [binary(7, key=True), text(type="drop", fragments=3), binary(11, key=True)],
    "drop-more": lambda: head() + [binary(7, key=True), text(type="drop", fragments=1), binary(11, key=True)],
    "drop-no-key": lambda: head() + [binary(7, key=True), text(type="drop", fragments=3), binary(11)],
    "twice": lambda: head() + [binary(7, key=True), binary(8), binary(8)],
    "disorder": lambda: head() + [binary(7, key=True), binary(9), binary(8)],
    "no-key": lambda: head() + [binary(7), binary(8)],
    "frame-gap": lambda: head() + [binary(7, 70, key=True), binary(8, 72)],
    "frame-back": lambda: head() + [binary(7, 70, key=True), binary(8, 70)],
    "flag": lambda: head() + [binary(7, key=True, idr=False), binary(8)],
    "wrap": lambda: head() + [binary(0xFFFFFFFF, 1, key=True), binary(0, 2)],
    "going": lambda: sound() + [frame(CLOSE, struct.pack(">H", 1001) + b"bye")],
    "masked": lambda: head() + [frame(BINARY, b"x", mask=True)],
    "cut": lambda: head() + [binary(7, key=True), frame(CONTINUATION, b"nothing to continue")],
    "garbage": lambda: head() + [binary(7, key=True), frame(BINARY, b"\0\0\0\x08junk"), binary(8)],
    "404": None,
}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        script = SCRIPTS[path.rsplit("/", 1)[1]]
        if script is None:
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.wfile.write(f"{answer}Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n".encode())
        try:
            for piece in script():
                self.wfile.write(piece)
            self.rfile.read()
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


class Noticed(unittest.TestCase):
    """All scripts run at once, one bench_viewers each."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=cls.server.serve_forever, daemon=True)
        thread.start()
        port = str(cls.server.server_address[1])
        running = {}
        for name in SCRIPTS:
            command = [PROGRAM, "--port", port, "--camera", name, "--duration", "0.6"]
            running[name] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        cls.results = {}
        for name, process in running.items():
            output, _ = process.communicate(timeout=60)
            cls.results[name] = json.loads(output.splitlines()[-1])
        cls.server.shutdown()
        thread.join()
        cls.server.server_close()

    def expect(self, script, **faults):
        """Exactly these faults, and no other."""
        seen = self.results[script]["fast"]
        names = ("refused", "broken", "lost", "duplicated", "disordered", "first_not_keyframe", "drops")
        names += ("after_drop_not_keyframe", "keyframe_flag_wrong", "frames_missing", "frames_repeated", "unreadable")
        names += ("dropped_fragments", "unstamped")
        found = {name: seen[name] for name in names if seen[name]}
        self.assertEqual(found, faults, script)
        return seen

    def test_sound_stream(self):
        seen = self.expect("sound")
        self.assertEqual((seen["fragments"], seen["inits"], seen["texts"], seen["joined"]), (4, 1, 2, 1))
        self.assertEqual(seen["join_ms"]["count"], 1)

    def test_sound_stream_in_pieces(self):
        seen = self.expect("pieces")
        self.assertEqual((seen["fragments"], seen["pings"]), (4, 1))
        self.assertEqual(seen["bytes"], sum(len(fragment(7, size=size)) for size in (9000, 9000, 9000, 70000)))

    def test_sequence_wraps(self):
        self.expect("wrap")

    def test_latency_comes_from_the_stamp(self):
        seen = self.expect("live")
        self.assertGreater(seen["latency_ms"]["count"], 5)
        self.assertGreaterEqual(seen["latency_ms"]["p50"], LATE_NS / 1e6)
        self.assertLess(seen["latency_ms"]["p50"], 10 * LATE_NS / 1e6)
        self.assertEqual(seen["latency_ms"]["count"], seen["interval_fragments"])
        self.assertEqual(len(self.results["live"]["sizes"]), seen["interval_fragments"])

    def test_loss(self):
        self.expect("lost", lost=3)
        self.expect("drop", drops=1, dropped_fragments=3)
        self.expect("drop-more", drops=1, dropped_fragments=1, lost=2)
        self.expect("drop-no-key", drops=1, dropped_fragments=3, after_drop_not_keyframe=1)

    def test_order(self):
        self.expect("twice", duplicated=1, frames_repeated=1)
        self.expect("disorder", lost=1, disordered=1, frames_repeated=1)

    def test_keyframes(self):
        self.expect("no-key", first_not_keyframe=1)
        self.expect("flag", keyframe_flag_wrong=1)

    def test_frames_of_the_camera(self):
        self.expect("frame-gap", frames_missing=1)
        self.expect("frame-back", frames_repeated=1)

    def test_ends(self):
        self.assertEqual(self.expect("going")["closes"], {"1001": 1})
        self.assertEqual(self.expect("404", refused=1)["joined"], 0)

    def test_broken_protocol(self):
        self.expect("masked", broken=1)
        self.expect("cut", broken=1)
        self.expect("garbage", unreadable=1)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
