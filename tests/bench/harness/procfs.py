# SPDX-License-Identifier: MIT
"""CPU time and memory of processes, from /proc. Linux only."""

import glob
import os


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def name(pid):
    return _read(f"/proc/{pid}/comm").strip()


def family(root):
    """The process and everything below it."""
    children = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        fields = _read(stat)
        if fields:
            pid = int(fields.split(" ", 1)[0])
            parent = int(fields.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(pid)
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, []))
    return found


def cpu_seconds(pid):
    """
    Time on a CPU of all threads that live now. From schedstat, in nanoseconds: the ticks of /proc/PID/stat are
    10 ms, more than an idle process uses in a measurement.
    """
    total = 0
    for schedstat in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        fields = _read(schedstat).split()
        total += int(fields[0]) if fields else 0
    return total / 1e9


def cpu_by_pid(pids):
    return {pid: cpu_seconds(pid) for pid in pids}


def cpu_by_name(before, after):
    """CPU seconds between two cpu_by_pid, added up by process name."""
    used = {}
    for pid, seconds in after.items():
        process = name(pid) or "gone"
        used[process] = used.get(process, 0.0) + seconds - before.get(pid, 0.0)
    return used


def busy_seconds():
    """CPU seconds that the whole machine has spent on anything but idling and waiting."""
    ticks = [int(field) for field in _read("/proc/stat").splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def _rollup(pid):
    fields = {}
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines()[1:]:
        key, _, value = line.partition(":")
        fields[key] = int(value.split()[0])
    return fields


def pss_kb(pids):
    """Proportional set size, added up by process name; and the part of it that is shared memory (all names)."""
    by_name, shmem = {}, 0
    for pid in pids:
        fields = _rollup(pid)
        process = name(pid)
        if fields:
            by_name[process] = by_name.get(process, 0) + fields.get("Pss", 0)
            shmem += fields.get("Pss_Shmem", 0)
    return by_name, shmem


def page_tables_kb(pids):
    """What the kernel keeps for the processes' page tables, which is in no process's PSS."""
    total = 0
    for pid in pids:
        for line in _read(f"/proc/{pid}/status").splitlines():
            total += int(line.split()[1]) if line.startswith("VmPTE:") else 0
    return total


def shm_kb(prefix):
    """Memory behind the objects in /dev/shm whose names begin with PREFIX."""
    return sum(os.stat(path).st_blocks // 2 for path in glob.glob(f"/dev/shm/{glob.escape(prefix)}*"))
