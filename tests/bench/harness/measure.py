# SPDX-License-Identifier: MIT
"""One measurement: viewers on a server for a while, and what everybody used meanwhile."""

import contextlib
import os
import subprocess
import tempfile

from . import procfs
from .processes import Program

JOIN_TIMEOUT_S = 60

# What may never be other than zero.
FAULTS = (
    "refused",
    "broken",
    "lost",
    "duplicated",
    "disordered",
    "first_not_keyframe",
    "after_drop_not_keyframe",
    "keyframe_flag_wrong",
    "frames_missing",
    "frames_repeated",
    "unstamped",
    "unreadable",
)


def _run(program, pids, seconds):
    """Waits for the measured interval of a bench_viewers; its result and CPU seconds by process name."""
    program.wait_for("ready", JOIN_TIMEOUT_S + 30)
    watched = [*pids, program.process.pid]
    before, busy = procfs.cpu_by_pid(watched), procfs.busy_seconds()
    program.wait_for("measured", seconds + 30)
    after = procfs.cpu_by_pid(watched)
    cpu = procfs.cpu_by_name(before, after)
    cpu["machine"] = procfs.busy_seconds() - busy
    return cpu


def viewers(build, server, pids, count, seconds, *, cameras=None, rate=500, **options):
    """COUNT viewers for SECONDS. Keyword arguments become options of bench_viewers."""
    arguments = ["--port", server.port, "--viewers", count, "--rate", rate, "--duration", seconds, "--hold"]
    arguments += ["--join-timeout", JOIN_TIMEOUT_S]
    for camera in cameras or server.names[:1]:
        arguments += ["--camera", camera]
    for key, value in options.items():
        arguments += ["--" + key.replace("_", "-")] + ([] if value is True else [value])
    before = server.memory()
    with Program(build, "bench_viewers", *arguments) as program:
        cpu = _run(program, [*server.pids(), *pids], seconds)
        during = server.memory()
        result = program.wait_for("result", 30)
    return {"viewers": count, "seconds": seconds, "cpu": cpu, "memory_before": before, "memory": during, "seen": result}


@contextlib.contextmanager
def _floor_server(build, sizes, fps, count, *options):
    with tempfile.NamedTemporaryFile("w", prefix="ringcast-bench-sizes-") as file:
        file.write("".join(f"{size}\n" for size in sizes))
        file.flush()
        arguments = ["--sizes", file.name, "--fps", fps, "--max-viewers", count, *options]
        with Program(build, "bench_floor", *arguments) as server:
            yield server, server.wait_for("listening", 10)["port"]


def _raw_viewers(build, pids, port, count, seconds, *options, rate=500):
    arguments = ["--raw", *options, "--port", port, "--viewers", count, "--rate", rate, "--duration", seconds]
    with Program(build, "bench_viewers", *arguments) as program:
        cpu = _run(program, pids, seconds)
        return cpu, program.wait_for("result", 30)


def floor(build, sizes, fps, count, seconds, identity=None):
    """The same messages to as many plain connections, by bench_floor; over TLS with IDENTITY, a certificate and its key."""
    secure = ["--certificate", identity[0], "--key", identity[1]] if identity else []
    with _floor_server(build, sizes, fps, count, *secure) as (server, port):
        flags = ["--tls"] if identity else []
        cpu, result = _raw_viewers(build, [server.process.pid], port, count, seconds, *flags)
        ended = server.end()
    return {"cpu": cpu, "seen": result, "floor": ended}


def bare(build, sizes, fps, seconds):
    """The same messages to one viewer, through as many hands as from a camera, by bench_floor and bench_relay."""
    with _floor_server(build, sizes, fps, 1) as (server, port):
        with Program(build, "bench_relay", "--from", port) as relay:
            port = relay.wait_for("listening", 10)["port"]
            cpu, result = _raw_viewers(build, [server.process.pid, relay.process.pid], port, 1, seconds)
            relay.end()
        server.end()
    return {"cpu": cpu, "seen": result}


def identity(directory):
    """A certificate for loopback and its key, as files in DIRECTORY."""
    names = [os.path.join(directory, name) for name in ("certificate.pem", "key.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    subprocess.run([*command, "-subj", "/CN=localhost", "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    os.chmod(names[1], 0o600)
    return names


def faults(measured):
    """In words, everything that viewers must not see."""
    found = []
    for group in ("fast", "slow"):
        seen = measured["seen"][group]
        found += [f"{group} viewers: {fault} = {seen[fault]}" for fault in FAULTS if seen[fault]]
        if seen["joined"] != seen["viewers"]:
            found.append(f"{group} viewers: {seen['joined']} of {seen['viewers']} joined")
    if measured["seen"]["fast"]["drops"]:
        found.append(f"{measured['seen']['fast']['drops']} drop messages to fast viewers")
    rates = measured["seen"]["messages_per_viewer_s"]
    if rates and rates["min"] == 0:
        found.append("a viewer received nothing")
    return found


def clip(build, fps, group_s=2, seconds=10):
    """A coded clip as a camera would send it: 1280x720, 2 Mbit/s, a keyframe every GROUP_S, mono AAC. Made once."""
    import subprocess

    directory = os.path.join(build, "bench")
    path = os.path.join(directory, f"clip-720p-{fps}-{group_s}.mp4")
    if not os.path.exists(path):
        part = f"{path}.{os.getpid()}.part.mp4"
        subprocess.run(
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"]
            + ["-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate={fps},noise=alls=12:allf=t"]
            + ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000,tremolo", "-t", str(seconds)]
            + ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "0"]
            + ["-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "1000k"]
            + ["-g", str(group_s * fps), "-keyint_min", str(group_s * fps), "-sc_threshold", "0"]
            + ["-c:a", "aac", "-b:a", "64k", "-ac", "1", part],
            check=True,
        )
        os.replace(part, path)
    return path
