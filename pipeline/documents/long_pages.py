"""Pages stacked on top of each other in one image, as websites post them: tall pictures, and stacked spreads."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import PageImage, Pixels

_TALL = 1.9  # height by width above which a picture is more than one page
_A4 = 2**0.5  # ISO 216
_A4_TOLERANCE = 0.005
_STOUT, _SLENDER = 1.3, 1.55  # long by short side of a sheet of A4 that was scanned askew
_WORK_WIDTH = 800
_BLOCKS = 48
_STEP_LEVELS = 3.0
_STEP_SHARE = 0.85
_SUDDEN, _SUDDEN_TIMES = 2.0, 3.0  # grey levels, and times as many as are usual around
_PEAK = 4  # rows
_SHEET = (1.2, 1.62)  # height of a sheet by its width
_SHORTEST_PAGE = 0.3  # of the width
_LONGEST_SLICE = 1.6  # of the width
_MARGIN = 0.035  # of the width: the least margin of a page that lies on its side
_RIM = 0.01  # of the width: what a scanner shows beside the sheet, a dark line where two pages meet
_RIM_INK = 0.035  # of a row's pixels: the same at the sides of the sheet, or the lower end of a seal
_LID = 100  # grey level of what is dark around a sheet
_STREAKS = 2  # most streaks that a scanner draws
_STREAK = 0.85  # share of both pages along which a streak is seen
_BAND = 0.006  # of the width: a blank band lower than that lies between lines of one paragraph
_SPREADS = (0.68, 0.37)  # height by width of a spread of two upright or two lying pages, between A4 and Letter
_SPREADS_TOLERANCE = 0.12
_GUTTER = 0.05  # of the width: the two inner margins of an open book are wider together
_MARGIN_OF_SPREAD = 0.05  # of the height: the least margin above and below the text of its pages
_ACROSS = 0.3  # share of what is printed that may lie across the inner margins, as a seal does
_FULL = 0.12  # least share of the rows on which something is printed, on all left pages and on all right ones
_FOOT = 0.15  # of the height: where the number of a page stands
_SPECK, _WORD = 2, 8  # pixels of the picture worked on: what is no grain, what is no speck either
_NEXT = 8  # rows of the picture worked on: lines and rules closer than that belong together
_DARK = 40  # grey levels darker than the paper: ink
_FAINT = 25  # the same: what is no margin

_Grey = NDArray[np.uint8]


def cut_long_page(page: PageImage) -> tuple[tuple[int, int], ...]:
    """The ranges (y0, y1) of a page's rows that are pages of their own; one range for an ordinary page.

    In the order tried: seams at multiples of the A4 ratio; sudden changes of the background that leave pages of about
    that shape, or else across the whole width; margins at equal distances; for what is still tall, the widest bands
    without ink. Ruled tables are not cut at the last, nor anywhere where rules run through without a break.
    Two spreads have the shape of one upright page: they are told by their inner margins.
    """
    pixels = page.pixels
    height, width = pixels.shape[:2]
    ends = _ends_of_sheets(pixels) if height > _TALL * width else [0, height]
    # Four spreads have the shape of two upright pages too.
    within = [top + seam for top, bottom in pairwise(ends) for seam in _between_spreads(pixels[top:bottom])]
    return tuple(pairwise(sorted([*ends, *within])))


def _ends_of_sheets(pixels: Pixels) -> list[int]:
    """The rows between which the pages of a tall picture lie, from its first to its last."""
    height, width = pixels.shape[:2]
    small = _shrunk(pixels, width)
    scale = height / len(small)
    seams = _a4_seams(small) or _sudden_changes(small) or _even_seams(small)
    edges = [0, *seams, len(small)]
    cuts = list(edges)
    for top, bottom in pairwise(edges):
        cuts += [top + cut for cut in _blank_cuts(small[top:bottom])]
    return sorted({min(round(cut * scale), height) for cut in cuts})


def _between_spreads(pixels: Pixels) -> list[int]:
    """Rows between spreads of two pages, stacked in a picture that is not tall; empty where it shows none.

    No line runs on from the left page to the right one, and all spreads have margins above and below. Pages of which
    little is printed look like that as well: of spreads all are full but the last one, which holds more than a number.
    """
    height, width = pixels.shape[:2]
    counts = [
        count
        for shape in _SPREADS
        if (count := round(height / width / shape)) >= 2
        and abs(height / width / count / shape - 1) <= _SPREADS_TOLERANCE
    ]
    if not counts:
        return []
    left, right = (round(width * (1 + side * _GUTTER) / 2) for side in (-1, 1))
    strip = _shrunk(pixels[:, left:right], width)
    # Closed down the columns, so that the fold of a book, which runs on along them, is no ink.
    closed = cv2.morphologyEx(strip, cv2.MORPH_CLOSE, np.ones((min(width, _WORK_WIDTH) // 16, 1), np.uint8))
    across = _and_near((cv2.subtract(closed, strip) > _DARK).sum(axis=1) >= _SPECK)
    if across.mean() > _ACROSS:  # as on nearly all pages, which need no more than this
        return []
    small = _shrunk(pixels, width)
    rows, columns = small.shape
    halves = (small[:, : columns // 2], small[:, columns // 2 :])
    sides = [_and_near(_ink_by_row(half) * half.shape[1] >= _WORD) for half in halves]
    printed = sides[0] | sides[1]
    if (printed & across).sum() > _ACROSS * printed.sum():
        return []
    for count in sorted(counts, reverse=True):  # where four lie two would fit as well
        seams = [round(rows * sheet / count) for sheet in range(1, count)]
        full = all(side[: seams[-1]].mean() >= _FULL for side in sides)
        last = printed[seams[-1] : rows - round((rows - seams[-1]) * _FOOT)]
        margin = round(_MARGIN_OF_SPREAD * rows / count)
        if full and last.any() and _between_margins(small, seams, margin, _FAINT) and not _cuts_a_table(small, seams):
            return [round(height * sheet / count) for sheet in range(1, count)]
    return []


def _and_near(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows that are set, and those close to them."""
    reach = np.ones((2 * _NEXT + 1, 1), np.uint8)
    return np.asarray(cv2.dilate(rows.astype(np.uint8)[:, None], reach)[:, 0] > 0)


