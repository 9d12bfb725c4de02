"""A digit that is hidden: by a drop of ink, a pen that went back and forth, or because it was rubbed to a smear.

Readers take such a patch for the digit that is most like it, a 0 as a rule, and may well agree. What they say of it is
no evidence; where it is and how large tells that a digit stands there, and the others beside it can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import Alternative, BoundingBox, Mark, Pixels, Reading
from pipeline.ocr.crops import Ink, Mask
from pipeline.ocr.specks import FEWEST, height
from pipeline.values import parse_value

# How broad ink is at least where it hides something, in terms of the broadest strokes of nine in ten figures of the
# page: a solid square of the first, of which the last is left where strokes are worn away that are broader than figures
# have by that factor. From the second on no figure is as broad that is as dark as a blot, or paler than print.
_BROADER, _BROAD, _WORN = 1.4, 1.75, 1.25
# How dark a blot is, in terms of the usual ink of figures, and from where on figures are. What is darker than the last
# is no print, were it as broad as the broadest: on pale pages ink that is spilt stands out.
_DARK, _PALE, _DARKEST = 1.3, 0.8, 1.75
# A patch over a digit is no wider than this, in terms of the height of figures; two narrow digits under it are not
# excluded by what is said of one: to `pipeline.reconcile` a digit may be lost beside those that are listed. Blots are
# no wider than the second.
_WIDEST, _WIDEST_BLOT = 1.75, 4.0
_LOWEST = 0.5  # its height at least; broad dashes are no higher
# How far beyond the rules of the cell the patch is followed, in terms of the height of figures: blots reach over rules,
# and strokes of seals and watermarks go on there.
_AROUND = 0.75
# Within a square as large as a patch darkness varies no more than this, in terms of its mean; strokes that fill four
# fifths of a square vary as much.
_UNEVEN = 0.5
_FAINTEST = 0.15  # how dark a patch is at least, in terms of the usual ink; most of what shines through is paler
# So many patches of one page, paler than the second, are print of its back, and so is what is no darker than the third
# times the middle one. On seven pages with such print patches have 0.15 to 0.21, and up to 0.32 where lines overlap.
_MANY, _BACK, _OF_BACK = 5, 0.3, 1.5
_PRINT = 1.6  # how much darker than a smear print beside it is at least
_FILLED = 0.45  # how high a patch fills its columns at least, in terms of the highest; strokes that touch it do less
# What is darker than the paper of the table by so much of the usual ink covers most of its cell.
_COVERED, _STRIDE = 0.5, 8
_HALO = 2  # pixels around a patch that are darker for it
_LEGIBLE, _BLANK = 0.9, 0.98  # what is less sure is hardly read; a blank is for what is paler than print in it
# The digits that may be hidden were seen by nobody, what stands beside them was: so much of both that it counts as
# legible to `pipeline.reconcile`, which shares what is unread among them. One that stands alone is as often a 0 as not.
# What was seen comes first: no digit is what was read.
_UNSEEN, _IN_PART = 0.12, 0.07
_NOUGHT = 0.5
_TAKEN_FOR = 0.05  # what a blot was taken for, with all that it hides: too little to count as legible
_HIDDEN = "?"

NAME = "hidden"
"""Names this way of reading a cell beside its readers."""


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The picture of a cell in two: what stands before and behind its hidden digit.

    Attributes:
        darkness, breadth: how dark and how broad what hides it is, in terms of the usual ink and of the broadest
            strokes of figures.
        one_digit: whether it hides no more than one digit.
        of_back: whether it is as pale as what shines through the page in many cells.
    """

    before: Pixels
    behind: Pixels
    darkness: float
    breadth: float
    one_digit: bool
    of_back: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is no print, nor what is left of a seal, whatever was read: too broad, and darker or paler."""
        if self.darkness >= _DARKEST:
            return self.breadth >= _BROADER
        return self.breadth >= _BROAD and not _PALE <= self.darkness < _DARK and not self.of_back

    @property
    def is_blot(self) -> bool:
        """Whether it surely hides something: ink that is spilt is darker than print."""
        return self.is_plain and self.darkness >= _DARK

    def may_hide(self, seen: Reading) -> bool:
        """Whether it may hide a digit of a cell that was read so: beside what is hardly read it need not be plain.

        Nor need it be in a cell that is blank only because what is in it is paler than print.
        """
        unlike_print = self.breadth >= _BROADER or self.darkness < _PALE
        doubted = seen.probability < (_LEGIBLE if seen.text else _BLANK)
        return self.is_plain or (doubted and unlike_print)


@dataclass(frozen=True, slots=True)
class _Print:
    """The usual figures of a page.

    Attributes:
        breadth: of their broadest strokes, from their middle to the side, pixels.
        tall: height in pixels.
        darkness: by how much they are darker than the paper, grey levels.
    """

    breadth: float
    tall: float
    darkness: float


def around_hidden(cells: Mapping[int, tuple[Pixels, BoundingBox]], figures: Sequence[Ink]) -> dict[int, Around]:
    """What stands around the hidden digit in those of some cells, by their number, that have one.

    Args:
        cells: grey pictures of tables, shape (h, w), and where in them the cells are, inside their rules, in pixels.
        figures: the ink of cells of the page that surely hold figures; where they are few nothing is known.
    """
    if len(figures) < FEWEST:
        return {}
    usual = _Print(
        float(np.percentile([_breadths(ink.mask).max() for ink in figures], 90)),
        float(np.median([height(ink) for ink in figures])),
        float(np.median([ink.contrast for ink in figures])),
    )
    grounds = {id(picture): int(np.median(picture[::_STRIDE, ::_STRIDE])) for picture, _ in cells.values()}
    found = {i: _around(picture, box, usual, grounds[id(picture)]) for i, (picture, box) in cells.items()}
    seen = {i: around for i, around in found.items() if around is not None}
    pale = [around.darkness for around in seen.values() if around.darkness < _BACK]
    back = _OF_BACK * float(np.median(pale)) if len(pale) >= _MANY else 0.0
    return {i: replace(around, of_back=around.darkness <= back) for i, around in seen.items()}


def hidden_reading(around: Around, before: Reading, behind: Reading, seen: Reading) -> Reading | None:
    """The reading of a figure of which one digit is hidden: the others, as in `1?4`, and any of ten, none of them seen.

    Where a blot hides more than a digit, or what stands around it cannot be read or is no figure with a digit, any
    figure may be under it, `?`, what was read there among them. What is no blot may well be that: then it is None.

    Args:
        before, behind: what was read around it.
        seen: what was read of the cell as it is; that this looked at it too is said of the reader, so that nobody is
            asked about the patch again.
    """
    legible = around.one_digit and min(before.probability, behind.probability) >= _LEGIBLE
    reader = f"{seen.reader}+{NAME}"
    digit = any_digit(before.text, behind.text, reader) if legible else None
    if digit is not None or not around.is_blot:
        return digit
    read = sum(each.probability for each in seen.alternatives)
    share = _TAKEN_FOR / max(read, _TAKEN_FOR)
    taken_for = (replace(each, probability=each.probability * share) for each in seen.alternatives)
    return Reading((Alternative(_HIDDEN, _IN_PART), *taken_for), reader)


def any_digit(before: str, behind: str, reader: str) -> Reading | None:
    """The reading of a figure with a digit that nobody saw between what is legible of it; None where it is none."""
    texts = [f"{before}{digit}{behind}" for digit in range(10)]
    figures = [text for text in texts if parse_value(text).mark is Mark.NUMBER]
    if not figures:
        return None
    in_part = Alternative(f"{before}{_HIDDEN}{behind}", _IN_PART)
    nought = _NOUGHT if "0" in figures else 0.0
    others = (1.0 - nought) / max(1, len(figures) - (nought > 0.0))
    shares = [nought if text == "0" else others for text in figures]
    unseen = (Alternative(text, _UNSEEN * share) for text, share in zip(figures, shares, strict=True))
    return Reading((in_part, *unseen), reader)


def _around(picture: Pixels, box: BoundingBox, usual: _Print, ground: int) -> Around | None:
    """As `around_hidden` for one cell; ``ground`` is the grey level of the table's paper."""
    x0, y0, x1, y1 = (max(0, round(side)) for side in (box.x0, box.y0, box.x1, box.y1))
    crop = picture[y0:y1, x0:x1]
    paper = int(np.median(crop)) if crop.size else 0
    if ground - paper > _COVERED * usual.darkness:
        paper = ground
    square = _solid_square(crop, paper, usual)
    if square is None:
        return None
    margin = round(_AROUND * usual.tall)
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    around = picture[top : y1 + margin, left : x1 + margin]
    # Without noise, which makes holes in what is pale, and without thin strokes that touch it.
    smooth = cv2.medianBlur(around, 2 * round(usual.breadth) + 1)
    found = _patch(smooth < paper - square.darkness / 2, square.at(x0 - left, y0 - top), usual)
    if found is None:
        return None
    patch, breadth = found
    wide = patch.width > _WIDEST * usual.tall
    x, y = left + (patch.x0 + patch.x1) / 2, top + (patch.y0 + patch.y1) / 2
    if not (x0 <= x < x1 and y0 <= y < y1):
        return None
    # A blot also lies over a part of the digits beside it.
    blot = square.darkness >= _DARK * usual.darkness
    if wide and not blot:
        return None
    ends = (patch.x0, patch.x1 - 1) if blot else _ends(_as_dark(around, paper, square), patch)
    first, last = (round(side) + left - x0 for side in ends)
    before, behind = slice(max(0, first - _HALO), None), slice(max(0, last + 1 + _HALO))
    parts = _painted(crop, before, paper), _painted(crop, behind, paper)
    return Around(*parts, square.darkness / usual.darkness, breadth / usual.breadth, one_digit=not wide)


