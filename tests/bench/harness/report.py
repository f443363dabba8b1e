# SPDX-License-Identifier: MIT
"""The tables, as text and as Markdown, and the machine they were made on."""

import json
import os
import platform


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as file:
        total = int(file.readline().split()[1])
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(total / 1024 / 1024, 1),
        "kernel": platform.release(),
        "load_average_at_start": os.getloadavg()[0],
    }


def machine_line(facts):
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB, Linux {facts['kernel']}, "
        f"load average at the start {facts['load_average_at_start']:.2f}"
    )


def text_table(outcome):
    cells = [outcome.columns] + [[str(cell) for cell in row] for row in outcome.rows]
    lines = [outcome.title, "  " + outcome.note]
    widths = [max(len(row[i]) for row in cells) for i in range(len(outcome.columns))]
    if sum(widths) <= 150:
        lines += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    else:
        for row in cells[1:]:
            lines += [f"  {column:<44} {cell}" for column, cell in zip(outcome.columns, row)] + [""]
    return "\n".join(lines).rstrip() + "\n"


def markdown_table(outcome):
    def line(row):
        return "| " + " | ".join(str(cell) for cell in row) + " |"

    rows = [line(outcome.columns), "|" + "---|" * len(outcome.columns)] + [line(row) for row in outcome.rows]
    return f"### {outcome.title}\n\n{outcome.note[0].upper() + outcome.note[1:]}.\n\n" + "\n".join(rows) + "\n"


def write_json(path, facts, command, outcomes):
    scenarios = {
        key: {"title": outcome.title, "figures": outcome.figures, "faults": outcome.faults}
        for key, outcome in outcomes.items()
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": facts, "command": command, "scenarios": scenarios}, file, indent=1)
        file.write("\n")
