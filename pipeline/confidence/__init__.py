"""How far a cell may be relied on: one probability from all that is known about it, and the status it gives."""

from pipeline.confidence.evidence import VOUCHING, Evidence
from pipeline.confidence.judging import COLUMN_IN_DOUBT, ROW_IN_DOUBT, judge
from pipeline.confidence.model import MODEL, ConfidenceModel, Threshold, load

__all__ = [
    "COLUMN_IN_DOUBT",
    "MODEL",
    "ROW_IN_DOUBT",
    "VOUCHING",
    "ConfidenceModel",
    "Evidence",
    "Threshold",
    "judge",
    "load",
]
