# SPDX-License-Identifier: MIT
"""The scenarios. Each returns its tables, its raw figures and the faults that viewers saw."""

import contextlib
import http.client
import os
import tempfile
import time

from . import credentials, measure, procfs
from .processes import BenchError, Program, Ringcast

OTHER_CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "other_clients.mjs")
PROGRAMS_ON_DEMAND = ("ringcast-snapshot", "ringcast-hls", "ringcast-rtsp")

# Length of the measured intervals with --quick, which judges no figure: several messages to every viewer, also at 5 pictures a second.
QUICK_S = 1

# Bytes that the system keeps for a slow viewer on its own side: little, so that it is the server that must cope.
SLOW_RCVBUF = 32768


class Outcome:
    def __init__(self, title, note, columns):
        self.title, self.note, self.columns = title, note, columns
        self.rows, self.figures, self.faults = [], [], []

    def add(self, row, figures):
        self.rows.append(row)
        self.figures.append(figures)

    def check(self, label, measured):
        self.faults += [f"{self.title}, {label}: {fault}" for fault in measure.faults(measured)]


@contextlib.contextmanager
def stack(settings, cameras=1, fps=25, extra="", packets=False, each=""):
    """Cameras and a ringcastd that streams them; EXTRA are lines for its configuration, EACH settings of each camera; PACKETS: cameras send packet by packet."""
    path = measure.clip(settings.build, fps, 1 if settings.quick else 2)
    with Program(settings.build, "bench_camera", "--clip", path, "--cameras", cameras, *(["--packets"] if packets else [])) as camera:
        port = camera.wait_for("listening", 30)["port"]
        with Ringcast(settings.build, port, cameras, extra, each) as server:
            yield server, camera


def again(settings, label, *rest):
    """The case LABEL once more, which shows how much the machine itself has changed meanwhile; --quick has no use for that."""
    return [] if settings.quick else [(f"{label} again", *rest)]


def ms(values, *keys):
    return " / ".join(f"{values[key]:.2f}" for key in keys)


def mb(kb):
    return f"{kb / 1024:.1f}"


def seconds(value):
    return f"{value:.2f}"


def fan_out_cost(settings):
    counts, duration = ((20,), QUICK_S) if settings.quick else ((100, 300, 1000), settings.seconds or 15)
    outcome = Outcome(
        f"A. One camera, many viewers, {duration} s",
        "CPU seconds in the interval; floor: one send() per viewer and message of the same sizes",
        ["viewers", "fan-out CPU s", "floor CPU s", "ratio", "ingest CPU s", "messages/s/viewer (min, mean)"]
        + ["latency p50 / p99 / max ms", "fan-out PSS MB before → with viewers", "readers CPU s"],
    )
    with stack(settings) as (server, camera):
        for count in counts:
            settings.say(f"A: {count} viewers")
            got = measure.viewers(settings.build, server, [camera.process.pid], count, duration)
            base = measure.floor(settings.build, got["seen"].pop("sizes"), 25, count, duration)
            outcome.check(f"{count} viewers", got)
            base["seen"].pop("sizes")
            fan, least = got["cpu"]["ringcast-fanout"], base["cpu"]["bench_floor"]
            rates = got["seen"]["messages_per_viewer_s"]
            before, during = (got[key]["by_name"]["ringcast-fanout"] for key in ("memory_before", "memory"))
            outcome.add(
                [count, seconds(fan), seconds(least), f"{fan / least:.2f}", seconds(got["cpu"]["ringcast-ingest"])]
                + [f"{rates['min']:.1f}, {rates['mean']:.1f}"]
                + [ms(got["seen"]["fast"]["latency_ms"], "p50", "p99", "max"), f"{mb(before)} → {mb(during)}"]
                + [seconds(got["cpu"]["bench_viewers"])],
                {"viewers": count, "ratio": fan / least, "server": got, "floor": base},
            )
    return outcome


