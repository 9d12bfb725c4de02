"""The forms that are known: one file per version, found by being in the folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path

from pipeline.domain import CellKey, FormSpec
from pipeline.errors import FormError
from pipeline.forms.spec import LAST_YEAR, parse_form

FOLDER = Path(__file__).parent


def load_forms(folder: Path | None = None) -> tuple[FormSpec, ...]:
    """Return every form of a folder, oldest version first; without a folder, the forms that come with the package.

    Raises:
        FormError: naming every file with a fault, and what the faults are.
    """
    return _shipped() if folder is None else _read_folder(folder)


@cache
def _shipped() -> tuple[FormSpec, ...]:
    return _read_folder(FOLDER)


def _read_folder(folder: Path) -> tuple[FormSpec, ...]:
    faults: list[str] = []
    forms: list[FormSpec] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            form = parse_form(path.read_text(encoding="utf-8"), path.name)
        except FormError as error:
            faults.append(error.cause)
        except UnicodeDecodeError as error:
            faults.append(f"{path.name}: not UTF-8 at byte {error.start}")
        else:
            forms.append(form)
            if path.stem != form.id:
                faults.append(f"{path.name}: holds the form {form.id}; the name must be {form.id}.yaml")
    faults.extend(_overlaps(forms))
    if not forms and not faults:
        faults.append(f"{folder}: no form file (*.yaml)")
    if faults:
        raise FormError("\n".join(faults), "docs/decisions/0002 describes form files.")
    return tuple(sorted(forms, key=lambda form: (_family(form), form.valid_from)))


def form_by_id(form_id: str) -> FormSpec:
    """Return a form of the package.

    Raises:
        FormError: when there is none of that id; the message names those there are.
    """
    forms = {form.id: form for form in load_forms()}
    if form_id not in forms:
        raise FormError(f"There is no form {form_id}", f"Known forms: {', '.join(forms)}.")
    return forms[form_id]


def cell_units(form: FormSpec) -> Mapping[CellKey, str]:
    """Return the unit the form counts each cell in, empty where it prints none; every cell is named."""
    return {
        CellKey(table.id, row.id, column.id): row.units.get(column.id, row.unit)
        for table in form.tables
        for block in table.blocks
        for row in block.rows
        for column in block.columns
    }


def counted_cells(form: FormSpec) -> frozenset[CellKey]:
    """The cells in which single things are counted, so that no figure has a fraction: all units but those of money."""
    return frozenset(key for key, unit in cell_units(form).items() if unit and "元" not in unit)


def _family(form: FormSpec) -> str:
    return form.id.rpartition("-")[0]


def _overlaps(forms: Iterable[FormSpec]) -> list[str]:
    """Two versions of one family may not both be in force; the years are report years, both ends included."""
    return [
        f"{one.id}.yaml and {other.id}.yaml: both valid in {max(one.valid_from, other.valid_from)}"
        for one, other in combinations(forms, 2)
        if _family(one) == _family(other)
        and max(one.valid_from, other.valid_from) <= min(_last_year(one), _last_year(other))
    ]


def _last_year(form: FormSpec) -> int:
    return LAST_YEAR if form.valid_to is None else form.valid_to
