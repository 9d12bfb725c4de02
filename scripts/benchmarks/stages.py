"""Where the time of a page goes: ``python -m scripts.benchmarks.stages SCANS`` looks at itself 250 times a second.

A thread notes in which part of the pipeline the reading is and how much memory the process has. That costs nothing
worth mentioning and changes nothing in what is measured. Written to standard output as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from pipeline import extract
from pipeline.documents import find_inputs
from pipeline.settings import Settings

_EVERY = 0.004  # seconds
_PAGE = resource.getpagesize()
# The outermost of these that is at work is the stage; parts of the pipeline by module, as in pyproject.toml.
_STAGES = {
    "documents": "decode and render",
    "imaging": "flatten and clean",
    "tables": "find tables and cells",
    "ocr": "read text",
    "keeping": "keep and look again",
    "labels": "labels to rows",
    "assemble": "labels to rows",
    "rules": "sums and confidence",
    "reconcile": "sums and confidence",
    "confidence": "sums and confidence",
}
_OTHER = "the rest"


def main(scans: str) -> None:
    """Read every document once and print what was seen."""
    settings = Settings()
    extract.warm_up(settings)
    seen: Counter[str] = Counter()
    most: dict[str, int] = {}
    over = threading.Event()
    target = threading.get_ident()

    def watch() -> None:
        while not over.wait(_EVERY):
            stage = _stage(sys._current_frames().get(target))
            seen[stage] += 1
            most[stage] = max(most.get(stage, 0), int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE >> 20)

    began = time.perf_counter()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    pages = 0
    for found in find_inputs([scans]):
        document = extract.read_document(found.load(), found.source, settings)
        extract.assemble_document(document)
        pages += len(document.pages)
    seconds = time.perf_counter() - began
    over.set()
    watcher.join()
    shares = {stage: number / seen.total() for stage, number in seen.most_common()}
    print(json.dumps({"pages": pages, "seconds": seconds, "shares": shares, "megabytes": most}))


def _stage(frame: FrameType | None) -> str:
    """The stage of the outermost frame that belongs to one."""
    found = _OTHER
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("pipeline."):
            found = _STAGES.get(name.split(".")[1], found)
        frame = frame.f_back
    return found


if __name__ == "__main__":
    main(sys.argv[1])