def _shrunk(pixels: Pixels, page_width: int) -> _Grey:
    """Pixels of a page, or of some of its columns, in grey and as small as the page is worked on."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    if page_width <= _WORK_WIDTH:
        return np.asarray(grey, dtype=np.uint8)
    size = (round(width * _WORK_WIDTH / page_width), round(height * _WORK_WIDTH / page_width))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _a4_seams(grey: _Grey) -> list[int]:
    """Seams of equal A4 pages, empty when the height is no multiple or a rule runs through a seam.

    Pages that lie on their side are recognised by the margins that meet at each seam: two of them are as high as one
    upright page.
    """
    height, width = grey.shape
    lying = round(height / width * _A4)
    if lying >= 3 and abs(height / width * _A4 / lying - 1) <= _A4_TOLERANCE:
        seams = [round(height * page / lying) for page in range(1, lying)]
        if _between_margins(grey, seams):
            return seams
    pages = round(height / width / _A4)
    if pages < 2 or abs(height / width / pages / _A4 - 1) > _A4_TOLERANCE:
        return []
    seams = [round(height * page / pages) for page in range(1, pages)]
    return [] if _cuts_a_table(grey, seams) else seams


def _even_seams(grey: _Grey) -> list[int]:
    """Seams of pages of one size and about the shape of A4, as of a scanner that takes skewed sheets whole.

    Two sheets that lie on their side have the shape of one upright one, so these are tried first.
    """
    height, width = grey.shape
    for stout, slender in ((1 / _SLENDER, 1 / _STOUT), (_STOUT, _SLENDER)):
        for pages in range(max(2, round(height / width / slender)), round(height / width / stout) + 1):
            seams = [round(height * page / pages) for page in range(1, pages)]
            if stout <= height / width / pages <= slender and _between_margins(grey, seams):
                return [] if _cuts_a_table(grey, seams) else seams
    return []


def _cuts_a_table(grey: _Grey, seams: list[int]) -> bool:
    """Whether rules run through a seam of pages; one or two lines along both pages are streaks of the scanner."""
    strokes = _upright_strokes(grey)
    edges = [0, *seams, len(grey)]
    for above, seam, below in zip(edges, seams, edges[2:], strict=False):
        through = _through(strokes, seam)
        if len(through) >= 2 and not (len(through) <= _STREAKS and _are_streaks(strokes, through, above, seam, below)):
            return True
    return False


def _are_streaks(strokes: _Grey, columns: NDArray[np.intp], above: int, seam: int, below: int) -> bool:
    reach = max(strokes.shape[1] // 160, 3)
    for x in columns.tolist():
        seen = strokes[:, max(0, x - reach) : x + reach + 1].max(axis=1) > 0
        if min(seen[above:seam].mean(), seen[seam:below].mean()) < _STREAK:
            return False
    return True


def _between_margins(grey: _Grey, seams: list[int], far: int | None = None, darkness: int = _DARK) -> bool:
    """Whether every seam has margins on both sides, but for a dark rim of the sheets themselves.

    Args:
        far: how many rows of margin there are at least.
        darkness: grey levels darker than the paper, of ink.
    """
    width = grey.shape[1]
    near, far = round(_RIM * width), far or round(_MARGIN * width)
    ink = _ink_by_row(grey, darkness)
    return all(
        len(margin) and margin.max() <= _RIM_INK
        for seam in seams
        for margin in (ink[seam - far : seam - near], ink[seam + near : seam + far])
    )


def _upright_strokes(grey: _Grey) -> _Grey:
    """Thin dark strokes, as 0 or 255: what a horizontal closing fills."""
    span = max(grey.shape[1] // 60, 5)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((1, span), np.uint8))
    return np.where(cv2.subtract(closed, grey) > 30, 255, 0).astype(np.uint8)


def _runs_through(strokes: _Grey, row: int) -> bool:
    """Whether two or more upright strokes cross a row, as the rules of a table do."""
    return len(_through(strokes, row)) >= 2


def _through(strokes: _Grey, row: int) -> NDArray[np.intp]:
    """The columns in which upright strokes cross a row; a slant of 5 % is allowed."""
    reach = max(strokes.shape[1] // 40, 8)
    band = strokes[max(row - reach, 0) : row + reach]
    columns = cv2.dilate(band, np.ones((1, 3), np.uint8))
    return np.flatnonzero(_rising_edges(np.asarray((columns > 0).mean(axis=0) >= 0.9)))


def _rising_edges(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rising: NDArray[np.bool_] = flags & ~np.concatenate([[False], flags[:-1]])
    return rising


def _sudden_changes(grey: _Grey) -> list[int]:
    """Seams where the background changes at once: those of sheets, else any across the whole width."""
    jump = _jumps(grey)
    return _sheets(grey, jump) or _steps(grey, jump)


def _sheets(grey: _Grey, jump: NDArray[np.float32]) -> list[int]:
    """Seams of sheets photographed or scanned one by one, empty where not all pages between them have about A4's shape.

    At a seam the background changes at once, wherever it is paper, desk or lid, though often by little: by several
    times as much as in the rows around. So it does along the edge of a sheet; of seams that would do, those at which
    most changes are taken.
    """
    height, width = grey.shape
    strength = np.median(jump, axis=1)
    near = max(width // 16, 9)
    around = cv2.blur(strength[:, None], (1, 2 * near + 1))[:, 0]
    highest = cv2.dilate(strength[:, None], np.ones((2 * _PEAK + 1, 1), np.uint8))[:, 0]
    sudden = (strength == highest) & (strength >= np.maximum(_SUDDEN, _SUDDEN_TIMES * around))
    rows = [int(row) for row in np.flatnonzero(sudden)]
    rows = [row for row, before in zip(rows, [-_PEAK, *rows], strict=False) if row - before > _PEAK]
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for row in [*rows, height]:
        worth = 0.0 if row == height else float((jump[row] > _SUDDEN).mean())
        ways = [
            (total + worth, [*seams, row])
            for above, (total, seams) in best.items()
            if _SHEET[0] * width <= row - above <= _SHEET[1] * width
        ]
        if ways:
            best[row] = max(ways)
    seams = best.get(height, (0.0, []))[1][:-1]
    return [] if _cuts_a_table(grey, seams) else seams


def _jumps(grey: _Grey) -> NDArray[np.float32]:
    """By how much the background changes from just above each row to just below, in blocks, shape (rows, blocks)."""
    height, width = grey.shape
    blocks = cv2.resize(grey, (_BLOCKS, height), interpolation=cv2.INTER_AREA)
    reach = max(width // 32, 5)
    ground = cv2.morphologyEx(blocks, cv2.MORPH_CLOSE, np.ones((reach, 1), np.uint8)).astype(np.float32)
    jump = np.zeros((height, _BLOCKS), np.float32)
    jump[2:-2] = np.abs(ground[4:] - ground[:-4])
    return jump


def _steps(grey: _Grey, jump: NDArray[np.float32]) -> list[int]:
    """Rows where the background changes at once across the whole width: another sheet begins."""
    height, width = grey.shape
    share = (jump > _STEP_LEVELS).mean(axis=1)
    whole = (share >= _STEP_SHARE) & (jump[:, :1].min(axis=1) > _STEP_LEVELS) & (jump[:, -1] > _STEP_LEVELS)
    strength = np.where(whole, np.median(jump, axis=1), 0.0)
    strokes = _upright_strokes(grey)
    least = round(_SHORTEST_PAGE * width)
    seams: list[int] = []
    for row in np.argsort(-strength, kind="stable"):
        row = int(row)
        if strength[row] <= 0:
            break
        if all(abs(row - other) >= least for other in [0, *seams, height]) and not _runs_through(strokes, row):
            seams.append(row)
    return sorted(seams)


def _blank_cuts(grey: _Grey) -> list[int]:
    """Rows in bands without ink that cut what is still too tall into page-like slices."""
    height, width = grey.shape
    if height <= _TALL * width:
        return []
    bands = _blank_bands(grey)
    cuts: list[int] = []
    start = 0
    while height - start > _TALL * width:
        low, high = start + _SHORTEST_PAGE * width, start + _LONGEST_SLICE * width
        within = [(bottom - top, (top + bottom) // 2) for top, bottom in bands if low <= (top + bottom) / 2 <= high]
        beyond = [(top + bottom) // 2 for top, bottom in bands if (top + bottom) / 2 > high]
        if within:
            widest = max(size for size, _ in within)
            start = max(row for size, row in within if size >= 0.8 * widest)
        elif beyond:
            start = min(beyond)
        else:
            break
        if height - start < _SHORTEST_PAGE * width:
            break
        cuts.append(start)
    return cuts


def _blank_bands(grey: _Grey) -> list[tuple[int, int]]:
    """Bands of rows (top, bottom) without ink."""
    width = grey.shape[1]
    inked = _ink_by_row(grey) > 0.001
    edges = np.flatnonzero(np.diff(np.concatenate([[True], inked, [True]]).astype(np.int8)))
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=False)
    return [(top, bottom) for top, bottom in runs if bottom - top >= max(_BAND * width, 3)]


def _ink_by_row(grey: _Grey, darkness: int = _DARK) -> NDArray[np.float64]:
    """Share of each row's pixels that are darker than what is around them, the dark around a sheet left out."""
    grey = _without_lid(grey)
    span = max(grey.shape[1] // 16, 9)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((span, span), np.uint8))
    ink: NDArray[np.float64] = (cv2.subtract(closed, grey) > darkness).mean(axis=1)
    return ink


def _without_lid(grey: _Grey) -> _Grey:
    """The picture with large dark areas at its sides painted white: a scanner with its lid open, a desk."""
    dark = (grey < _LID).astype(np.uint8)
    core = cv2.erode(dark, np.ones((max(grey.shape[1] // 40, 9),) * 2, np.uint8))
    if not core.any():
        return grey
    _, labels = cv2.connectedComponents(dark, connectivity=8)
    beside = np.intersect1d(labels[core > 0], labels[:, [0, -1]])
    lid = np.isin(labels, beside[beside > 0]).astype(np.uint8)
    # its blurred rim too
    cleared: _Grey = np.where(cv2.dilate(lid, np.ones((5, 5), np.uint8)) > 0, np.uint8(255), grey)
    return cleared
