"""The reviewer's round trip: what a person is asked, in which order, and what comes back."""

from pipeline.review.incoming import keep_answers
from pipeline.review.items import (
    Item,
    Kind,
    Level,
    box_of,
    cell_id,
    figures_id,
    form_id,
    forms_to_choose,
    labels,
    lines_of,
    order,
    row_id,
    rows_id,
    rows_on_pages,
)
from pipeline.review.page import page
from pipeline.review.questions import items_of
from pipeline.review.table import NUMBER_COLUMNS, REVIEW_COLUMNS, item_row

__all__ = [
    "NUMBER_COLUMNS",
    "REVIEW_COLUMNS",
    "Item",
    "Kind",
    "Level",
    "box_of",
    "cell_id",
    "figures_id",
    "form_id",
    "forms_to_choose",
    "item_row",
    "items_of",
    "keep_answers",
    "labels",
    "lines_of",
    "order",
    "page",
    "row_id",
    "rows_id",
    "rows_on_pages",
]
