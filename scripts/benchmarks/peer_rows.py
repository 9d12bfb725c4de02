"""Rows of text on pages, by public libraries alone; runs in the environment of ``peers-requirements.txt``.

``peer_rows.py PAGES [THREADS]`` reads every ``PAGES/*/*.png`` and writes one line of JSON for each to standard output:
the page, seconds, those of each peer if it were alone, the most memory so far in MB, and for each peer its rows of
``[middle x, text]``. Both peers see the same page, straightened by img2table (at most 45 degrees, as it does), and
share one reading of it by RapidOCR, so neither reads worse than the other.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

Row = list[tuple[float, str]]


def main(folder: Path, threads: int = -1) -> None:
    """Read every page of a folder, with as many threads as the library likes unless told otherwise."""
    from rapidocr import RapidOCR

    # Whole pages are shrunk to 2000 pixels unless told otherwise; the classifier of upside-down lines turns 666 to 999.
    params = {"Global.use_cls": False, "Global.max_side_len": 3600, "Global.log_level": "error"}
    own = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": threads for kind in ("intra", "inter")}
    engine = RapidOCR(params=params | own)
    for path in sorted(folder.glob("*/*.png")):
        began = time.perf_counter()
        rows, alone = read_page(path, engine)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        line = {"page": str(path.relative_to(folder)), "seconds": time.perf_counter() - began, **rows}
        line |= {"alone": alone, "megabytes": megabytes}
        print(json.dumps(line, ensure_ascii=False), flush=True)


def read_page(path: Path, engine: Any) -> tuple[dict[str, list[Row]], dict[str, float]]:
    """Rows of text of one page for each peer, and the seconds it would have needed alone."""
    import cv2
    import numpy as np
    import PIL.Image
    from img2table.document import Image  # type: ignore[import-not-found]
    from img2table.document.rotation import fix_rotation_image  # type: ignore[import-not-found]
    from img2table.ocr._types import OCRData, OCRInstance  # type: ignore[import-not-found]

    times = [time.perf_counter()]
    with PIL.Image.open(path, formats=("PNG",)) as image:
        page = np.array(image.convert("RGB"))
    times.append(time.perf_counter())
    page = fix_rotation_image(page)[0]
    times.append(time.perf_counter())
    found = engine(np.ascontiguousarray(page[:, :, ::-1]))
    times.append(time.perf_counter())
    if found.txts is None:
        return {"img2table": [], "rapidocr": []}, _alone(times)
    words = [
        (text, float(score), [float(f(box[:, axis])) for f in (np.min, np.max) for axis in (0, 1)])
        for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
    ]
    records = {0: [_record(str(n), *word) for n, word in enumerate(words)]}

    class Given(OCRInstance):  # type: ignore[misc]
        def of(self, document: object) -> Any:
            return OCRData(records=records)

    encoded = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR))[1].tobytes()
    tables = Image(encoded, detect_rotation=False).extract_tables(ocr=Given(), borderless_tables=True)
    ordered = sorted(tables, key=lambda table: table.bbox.y1)
    times.append(time.perf_counter())
    rows = {
        "img2table": [_cells(row) for table in ordered for row in table.content.values()],
        "rapidocr": cluster([(text, box) for text, _, box in words]),
    }
    return rows, _alone(times)


def _alone(times: list[float]) -> dict[str, float]:
    """Seconds of each peer, from when the page was opened, loaded, straightened, read, and its tables were found."""
    opened, loaded, straight, read = times[:4]
    return {"rapidocr": loaded - opened + read - straight, "img2table": times[-1] - opened}


def _record(name: str, text: str, score: float, box: list[float]) -> dict[str, Any]:
    """A word as img2table takes it."""
    x1, y1, x2, y2 = map(int, box)
    corners = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return {"id": name, "parent": name, "value": text, "confidence": int(100 * score), **corners}


def _cells(row: list[Any]) -> Row:
    """The cells of a row once each, from the left; a merged cell is listed for every column it covers."""
    boxes = {(cell.bbox.x1, cell.bbox.x2): cell.value or "" for cell in row}
    return [((x0 + x1) / 2, "".join(text.split())) for (x0, x1), text in sorted(boxes.items())]


def cluster(words: list[tuple[str, list[float]]]) -> list[Row]:
    """Words as rows: a word joins a row when its middle lies in the middle half of the row's last word."""
    rows: list[list[tuple[str, list[float]]]] = []
    for text, box in sorted(words, key=lambda word: word[1][1] + word[1][3]):
        middle = (box[1] + box[3]) / 2
        for row in reversed(rows):
            last = row[-1][1]
            if abs(middle - (last[1] + last[3]) / 2) < 0.5 * min(box[3] - box[1], last[3] - last[1]):
                row.append((text, box))
                break
        else:
            rows.append([(text, box)])
    return [sorted((((box[0] + box[2]) / 2, text) for text, box in row), key=lambda each: each[0]) for row in rows]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
