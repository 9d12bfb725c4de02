"""How far a cell may be relied on: one probability from all that is known about it, and the status it gives."""

from pipeline.confidence.company import Company, company_of
from pipeline.confidence.evidence import COLUMN_SURE, DISBELIEVED, PALE, VOUCHING, Evidence
from pipeline.confidence.judging import COLUMN_IN_DOUBT, ROW_IN_DOUBT, judge
from pipeline.confidence.model import MODEL, ConfidenceModel, Threshold, load

__all__ = [
    "COLUMN_IN_DOUBT",
    "COLUMN_SURE",
    "DISBELIEVED",
    "MODEL",
    "PALE",
    "ROW_IN_DOUBT",
    "VOUCHING",
    "Company",
    "ConfidenceModel",
    "Evidence",
    "Threshold",
    "company_of",
    "judge",
    "load",
]
