"""docs/faults.md names tests that exist, and exit codes that there are."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]


def test_every_fault_of_the_table_has_its_test_and_a_known_exit_code() -> None:
    rows = re.findall(r"^\| .* \| ([\d, ]+) \| `(\S+?)::(\w+)` \|$", (ROOT / "docs/faults.md").read_text("utf-8"), re.M)
    assert len(rows) >= 31
    codes = {int(code) for row in rows for code in row[0].split(", ")}
    assert codes <= {int(code) for code in ExitCode}
    lacking = [name for _, file, name in rows if f"\ndef {name}(" not in (ROOT / file).read_text("utf-8")]
    assert lacking == []