def _as_dark(picture: Pixels, paper: int, square: _Square) -> Mask:
    """Where a picture is about as dark as a square of it: print beside a smear is darker."""
    darkness = np.float32(paper) - picture
    return (darkness > square.darkness / 2) & (darkness < _PRINT * square.darkness)


def _ends(dark: Mask, patch: BoundingBox) -> tuple[int, int]:
    """First and last of the columns in a row that a patch fills to some height; what only touches it is not its own.

    Args:
        dark: where the picture, not smoothed, is as dark as the patch.
    """
    rows = slice(max(0, round(patch.y0)), round(patch.y1))
    columns = np.arange(max(0, round(patch.x0)), min(dark.shape[1], round(patch.x1)))
    heights = dark[rows, columns].mean(axis=0)
    gaps = np.flatnonzero(heights < _FILLED * heights.max())
    highest = int(heights.argmax())
    first = gaps[gaps < highest].max(initial=-1) + 1
    last = gaps[gaps > highest].min(initial=len(columns)) - 1
    return int(columns[first]), int(columns[last])


@dataclass(frozen=True, slots=True)
class _Square:
    """A square of a picture: its place and size in pixels, and by how much it is darker than paper."""

    x: int
    y: int
    side: int
    darkness: float

    def at(self, x: int, y: int) -> tuple[slice, slice]:
        """Its rows and columns in a picture that the one it was found in is a part of, from a place on."""
        return slice(y + self.y, y + self.y + self.side), slice(x + self.x, x + self.x + self.side)