def over_tls(settings):
    count, duration = (20, QUICK_S) if settings.quick else (300, settings.seconds or 15)
    outcome = Outcome(
        f"S. One camera, {count} viewers, plain and over TLS, {duration} s",
        "CPU seconds in the interval; floor: one send(), over TLS one SSL_write(), per viewer and message of the same sizes; "
        "join: from TCP connect to the first fragment wholly read",
        ["", "fan-out CPU s", "floor CPU s", "ratio", "latency p50 / p99 / max ms", "join p50 / p99 / max ms"]
        + ["sessions resumed", "fan-out PSS kB a viewer"],
    )
    with tempfile.TemporaryDirectory(prefix="ringcast-bench-") as directory:
        identity = measure.identity(directory)
        secure = f'tls = {{ certificate = "{identity[0]}"; key = "{identity[1]}"; }};\nlimits = {{ handshake_timeout = 60; }};\n'
        plain, secured = ("plain", "", {}), ("TLS", secure, {"tls": True})
        kinds = [plain, secured, ("TLS, resumed", secure, {"tls": True, "resume": True})]
        for label, extra, options in [*kinds, *again(settings, *plain), *again(settings, *secured)]:
            settings.say(f"S: {label}")
            with stack(settings, extra=extra) as (server, camera):
                got = measure.viewers(settings.build, server, [camera.process.pid], count, duration, rate=100, **options)
            base = measure.floor(settings.build, got["seen"].pop("sizes"), 25, count, duration, identity if options else None)
            outcome.check(label, got)
            base["seen"].pop("sizes")
            fan, least = got["cpu"]["ringcast-fanout"], base["cpu"]["bench_floor"]
            before, during = (got[key]["by_name"]["ringcast-fanout"] for key in ("memory_before", "memory"))
            seen = got["seen"]
            outcome.add(
                [label, seconds(fan), seconds(least), f"{fan / least:.2f}", ms(seen["fast"]["latency_ms"], "p50", "p99", "max")]
                + [ms(seen["fast"]["join_ms"], "p50", "p99", "max"), seen["resumed"], f"{(during - before) / count:.1f}"],
                {"viewers": count, "kind": label, "ratio": fan / least, "server": got, "floor": base},
            )
    return outcome


def joins(settings):
    cases, duration = (((30, 200),), QUICK_S) if settings.quick else (((100, 200), (1000, 300)), 2)
    outcome = Outcome(
        "B. Joining",
        "from TCP connect to the first fragment wholly read, which is a keyframe",
        ["viewers", "joins/s", "p50 / p95 / p99 / max ms", "upgrade p50 / p95 ms", "first is not a keyframe", "lost"],
    )
    with stack(settings) as (server, camera):
        for count, rate in cases:
            settings.say(f"B: {count} joins at {rate}/s")
            got = measure.viewers(settings.build, server, [camera.process.pid], count, duration, rate=rate)
            got["seen"].pop("sizes")
            outcome.check(f"{count} joins", got)
            seen = got["seen"]["fast"]
            outcome.add(
                [count, rate, ms(seen["join_ms"], "p50", "p95", "p99", "max"), ms(seen["upgrade_ms"], "p50", "p95")]
                + [seen["first_not_keyframe"], seen["lost"]],
                got,
            )
    return outcome


def ways_in(settings):
    count, rate = (10, 100) if settings.quick else (200, 100)
    outcome = Outcome(
        f"W. {count} joins by each way in, {rate} a second",
        "from TCP connect to the first fragment wholly read; upgrade: to the answer of the WebSocket's request",
        ["way in", "join p50 / p95 / p99 / max ms", "upgrade p50 / p95 ms", "upgrade p50 ÷ without log-in"],
    )

    def try_way(server, camera, label, header, least):
        settings.say(f"W: {label}")
        got = measure.viewers(settings.build, server, [camera.process.pid], count, 1, rate=rate, **({"header": header} if header else {}))
        got["seen"].pop("sizes")
        outcome.check(label, got)
        seen = got["seen"]["fast"]
        upgrade = seen["upgrade_ms"]["p50"]
        outcome.add(
            [label, ms(seen["join_ms"], "p50", "p95", "p99", "max"), ms(seen["upgrade_ms"], "p50", "p95")]
            + [f"{upgrade / (least or upgrade):.2f}"],
            {"way": label, "seen": got["seen"]},
        )
        return upgrade

    with stack(settings) as (server, camera):
        least = try_way(server, camera, "without log-in", None, None)
    with tempfile.TemporaryDirectory(prefix="ringcast-bench-") as directory:
        issuer = credentials.Issuer(directory)
        with stack(settings, extra=issuer.settings) as (server, camera):
            ways = {"session": f"Cookie: {credentials.session(server)}"}
            ways["static token"] = f"Authorization: Bearer {credentials.static_token(server)}"
            for algorithm in ("HS256", "RS256", "ES256"):
                ways[f"JWT, {algorithm}"] = f"Authorization: Bearer {issuer.token(algorithm)}"
            for label, header in ways.items():
                try_way(server, camera, label, header, least)
    if not settings.quick:
        with stack(settings) as (server, camera):
            try_way(server, camera, "without log-in, again", None, least)
    return outcome


