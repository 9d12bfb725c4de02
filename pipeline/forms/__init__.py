"""The statute as data: every version of the statutory form, its cells, labels, units and rules."""

from pipeline.forms.catalog import cell_units, counted_cells, form_by_id, load_forms
from pipeline.forms.spec import parse_form

__all__ = ["cell_units", "counted_cells", "form_by_id", "load_forms", "parse_form"]
