"""The table that a run prints, and the same as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Row
    from benchmarks.timing import Timed

MILLISECONDS = 1000
MEGABYTE = 1_000_000
HEADINGS = ("ROW", "MEASURE", "PROGRAM", "BASELINE", "RATIO", "BAR", "", "WRITTEN", "ANSWERS", "WHAT", "AGAINST")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a row; `same` is None if the answers cannot be compared, `fault` is why a row did not run."""

    row: Row
    program: Timed | None = None
    baseline: Timed | None = None
    same: bool | None = None
    fault: str = ""


def as_json(results: Sequence[Result], size: str, rounds: int) -> dict[str, Any]:
    """Return a run as one JSON document."""
    rows = [record for result in results for record in records(result)]
    return {"machine": machine(), "size": size, "rounds": rounds, "rows": rows}


def records(result: Result) -> list[dict[str, Any]]:
    """Return a record for each bar of a row."""
    row = result.row
    common = {"row": row.name, "what": row.what, "against": row.against}
    if result.program is None or result.baseline is None:
        return [{**common, "measure": bar.measure, "bar": bar.limit, "fault": result.fault} for bar in row.bars]
    found = []
    for bar in row.bars:
        program, baseline = result.program.median(bar.measure), result.baseline.median(bar.measure)
        ratio = program / baseline
        written = result.program.median("written") / result.baseline.median("written")
        numbers = {"program": program, "baseline": baseline, "ratio": ratio, "bar": bar.limit}
        rounds = len(result.program.runs)
        found.append(
            {
                **common,
                "measure": bar.measure,
                **numbers,
                "met": ratio <= bar.limit,
                "same": result.same,
                "n": rounds,
                "written": written,
            }
        )
    return found


def machine() -> dict[str, Any]:
    """Describe the machine, without naming it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "processor": model[0].partition(":")[2].strip() if model else platform.machine(),
        "memory": f"{memory / 2**30:.0f} GiB",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernel": platform.system(),
    }


def as_table(results: Sequence[Result]) -> str:
    """Return the rows as aligned lines."""
    lines = [HEADINGS, *(_line(record) for result in results for record in records(result))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _line(record: dict[str, Any]) -> tuple[str, ...]:
    bar = f"≤ {record['bar']:.4g}"
    if "fault" in record:
        return (
            record["row"],
            record["measure"],
            "",
            "",
            "",
            bar,
            "FAILED",
            "",
            "",
            record["fault"].splitlines()[-1][:100],
            "",
        )
    return (
        record["row"],
        record["measure"],
        _shown(record["program"], record["measure"]),
        _shown(record["baseline"], record["measure"]),
        f"{record['ratio']:.3f}",
        bar,
        "met" if record["met"] else "MISSED",
        f"{record['written']:.3f}" if record["measure"] == "wall" and record["same"] is not None else "",
        {None: "-", True: "same", False: "DIFFER"}[record["same"]],
        record["what"],
        record["against"],
    )


def _shown(value: float, measure: str) -> str:
    return f"{value / MEGABYTE:.1f} MB" if measure == "memory" else f"{value * MILLISECONDS:.1f} ms"