def slow_viewers(settings):
    total, slow = (8, 4) if settings.quick else (40, 20)
    # Long enough to fill socket buffers and then the ring, which is small where time is short.
    duration, extra = (8, "ring_size = 524288;") if settings.quick else (settings.slow_seconds, "")
    outcome = Outcome(
        f"C. {slow} of {total} viewers are slow, {duration} s",
        "latency is that of the fast viewers; drops are what the slow ones were told",
        ["slow viewers", "latency p50 / p99 / max ms", "fan-out CPU s", "fan-out PSS MB before → at the end"]
        + ["drop messages", "fragments dropped", "lost untold", "closed by server"],
    )
    cases = (("none", 0, 0), (f"{slow} read nothing", slow, 0), (f"{slow} read 50 kB/s", slow, 50000))
    with stack(settings, extra=extra) as (server, camera):
        for label, count, rate in cases[1:2] if settings.quick else cases:
            settings.say(f"C: {label}")
            got = measure.viewers(
                settings.build, server, [camera.process.pid], total, duration,
                slow=count, slow_rate=rate, slow_rcvbuf=SLOW_RCVBUF,
            )
            got["seen"].pop("sizes")
            outcome.check(label, got)
            lagging = got["seen"]["slow"]
            if count and not rate and lagging["drops"] + sum(lagging["closes"].values()) < count:
                outcome.faults.append(f"C. {label}: not every slow viewer was told")
            before, after = (got[key]["by_name"]["ringcast-fanout"] for key in ("memory_before", "memory"))
            outcome.add(
                [label, ms(got["seen"]["fast"]["latency_ms"], "p50", "p99", "max")]
                + [seconds(got["cpu"]["ringcast-fanout"]), f"{mb(before)} → {mb(after)}"]
                + [lagging["drops"], lagging["dropped_fragments"], lagging["lost"], lagging["closes"] or 0],
                got,
            )
    return outcome


def memory_cells(memory):
    names = ("ringcastd", "ringcast-ingest", "ringcast-fanout")
    return [mb(memory["by_name"].get(name, 0)) for name in names] + [
        mb(memory["shm"]),
        mb(memory["pss"]),
        mb(memory["total"]),
    ]


MEMORY_COLUMNS = ["PSS MB: ringcastd", "ingest", "fan-out", "rings MB", "sum of PSS MB", "all, rings whole MB"]


def own_cpu(cpu):
    return sum(used for name, used in cpu.items() if name.startswith("ringcast"))


def many_cameras(settings, packets=False):
    cameras, duration = (3, QUICK_S) if settings.quick else (40, settings.seconds or 20)
    key, how = ("N", ", which send packet by packet") if packets else ("D", "")
    outcome = Outcome(
        f"{key}. {cameras} cameras{how}, one viewer each, {duration} s",
        "all processes of ringcast together",
        ["cameras", "CPU s", "of it ingest, fan-out, ringcastd", *MEMORY_COLUMNS, "page tables MB", "latency p50 / p99 ms"],
    )
    with stack(settings, cameras, packets=packets) as (server, camera):
        settings.say(f"{key}: {cameras} cameras")
        got = measure.viewers(
            settings.build, server, [camera.process.pid], cameras, duration, cameras=server.names, rate=100
        )
        tables = procfs.page_tables_kb(server.pids())
        got["seen"].pop("sizes")
        outcome.check(f"{cameras} cameras", got)
        cpu = got["cpu"]
        parts = ", ".join(seconds(cpu.get(name, 0)) for name in ("ringcast-ingest", "ringcast-fanout", "ringcastd"))
        outcome.add(
            [cameras, seconds(own_cpu(cpu)), parts, *memory_cells(got["memory"]), mb(tables)]
            + [ms(got["seen"]["fast"]["latency_ms"], "p50", "p99")],
            {**got, "page_tables_kb": tables},
        )
    return outcome


