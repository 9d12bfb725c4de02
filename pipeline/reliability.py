"""How far stated confidences can be trusted: reliability, calibration error, and risk against coverage.

Reliability table and expected calibration error follow Naeini, Cooper & Hauskrecht, "Obtaining Well Calibrated
Probabilities Using Bayesian Binning" (AAAI 2015) and Guo et al., "On Calibration of Modern Neural Networks" (ICML
2017); the risk-coverage curve and the area under it El-Yaniv & Wiener, "On the Foundations of Noise-free Selective
Classification" (JMLR 2010); the bound Clopper & Pearson (Biometrika 1934).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EDGES = (0.0, 0.5, 0.9, 0.97, 0.99, 0.999, 0.9999)
"""Lower ends of the bins of the reliability table; the last one includes 1."""

BOUND_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """A cell with its confidence (0 to 1), whether it is right, and whether it is accepted without a look at it."""

    confidence: float
    right: bool
    accepted: bool


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cells whose confidence is at least ``low`` and below ``high`` (the last bin: at most ``high``)."""

    low: float
    high: float
    cells: int
    mean_confidence: float | None
    share_right: float | None


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Of all cells, the share ``coverage`` has at least this confidence; the share ``risk`` of those is wrong."""

    confidence: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidences against what turned out right.

    Attributes:
        cells: cells with a confidence.
        bins: the reliability table.
        calibration_error: expected calibration error over ``calibration_bins`` bins of equal mass.
        curve: risk by coverage, most confident first; one point for each confidence that occurs.
        area: area under the curve (AURC).
        coverage: share of the cells that is accepted.
        accepted, wrong: cells accepted, and those of them that are wrong.
        risk: share of the accepted cells that is wrong, None when none is accepted.
        risk_bound: with a confidence of 95 % the risk is not higher, if errors fall independently of each other.
    """

    cells: int
    bins: tuple[ReliabilityBin, ...]
    calibration_error: float
    calibration_bins: int
    curve: tuple[RiskPoint, ...]
    area: float
    coverage: float
    accepted: int
    wrong: int
    risk: float | None
    risk_bound: float

    def risk_at(self, coverage: float) -> RiskPoint:
        """The first point of the curve that covers at least this share."""
        return next((point for point in self.curve if point.coverage >= coverage), self.curve[-1])


@dataclass(frozen=True, slots=True)
class _Level:
    """All cells of one confidence."""

    confidence: float
    cells: int
    wrong: int


def measure(judged: Iterable[Judged], calibration_bins: int = 15) -> Reliability | None:
    """Compare confidences with what is right; None when there are no cells."""
    cells = tuple(judged)
    if not cells:
        return None
    counted = Counter(cell.confidence for cell in cells)
    missed = Counter(cell.confidence for cell in cells if not cell.right)
    levels = [_Level(confidence, counted[confidence], missed[confidence]) for confidence in sorted(counted)]
    accepted = sum(cell.accepted for cell in cells)
    wrong = sum(cell.accepted and not cell.right for cell in cells)
    return Reliability(
        cells=len(cells),
        bins=_table(levels),
        calibration_error=_calibration_error(levels, calibration_bins),
        calibration_bins=calibration_bins,
        curve=_curve(levels),
        area=_area(levels),
        coverage=accepted / len(cells),
        accepted=accepted,
        wrong=wrong,
        risk=wrong / accepted if accepted else None,
        risk_bound=upper_bound(wrong, accepted),
    )


def upper_bound(wrong: int, cells: int, level: float = BOUND_LEVEL) -> float:
    """One-sided upper bound of a share by Clopper and Pearson; 1 when nothing was seen."""
    from scipy.special import betaincinv

    return float(betaincinv(wrong + 1, cells - wrong, level)) if wrong < cells else 1.0


def _table(levels: Sequence[_Level]) -> tuple[ReliabilityBin, ...]:
    bins = []
    for low, high in zip(EDGES, (*EDGES[1:], 1.0), strict=True):
        inside = [each for each in levels if low <= each.confidence and (each.confidence < high or high == 1.0)]
        cells, mean, right = _totals(inside)
        bins.append(ReliabilityBin(low, high, cells, mean if cells else None, right if cells else None))
    return tuple(bins)


def _totals(levels: Sequence[_Level]) -> tuple[int, float, float]:
    """Number of cells, mean confidence and share right; zeros when there are none."""
    cells = sum(each.cells for each in levels)
    if not cells:
        return 0, 0.0, 0.0
    mean = sum(each.confidence * each.cells for each in levels) / cells
    return cells, mean, 1 - sum(each.wrong for each in levels) / cells


def _calibration_error(levels: Sequence[_Level], bins: int) -> float:
    """Mean distance between confidence and share right over bins of equal mass.

    Cells of one confidence stay together: a bin ends with the confidence that fills it.
    """
    total = sum(each.cells for each in levels)
    error = 0.0
    held: list[_Level] = []
    seen, closed = 0, 0
    for each in levels:
        held.append(each)
        seen += each.cells
        if seen * bins >= total * (closed + 1):
            cells, mean, right = _totals(held)
            error += cells / total * abs(mean - right)
            held = []
            closed = seen * bins // total
    return error


def _curve(levels: Sequence[_Level]) -> tuple[RiskPoint, ...]:
    total = sum(each.cells for each in levels)
    cells = wrong = 0
    points = []
    for each in reversed(levels):
        cells += each.cells
        wrong += each.wrong
        points.append(RiskPoint(each.confidence, cells / total, wrong / cells))
    return tuple(points)


def _area(levels: Sequence[_Level]) -> float:
    """Mean of the risk over all coverages; cells of one confidence come in random order, of which this is the mean."""
    total = sum(each.cells for each in levels)
    cells = wrong = 0
    area = 0.0
    for each in reversed(levels):
        area += sum((wrong + each.wrong * n / each.cells) / (cells + n) for n in range(1, each.cells + 1))
        cells += each.cells
        wrong += each.wrong
    return area / total
