"""``nianbao forms``: the statutory forms that are known."""

from __future__ import annotations

import typer

from pipeline.commands import console

app = typer.Typer(help="List the statutory forms, or show one.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_forms() -> None:
    """List the forms: id, report years, cells, rules, legal reference and title, separated by tabs."""
    from pipeline.forms import load_forms

    for form in load_forms():
        years = f"{form.valid_from}-{'' if form.valid_to is None else form.valid_to}"
        sizes = f"{len(form.keys())} cells\t{len(form.rules)} rules"
        console.write(f"{form.id}\t{years}\t{sizes}\t{form.legal_reference}\t{form.title}\n")


@app.command("show")
def show(form_id: str = typer.Argument(metavar="ID", help="As in the first column of `nianbao forms list`.")) -> None:
    """Show the cells of a form (ids, unit, row and column label as printed), then its rules, separated by tabs."""
    from pipeline.forms import cell_units, form_by_id
    from pipeline.review import labels

    form = form_by_id(form_id)
    units, printed = cell_units(form), labels(form)
    keys = form.keys()
    for key in keys:
        ids = f"{key.table_id}\t{key.row_id}\t{key.column_id}"
        console.write("\t".join((ids, units[key], *printed[key])) + "\n")
    for rule in form.rules:
        console.write(f"{rule.id}\t{rule.kind}\t{rule.text}\t{rule.reference}\n")