def _solid_square(crop: Pixels, paper: int, usual: _Print) -> _Square | None:
    """The darkest square of a crop, as large as the smallest patch, that is evenly dark, as strokes never make it."""
    side, faintest = round(2 * _BROADER * usual.breadth), _FAINTEST * usual.darkness
    if min(crop.shape) <= side:
        return None
    before = side // 2
    within = tuple(slice(before, length - (side - before) + 1) for length in crop.shape)
    if paper - int(cv2.blur(crop, (side, side))[within].min()) < faintest:
        return None
    darkness = np.float32(paper) - cv2.blur(crop, (3, 3))
    mean, squares = (cv2.boxFilter(each, cv2.CV_32F, (side, side))[within] for each in (darkness, darkness**2))
    solid = np.where(squares <= (1.0 + _UNEVEN**2) * mean**2, mean, 0.0)
    row, column = np.unravel_index(int(solid.argmax()), solid.shape)
    darkest = float(solid[row, column])
    return _Square(int(column), int(row), side, darkest) if darkest >= faintest else None


def _breadths(mask: Mask) -> np.ndarray:
    """How far each pixel of ink is from the nearest paper, shape (h, w)."""
    return np.asarray(cv2.distanceTransform(np.pad(mask.view(np.uint8), 1), cv2.DIST_L2, 5))[1:-1, 1:-1]


def _patch(dark: Mask, square: tuple[slice, slice], usual: _Print) -> tuple[BoundingBox, float] | None:
    """What is too broad for strokes in a cell and its surroundings, and how broad, from its middle to the side.

    None where it is not of a digit's size.

    Args:
        dark: where the picture is dark, shape (h, w).
        square: rows and columns that it covers most of.
    """
    breadths = _breadths(dark)
    reach = round(_WORN * usual.breadth)
    labels, boxes = patches.label((breadths > reach).view(np.uint8))
    if not labels[square].any():
        return None
    number = int(np.bincount(labels[square].ravel())[1:].argmax()) + 1
    left, top, width, height = (int(each) for each in boxes[number][:4])
    patch = BoundingBox(left - reach, top - reach, left + width + reach, top + height + reach)
    if patch.width > _WIDEST_BLOT * usual.tall or patch.height < _LOWEST * usual.tall:
        return None
    within = min(patch.x0, patch.y0, dark.shape[1] - patch.x1, dark.shape[0] - patch.y1) > 0
    return (patch, float(breadths[labels == number].max())) if within else None


def _painted(crop: Pixels, columns: slice, paper: int) -> Pixels:
    painted = crop.copy()
    painted[:, columns] = paper
    return painted