def many_packets(settings):
    """Cameras seldom give a picture to their network in one piece."""
    return many_cameras(settings, packets=True)


def one_socket(settings):
    """The same cameras for viewers of one camera each, and for one viewer of all; in turns, because the machine is not the same for long."""
    cameras, duration, rounds = (3, QUICK_S, 1) if settings.quick else (40, settings.seconds or 15, 3)
    outcome = Outcome(
        f"G. {cameras} cameras: {cameras} viewers of one camera each, and one viewer of all, {duration} s",
        "CPU seconds of the fan-out in the interval; ratio: to the row before",
        ["", "fan-out CPU s", "ratio", "messages/s/camera (min, mean)", "latency p50 / p99 / max ms", "readers CPU s"],
    )
    ratios = []
    with stack(settings, cameras) as (server, camera):
        for _ in range(rounds):
            before = None
            for label, options in ((f"{cameras} sockets", {}), ("one socket", {"bundle": True})):
                settings.say(f"G: {label}")
                got = measure.viewers(
                    settings.build, server, [camera.process.pid], cameras, duration, cameras=server.names, rate=100, **options
                )
                got["seen"].pop("sizes")
                outcome.check(label, got)
                used, rates = got["cpu"]["ringcast-fanout"], got["seen"]["messages_per_viewer_s"]
                ratio = used / before if before else None
                ratios += [ratio] if ratio else []
                outcome.add(
                    [label, seconds(used), f"{ratio:.2f}" if ratio else "", f"{rates['min']:.1f}, {rates['mean']:.1f}"]
                    + [ms(got["seen"]["fast"]["latency_ms"], "p50", "p99", "max"), seconds(got["cpu"]["bench_viewers"])],
                    {"label": label, "ratio": ratio, "server": got},
                )
                before = used
    outcome.figures.append({"ratio_median": sorted(ratios)[len(ratios) // 2]})
    return outcome


def idle_cameras(settings):
    counts, duration = ((5,), QUICK_S) if settings.quick else ((40, 100, 200), 10)
    outcome = Outcome(
        f"E. Cameras without viewers, {duration} s",
        "nobody watches; every camera is being received and written into its ring",
        ["cameras", "CPU s", "of it ingest, fan-out, ringcastd", "CPU ms per camera and second", *MEMORY_COLUMNS]
        + ["all per camera MB", "camera simulator CPU s"],
    )
    for count in counts:
        with stack(settings, count) as (server, camera):
            settings.say(f"E: {count} cameras idle")
            time.sleep(1 if settings.quick else 3)
            pids = [*server.pids(), camera.process.pid]
            before = procfs.cpu_by_pid(pids)
            time.sleep(duration)
            cpu = procfs.cpu_by_name(before, procfs.cpu_by_pid(pids))
            memory = server.memory()
        used = own_cpu(cpu)
        parts = ", ".join(seconds(cpu.get(name, 0)) for name in ("ringcast-ingest", "ringcast-fanout", "ringcastd"))
        outcome.add(
            [count, seconds(used), parts, f"{used / count / duration * 1000:.2f}", *memory_cells(memory)]
            + [f"{memory['total'] / 1024 / count:.2f}", seconds(cpu["bench_camera"])],
            {"cameras": count, "seconds": duration, "cpu": cpu, "memory": memory},
        )
    return outcome


# So that the 99th percentile is more than one frame.
LATENCY_FRAMES = 400


def latency(settings):
    rates = (25, 5) if settings.quick else (25, 15, 5)
    outcome = Outcome(
        "F. Latency, one viewer",
        "camera → socket: from just before the camera sends a frame until the viewer has read it; "
        "ring → socket: from its publishing in the ring; bare: messages of the same sizes through as many processes "
        "that only pass them on",
        ["fps", "frames", "camera → socket p50 / p95 / p99 / max ms", "ring → socket p50 / p95 / p99 / max ms"]
        + ["bare p50 / p95 / p99 / max ms", "camera → socket above bare, p50 ms"],
    )
    for fps in rates:
        duration = QUICK_S if settings.quick else settings.seconds or max(15, LATENCY_FRAMES / fps)
        with stack(settings, 1, fps) as (server, camera):
            settings.say(f"F: {fps} fps, {duration:.0f} s")
            got = measure.viewers(
                settings.build, server, [camera.process.pid], 1, duration, ring=server.ring()
            )
        base = measure.bare(settings.build, got["seen"].pop("sizes"), fps, duration)
        base["seen"].pop("sizes")
        outcome.check(f"{fps} fps", got)
        seen, least = got["seen"]["fast"], base["seen"]["fast"]["latency_ms"]
        keys = ("p50", "p95", "p99", "max")
        outcome.add(
            [fps, seen["latency_ms"]["count"], ms(seen["latency_ms"], *keys), ms(seen["ring_to_socket_ms"], *keys)]
            + [ms(least, *keys), f"{seen['latency_ms']['p50'] - least['p50']:.2f}"],
            {"fps": fps, "server": got, "bare": base},
        )
    return outcome


def memory_over_time(settings):
    count = 20 if settings.quick else 1000
    durations = (QUICK_S, 2 * QUICK_S) if settings.quick else (15, settings.memory_seconds)
    outcome = Outcome(
        f"M. Memory with {count} viewers",
        "of the fan-out; the viewers of each row are new",
        ["seconds", "fan-out PSS MB before → at the end", "kB per viewer", "latency p50 / p99 / max ms", "lost"],
    )
    with stack(settings) as (server, camera):
        for duration in durations:
            settings.say(f"M: {duration} s")
            got = measure.viewers(settings.build, server, [camera.process.pid], count, duration)
            got["seen"].pop("sizes")
            outcome.check(f"{duration} s", got)
            before, after = (got[key]["by_name"]["ringcast-fanout"] for key in ("memory_before", "memory"))
            outcome.add(
                [f"{duration:g}", f"{mb(before)} → {mb(after)}", f"{after / count:.1f}"]
                + [ms(got["seen"]["fast"]["latency_ms"], "p50", "p99", "max"), got["seen"]["fast"]["lost"]],
                got,
            )
    return outcome


def every_client(settings):
    """
    WebSocket viewers by themselves, with clients of every other kind, beside the same clients at a ringcast and cameras of their own (what is left
    of a difference then is the machine's), and by themselves again.
    """
    count, each, duration = (20, 2, QUICK_S) if settings.quick else (300, 20, settings.seconds or 15)
    outcome = Outcome(
        f"X. {count} viewers of four cameras, beside {each} clients of each other kind, {duration} s",
        "the viewers' latency and fragments; CPU seconds of all processes of their ringcast in the interval; PSS of those that are there",
        ["", "viewers' latency p50 / p99 / max ms", "lost", "fan-out CPU s", "other programs CPU s", "PSS MB", "what the others got"],
    )
    rtsp = os.path.exists(os.path.join(settings.build, "bin", "ringcast-rtsp"))
    extra = "go2rtc = true;\n" + ('rtsp = { listen = "127.0.0.1:0"; };\n' if rtsp else "")
    with stack(settings, cameras=4, extra=extra) as (server, camera):
        for label, place in (("alone", None), ("with the others", "here"), ("the others elsewhere", "elsewhere"), *again(settings, "alone", None)):
            settings.say(f"X: {label}")
            with contextlib.ExitStack() as beside:
                result = {"got": {}, "errors": []}
                if place:
                    theirs = server if place == "here" else beside.enter_context(stack(settings, cameras=4, extra=extra))[0]
                    arguments = [f"http://127.0.0.1:{theirs.port}/", each, ",".join(theirs.names)] + ([theirs.status()["rtsp"]] if rtsp else [])
                    # What these clients themselves do is not to count: it would be done on other machines.
                    clients = beside.enter_context(Program(settings.build, OTHER_CLIENTS, *arguments, nice=10))
                    clients.wait_for("ready", 60)
                got = measure.viewers(settings.build, server, [camera.process.pid], count, duration, cameras=server.names)
                if place:
                    result = clients.end() or {"got": {}, "errors": ["they did not end"]}
            got["seen"].pop("sizes")
            outcome.check(label, got)
            outcome.faults += [f"{outcome.title}, {label}: {error}" for error in result["errors"]]
            programs = sum(spent for name, spent in got["cpu"].items() if name in PROGRAMS_ON_DEMAND)
            seen = got["seen"]["fast"]
            outcome.add(
                [label, ms(seen["latency_ms"], "p50", "p99", "max"), seen["lost"], seconds(got["cpu"]["ringcast-fanout"])]
                + [seconds(programs), mb(got["memory"]["pss"]), ", ".join(f"{kind} {n}" for kind, n in result["got"].items()) or "-"],
                {"label": label, "server": got, "others": result},
            )
    return outcome


LOOK_BACK_CLIENTS = os.path.join(os.path.dirname(OTHER_CLIENTS), "look_back_clients.mjs")


def looking_back(settings):
    """Live viewers by themselves, beside viewers who look back at the same camera, and by themselves again."""
    count, lookers, duration, kept, fill = (20, 4, QUICK_S, 20, 5) if settings.quick else (300, 60, settings.seconds or 15, 120, 60)
    outcome = Outcome(
        f"L. {count} live viewers of a camera with look_back = {kept}, beside {lookers} who look back at it, {duration} s",
        "the live viewers' latency; first picture: from the question for a moment until all of its keyframe was read; computed: what the "
        "configuration's formula says for the bit rate of that moment, where the ring follows the mean",
        ["", "live viewers' latency p50 / p99 / max ms", "lost", "fan-out CPU s", "fan-out PSS MB", "ring MB (computed)"]
        + ["first picture p50 / p95 / max ms", "pictures of the past, gaps"],
    )
    with stack(settings, each=f"look_back = {kept}; ") as (server, camera):
        settings.say(f"L: {fill} s until there is a past")
        time.sleep(fill)
        for label, in (("alone",), ("beside those who look back",), *again(settings, "alone")):
            settings.say(f"L: {label}")
            result = None
            with contextlib.ExitStack() as beside:
                if label.startswith("beside"):
                    # What these clients themselves do is not to count: it would be done on other machines.
                    clients = beside.enter_context(
                        Program(settings.build, LOOK_BACK_CLIENTS, f"http://127.0.0.1:{server.port}/", lookers, server.names[0], nice=10)
                    )
                    clients.wait_for("ready", 60)
                got = measure.viewers(settings.build, server, [camera.process.pid], count, duration)
                if label.startswith("beside"):
                    result = clients.end() or {"got": 0, "drops": 0, "wait": {}, "errors": ["they did not end"]}
            got["seen"].pop("sizes")
            outcome.check(label, got)
            outcome.faults += [f"{outcome.title}, {label}: {error}" for error in (result or {"errors": []})["errors"]]
            status = server.status()["cameras"][0]
            rate = status["bitrate"] / 8 + status["fps"] * 96
            computed = rate * kept * 33 / 32
            seen = got["seen"]["fast"]
            outcome.add(
                [label, ms(seen["latency_ms"], "p50", "p99", "max"), seen["lost"], seconds(got["cpu"]["ringcast-fanout"])]
                + [mb(got["memory"]["by_name"]["ringcast-fanout"]), f"{status['ring_size'] / 1e6:.1f} ({computed / 1e6:.1f})"]
                + ([ms(result["wait"], "p50", "p95", "max"), f"{result['got']}, {result['drops']}"] if result and result["wait"] else ["-", "-"]),
                {"label": label, "server": got, "past": result, "ring_size": status["ring_size"], "computed": computed},
            )
    return outcome


def ring_alone(settings):
    outcome = Outcome(
        "R. The ring alone",
        "Fragments of 10.6 kB; publishing includes its wake-ups; waking is that of a reader in another process",
        ["publish ns", "memcpy in ns", "read ns", "memcpy out ns", "futex wake p50 / p99 ms", "eventfd wake p50 / p99 ms"],
    )
    settings.say("R: ring")
    arguments = ("--fragments", 20000, "--wakes", 100) if settings.quick else ()
    with Program(settings.build, "bench_ring", *arguments) as program:
        got = program.wait_for("result", 60)
    times = [f"{got[key]:.0f}" for key in ("publish_ns", "memcpy_in_ns", "read_ns", "memcpy_out_ns")]
    outcome.add(
        [*times, ms(got["wake_wait_ms"], "p50", "p99"), ms(got["wake_eventfd_ms"], "p50", "p99")],
        got,
    )
    return outcome


def get_picture(connection, query):
    """One picture: how long it took until all of it was there, in ms."""
    before = time.monotonic()
    connection.request("GET", "/snapshot/cam0.jpg" + query)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200 or not body.startswith(b"\xff\xd8"):
        raise BenchError(f"a picture: {response.status} {body[:80]}")
    return (time.monotonic() - before) * 1000


def first_pictures(server, rounds):
    """As get_picture, while the program that makes them does not run."""
    times = []
    for _ in range(rounds):
        while (server.status()["programs"]["snapshot"] or {"pid": None})["pid"]:
            time.sleep(0.1)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            connection.connect()
            times.append(get_picture(connection, ""))
    return sorted(times)


def poll_pictures(server, query, rate, duration):
    """RATE pictures a second, one after the other: how long each took, and the processes' CPU seconds."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        get_picture(connection, query)
        pids, times = server.pids(), []
        before, begin = procfs.cpu_by_pid(pids), time.monotonic()
        for index in range(int(rate * duration)):
            time.sleep(max(0, begin + index / rate - time.monotonic()))
            times.append(get_picture(connection, query))
        spent = time.monotonic() - begin
        return sorted(times), procfs.cpu_by_name(before, procfs.cpu_by_pid(pids)), spent


def pictures(settings):
    duration, rounds = (1, 1) if settings.quick else (settings.seconds or 10, 10)
    outcome = Outcome(
        "P. Pictures of one camera",
        "1280x720, a keyframe every 2 s; first: the program is started for it. CPU: ms for each answer, so ten times that is % of one core at 100 a second",
        ["pictures", "ms p50 / max", "ringcast-snapshot CPU ms", "fan-out CPU ms", "a second"],
    )
    os.environ["RINGCAST_IDLE_MS"] = "300"
    try:
        with stack(settings, extra="limits = { requests_per_address = 0; };") as (server, _):
            settings.say("P: first")
            times = first_pictures(server, rounds)
            outcome.add([f"first, {rounds} times", ms({"p50": times[len(times) // 2], "max": times[-1]}, "p50", "max"), "", "", ""], {"first_ms": times})
            for label, query, rate in (("newest keyframe", "", 100), ("newest picture", "?fresh", 100), ("320 wide", "?width=320", 100)):
                settings.say(f"P: {label}")
                times, cpu, spent = poll_pictures(server, query, rate, duration)
                share = {name: 1000 * cpu.get(name[:15], 0) / len(times) for name in ("ringcast-snapshot", "ringcast-fanout")}  # as the kernel has names
                outcome.add(
                    [label, ms({"p50": times[len(times) // 2], "max": times[-1]}, "p50", "max")]
                    + [f"{share['ringcast-snapshot']:.2f}", f"{share['ringcast-fanout']:.2f}", f"{len(times) / spent:.0f}"],
                    {"query": query, "ms": times, "cpu_ms": share},
                )
    finally:
        del os.environ["RINGCAST_IDLE_MS"]
    return outcome


SCENARIOS = {
    "A": fan_out_cost,
    "B": joins,
    "C": slow_viewers,
    "D": many_cameras,
    "E": idle_cameras,
    "F": latency,
    "G": one_socket,
    "M": memory_over_time,
    "N": many_packets,
    "P": pictures,
    "R": ring_alone,
    "S": over_tls,
    "W": ways_in,
    "X": every_client,
    "L": looking_back,
}
