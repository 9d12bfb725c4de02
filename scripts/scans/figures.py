"""Random figures as agencies report them: mostly zeros, a few large ones, and every identity of the form kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from pipeline.domain import CellKey, FormSpec, RuleSpec, TableSpec

Figures = dict[CellKey, Decimal]

_SCALES = ("township", "county", "city", "province", "dense")
_SHARES = (0.26, 0.28, 0.20, 0.12, 0.14)
_EQUALITIES = ("sum", "carry_over")


@dataclass(frozen=True, slots=True)
class Drawn:
    """The figures of one report and the cells that were falsified on purpose."""

    figures: Mapping[CellKey, Decimal]
    guilty: frozenset[CellKey] = frozenset()


def draw_figures(form: FormSpec, rng: np.random.Generator, errors: int = 0) -> Drawn:
    """Figures for every cell of a form.

    Args:
        form: the form.
        rng: where chance comes from.
        errors: how many cells to falsify so that identities break; 0 keeps them all.
    """
    scale = str(rng.choice(_SCALES, p=_SHARES))
    figures: Figures = {}
    for table in form.tables:
        match table.id:
            case "requests":
                figures |= _requests(table, scale, rng)
            case "reviews":
                figures |= _reviews(table, scale, rng)
            case "statistics":
                figures |= _statistics(table, scale, rng)
            case _:
                figures |= _disclosure(table, scale, rng)
    figures = {key: figures[key] for key in form.keys()}  # noqa: SIM118
    return _falsify(form, figures, errors, rng) if errors else Drawn(figures)


def broken_rules(rules: Iterable[RuleSpec], figures: Mapping[CellKey, Decimal]) -> list[str]:
    """Ids of the identities and inequalities that figures do not keep."""
    broken = []
    for rule in rules:
        left, right = (sum((figures[key] for key in side), Decimal(0)) for side in (rule.left, rule.right))
        if (left != right) if rule.kind in _EQUALITIES else (left > right):
            broken.append(rule.id)
    return broken


def _falsify(form: FormSpec, figures: Figures, errors: int, rng: np.random.Generator) -> Drawn:
    """Change cells as clerks do: one more or less, digits swapped, a digit lost, a total forgotten."""
    equalities = [rule for rule in form.rules if rule.kind in _EQUALITIES]
    busy = [r for r in equalities if any(figures[k] for k in (*r.left, *r.right))] or equalities
    changed = dict(figures)
    guilty: set[CellKey] = set()
    while len(guilty) < errors:
        rule = busy[int(rng.integers(len(busy)))]
        cells = [key for key in (*rule.left, *rule.right) if key not in guilty]
        if not cells:
            continue
        key = cells[int(rng.integers(len(cells)))]
        old = changed[key]
        text = f"{abs(old):f}"
        choices = [old + 1, old + int(rng.integers(1, 9))]
        if old > 0:
            choices += [old - 1, Decimal(0)]
        if len(text) > 1 and "." not in text:
            choices += [Decimal(text[::-1]), Decimal(text[:-1]), Decimal(text[0] + text)]
        changed[key] = choices[int(rng.integers(len(choices)))]
        if changed[key] == old or not broken_rules([rule], changed):
            changed[key] = old
            continue
        guilty.add(key)
    return Drawn(changed, frozenset(guilty))


def _whole(rng: np.random.Generator, zero: float, mean: float) -> int:
    """A count: 0 with probability ``zero``, else log-normal around ``mean``."""
    if rng.random() < zero:
        return 0
    return max(1, int(mean * float(np.exp(rng.normal(0, 1.1)))))


def _money(rng: np.random.Generator, zero: float, mean: float) -> Decimal:
    """An amount with 0 to 6 decimals."""
    if rng.random() < zero:
        return Decimal(0)
    places = int(rng.choice([0, 1, 2, 2, 2, 3, 4, 4, 6]))
    amount = mean * float(np.exp(rng.normal(0, 1.6)))
    return max(Decimal(10) ** -places, Decimal(f"{amount:.{places}f}"))


def _split(total: int, parts: int, rng: np.random.Generator, few: float) -> list[int]:
    """Share a total out over parts; the smaller ``few``, the fewer parts get something."""
    if total == 0:
        return [0] * parts
    weights = rng.gamma(few, 1.0, parts) + 1e-9
    return [int(n) for n in rng.multinomial(total, weights / weights.sum())]


def _requests(table: TableSpec, scale: str, rng: np.random.Generator) -> Figures:
    block = table.blocks[0]
    rows = [row.id for row in block.rows]
    leaves = [row for row in rows if row not in ("received", "carried_in", "outcome_total", "carried_out")]
    applicants = [column.id for column in block.columns if column.id != "total"]
    person = {"township": 1.5, "county": 14, "city": 120, "province": 1500, "dense": 400}[scale]
    silent = {"township": 0.5, "county": 0.1, "city": 0.0, "province": 0.0, "dense": 0.0}[scale]
    grid = np.zeros((len(rows), len(applicants)), dtype=np.int64)
    for column in range(len(applicants)):
        if column == 0:
            received = _whole(rng, silent, person)
        else:
            likely = {"township": 0.97, "county": 0.85, "city": 0.6, "province": 0.3, "dense": 0.0}[scale]
            received = _whole(rng, likely, max(1.0, person * float(rng.uniform(0.02, 0.3))))
        carried_in = min(_whole(rng, 0.75, max(1.0, received * 0.08)), 5000) if received else 0
        carried_out = min(_whole(rng, 0.7, max(1.0, received * 0.08)), received + carried_in) if received else 0
        done = _split(received + carried_in - carried_out, len(leaves), rng, 1.2 if scale == "dense" else 0.25)
        grid[rows.index("received"), column] = received
        grid[rows.index("carried_in"), column] = carried_in
        grid[rows.index("carried_out"), column] = carried_out
        grid[rows.index("outcome_total"), column] = sum(done)
        for leaf, count in zip(leaves, done, strict=True):
            grid[rows.index(leaf), column] = count
    figures: Figures = {}
    for r, row in enumerate(rows):
        for c, column_id in enumerate(applicants):
            figures[CellKey(table.id, row, column_id)] = Decimal(int(grid[r, c]))
        figures[CellKey(table.id, row, "total")] = Decimal(int(grid[r].sum()))
    return figures


def _reviews(table: TableSpec, scale: str, rng: np.random.Generator) -> Figures:
    zero, mean = {
        "township": (0.97, 1),
        "county": (0.85, 2),
        "city": (0.6, 6),
        "province": (0.3, 40),
        "dense": (0.1, 60),
    }[scale]
    block = table.blocks[0]
    figures: Figures = {}
    for row in block.rows:
        total = 0
        for column in block.columns:
            if column.id != "total":
                count = _whole(rng, zero, mean)
                total += count
                figures[CellKey(table.id, row.id, column.id)] = Decimal(count)
        figures[CellKey(table.id, row.id, "total")] = Decimal(total)
    return figures


def _disclosure(table: TableSpec, scale: str, rng: np.random.Generator) -> Figures:
    """Rules and documents, licences, penalties, fees, procurement; the form prints no identity among them."""
    zero = {"township": 0.72, "county": 0.5, "city": 0.3, "province": 0.15, "dense": 0.05}[scale]
    mean = {"township": 6.0, "county": 40.0, "city": 900.0, "province": 20000.0, "dense": 60000.0}[scale]
    figures: Figures = {}
    for block in table.blocks:
        for row in block.rows:
            idle = rng.random() < zero
            for column in block.columns:
                key = CellKey(table.id, row.id, column.id)
                if idle or (row.id == "regulations" and scale in ("township", "county")):
                    figures[key] = Decimal(0)
                elif column.id == "amount":
                    figures[key] = _money(rng, 0.1, max(3.0, mean / 8))
                elif column.id == "items_change":
                    sign = 1 if rng.random() < 0.5 else -1
                    figures[key] = Decimal(sign * _whole(rng, 0.4, 12))
                elif column.id in ("decisions", "items"):
                    figures[key] = Decimal(min(_whole(rng, 0.1, mean), 9_999_999))
                else:
                    figures[key] = Decimal(_whole(rng, 0.15, 30))
            _close_documents(table.id, row.id, figures)
    return figures


def _close_documents(table_id: str, row_id: str, figures: Figures) -> None:
    """No more may be disclosed this year than ever, nor issued and in force less than issued."""
    for part, whole in (("disclosed", "disclosed_total"), ("issued", "in_force")):
        low, high = CellKey(table_id, row_id, part), CellKey(table_id, row_id, whole)
        if low in figures and high in figures:
            figures[high] = max(figures[high], figures[low])


def _statistics(table: TableSpec, scale: str, rng: np.random.Generator) -> Figures:
    zero = {"township": 0.55, "county": 0.35, "city": 0.2, "province": 0.1, "dense": 0.0}[scale]
    mean = {"township": 20.0, "county": 300.0, "city": 3000.0, "province": 60000.0, "dense": 4000.0}[scale]
    rows = {row.id: row for block in table.blocks for row in block.rows}
    of: dict[str, int] = dict.fromkeys(rows, 0)

    def draw(row: str, share: float, silent: float) -> int:
        return _whole(rng, silent, max(1.0, mean * share))

    for row in rows:
        if row.startswith("channel_"):
            of[row] = draw(row, 0.4, zero)
        elif row.startswith(("responses_", "policy_", "press_", "online_", "meetings", "training_", "complaints")):
            of[row] = draw(row, 0.02, max(zero, 0.3))
        elif row in ("offices", "reading_points", "staff_full_time", "staff_part_time"):
            of[row] = draw(row, 0.01, 0.15)
    channels = sum(count for row, count in of.items() if row.startswith("channel_"))
    of["disclosed"] = int(rng.integers(channels // 2, channels + 1))
    of["disclosed_normative_documents"] = int(rng.binomial(of["disclosed"], 0.05)) if of["disclosed"] < 10**6 else 900
    of["issued_normative_documents"] = of["disclosed_normative_documents"] + _whole(rng, 0.6, 3)
    for part, whole in (("press_conferences_led", "press_conferences"), ("online_interviews_led", "online_interviews")):
        of[part] = int(rng.integers(0, of[whole] + 1))
    of["trainees"] = of["training_sessions"] * int(rng.integers(5, 80))
    few = 1.2 if scale == "dense" else 0.3
    received = draw("applications_received", 0.02, max(zero, 0.2))
    _share_out(of, "applications_received", ["in_person", "fax", "online", "mail"], "applications_", received, rng, few)
    closed = min(received, max(0, received - _whole(rng, 0.7, 1)))
    _share_out(of, "applications_closed", ["on_time", "extended"], "closed_", closed, rng, few)
    replies = closed if rng.random() < 0.85 else max(0, closed - 1)
    kinds = [row.removeprefix("replies_") for row in rows if row.startswith("replies_")]
    _share_out(of, "replies", kinds, "replies_", replies, rng, few)
    reasons = [row.removeprefix("denied_") for row in rows if row.startswith("denied_")]
    _share_out(of, "replies_denied", reasons, "denied_", of["replies_denied"], rng, few)
    for whole, part in (("reconsiderations", "reconsideration_"), ("litigations", "litigation_")):
        _share_out(of, whole, ["upheld", "corrected", "other"], part, draw(whole, 0.005, max(zero, 0.6)), rng, few)
    of["staff"] = of["staff_full_time"] + of["staff_part_time"]
    figures = {CellKey(table.id, row, "value"): Decimal(count) for row, count in of.items()}
    figures[CellKey(table.id, "fees_collected", "value")] = _money(rng, 0.85, 0.4)
    figures[CellKey(table.id, "budget", "value")] = _money(rng, max(zero, 0.25), mean / 60 + 0.5)
    return figures


def _share_out(
    of: dict[str, int], whole: str, parts: list[str], prefix: str, total: int, rng: np.random.Generator, few: float
) -> None:
    of[whole] = total
    for part, count in zip(parts, _split(total, len(parts), rng, few), strict=True):
        of[prefix + part] = count
