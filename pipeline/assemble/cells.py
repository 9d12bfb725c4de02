"""Statutory cells of one report: every cell of its form exactly once, found or missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.assemble.placement import MappedReport
from pipeline.domain import Cell, CellKey, Judgement, Mark, Reading, Status, TableReading, Value
from pipeline.forms import cell_units
from pipeline.values import parse_value

FORM_SAID = "the cell was not found on any page, and a person has said that the report is on this form"
"""Why a cell is missing that may be printed all the same."""
# An alternative below this probability says nothing to a reviewer.
_SHOWN = 0.001


def parse_readings(readings: Mapping[CellKey, Reading]) -> dict[CellKey, Value]:
    """The value of each cell that was found, parsed from its best reading."""
    return {key: parse_value(reading.text) for key, reading in readings.items()}


def build_cells(
    report: MappedReport,
    tables: Sequence[TableReading],
    readings: Mapping[CellKey, Reading],
    judgements: Mapping[CellKey, Judgement],
) -> tuple[Cell, ...]:
    """Make the cells of a report.

    Args:
        tables: the tables of the document; placements refer to them by position.
        readings: the final reading of each cell that was found.
        judgements: of each cell that was found, or given by a person; the value they settle on goes before the one
            that was read.
    """
    units = cell_units(report.form)
    values = parse_readings(readings)
    cells = []
    for key in report.form.keys():  # noqa: SIM118 -- a form is not a mapping
        if key not in readings and key in judgements:
            judged = judgements[key]
            unit = units[key] if judged.value is not None and judged.value.mark is Mark.NUMBER else ""
            cells.append(Cell(key, judged.value, "", judged.status, judged.confidence, "", None, None, unit))
            continue
        if key not in readings:
            reason = FORM_SAID if report.form_said else "the cell was not found on any page"
            cells.append(Cell(key, None, "", Status.MISSING, 0.0, "", None, None, units[key], "", (reason,)))
            continue
        placement = report.placements[key]
        table = tables[placement.table]
        judged = judgements[key]
        value = judged.value or values[key]
        cells.append(
            Cell(
                key=key,
                value=value,
                raw_text=readings[key].text,
                status=judged.status,
                confidence=judged.confidence,
                reading=_describe(readings[key]),
                page=table.grid.page,
                box=table.places[placement.cell],
                unit=value.unit or (values[key].unit or units[key] if value.mark is Mark.NUMBER else ""),
                note=value.note,
                reasons=judged.reasons,
            )
        )
    return tuple(cells)


def _describe(reading: Reading) -> str:
    shown = [a for a in reading.alternatives if a.probability >= _SHOWN] or list(reading.alternatives[:1])
    return f"{reading.reader}: " + " | ".join(f"{a.text or '(blank)'} {a.probability:.3f}" for a in shown[:4])
