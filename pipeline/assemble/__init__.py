"""From readings to statutory cells: printed rows, the form they belong to, and the cells of each report."""

from pipeline.assemble.answers import FormAnswer, RowAnswer, same_place
from pipeline.assemble.cells import FORM_SAID, build_cells, parse_readings
from pipeline.assemble.placement import MappedReport, Placement, map_reports
from pipeline.assemble.titles import Title, read_titles

__all__ = [
    "FORM_SAID",
    "FormAnswer",
    "MappedReport",
    "Placement",
    "RowAnswer",
    "Title",
    "build_cells",
    "map_reports",
    "parse_readings",
    "read_titles",
    "same_place",
]
