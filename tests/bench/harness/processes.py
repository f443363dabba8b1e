# SPDX-License-Identifier: MIT
"""The processes of a benchmark: ringcastd with its children, and the benchmark's own programs."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from . import control, procfs

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


class BenchError(Exception):
    """A benchmark that could not be run."""


class Program:
    """One of the benchmark's programs: prints JSON events, ends when its standard input does."""

    def __init__(self, build, program, *arguments, nice=0):
        self.name = program
        self.events = queue.Queue()
        command = ["nice", "-n", str(nice)] if nice else []
        command += [os.path.join(build, "bench", program), *[str(argument) for argument in arguments]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def wait_for(self, event, timeout):
        deadline = time.monotonic() + timeout
        while True:
            try:
                message = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise BenchError(f"{self.name}: no {event} within {timeout} s") from None
            if message is None:
                raise BenchError(f"{self.name} ended with status {self.process.wait()} before {event}")
            if message.get("event") == event:
                return message

    def end(self):
        """Ends it; what it prints at its end, or None."""
        self.process.stdin.close()
        try:
            return self.wait_for("result", STOP_TIMEOUT_S)
        except BenchError:
            return None
        finally:
            self._reap()

    def _reap(self):
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None and not self.process.stdin.closed:
            self.process.stdin.close()
        self._reap()


class Ringcast:
    """ringcastd on a free port, with its own directory, instance and log."""

    def __init__(self, build, camera_port, count, extra=""):
        self.build = build
        self.names = [f"cam{index}" for index in range(count)]
        self.directory = tempfile.mkdtemp(prefix="ringcast-bench-")
        self.instance = "bench-" + os.path.basename(self.directory)[-8:]
        self.config = os.path.join(self.directory, "ringcast.conf")
        self.process = None
        cameras = ",\n".join(
            f'  {{ name = "{name}"; url = "rtsp://127.0.0.1:{camera_port}/{name}"; }}' for name in self.names
        )
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                f'listen = "127.0.0.1:0";\nruntime_dir = "{self.directory}/run";\ninstance = "{self.instance}";\n'
                f'log_level = "warning";\n{extra}\ncameras = (\n{cameras}\n);\n'
            )

    def __enter__(self):
        log = open(os.path.join(self.directory, "log"), "w", encoding="utf-8")
        command = [os.path.join(self.build, "bin", "ringcastd"), "--config", self.config, "--foreground"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        try:
            self._wait_until_streaming()
        except BaseException as failure:
            self.__exit__(type(failure))
            raise
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        log = self.log()
        left = procfs.shm_kb(f"ringcast.{self.instance}.")
        shutil.rmtree(self.directory)
        if left and failure is None:
            raise BenchError(f"ringcastd left {left} kB of shared memory behind")
        if failure is not None and log:
            print(f"ringcastd's log:\n{log[-4000:]}", file=sys.stderr)

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def status(self):
        """The `status` reply, or None while there is none."""
        try:
            return control.request(os.path.join(self.directory, "run", "control.sock"), "status")
        except (OSError, ValueError):
            return None

    def _wait_until_streaming(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BenchError(f"ringcastd ended with status {self.process.returncode}")
            status = self.status()
            if status and all(camera["state"] == "streaming" for camera in status["cameras"]):
                return
            time.sleep(0.1)
        raise BenchError("the cameras are not streaming")

    @property
    def port(self):
        return int(self.status()["address"].rstrip("/").rsplit(":", 1)[1])

    def ring(self, index=0):
        return self.status()["cameras"][index]["ring"]

    def pids(self):
        return procfs.family(self.process.pid)

    def memory(self):
        """
        kB by process name; "total": their sum with each ring counted once and whole, also what of it nobody has
        touched yet; "pss": the plain sum of PSS, as it can be measured of any program.
        """
        by_name, shmem = procfs.pss_kb(self.pids())
        shm = procfs.shm_kb(f"ringcast.{self.instance}.")
        pss = sum(by_name.values())
        return {"by_name": by_name, "pss": pss, "shm": shm, "total": pss - shmem + shm}
