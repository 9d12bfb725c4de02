#!/usr/bin/env python3
"""Prints the start of a form file for a new version of the statute: the version in force, to be amended.

A new version amends the one before it, so that one's tables are the best beginning. What must be looked up stands as
TODO, which the loader refuses until it is filled in.

    python scripts/new_form.py ogi-2027 > pipeline/forms/ogi-2027.yaml

Then end the validity of the version before, and write what its rules mean in tests/forms/cases/ogi-2027.yaml.
"""

from __future__ import annotations

import argparse
import re

from pipeline.forms.catalog import FOLDER, load_forms

_LOOKED_UP = ("legal_reference", "issued", "valid_from")


def skeleton(form_id: str, text: str) -> str:
    """Return the text of a form file with the id of the new version and what must be looked up left open."""
    text = re.sub(r"\A(#.*\n)+\n", "# TODO: the reports this form is for, and what it changes.\n\n", text)
    text = re.sub(r"^id: .*", f"id: {form_id}", text, count=1, flags=re.MULTILINE)
    for key in _LOOKED_UP:
        text = re.sub(rf"^{key}: .*", f"{key}: {{TODO}}", text, count=1, flags=re.MULTILINE)
    return re.sub(r"^valid_to: .*", "valid_to: null", text, count=1, flags=re.MULTILINE)


def main() -> None:
    """Print the skeleton to standard output."""
    parser = argparse.ArgumentParser(description="Print the start of a form file for a new version of the statute.")
    parser.add_argument("form_id", help="id of the new version: family and first year, such as ogi-2027")
    form_id = parser.parse_args().form_id
    family = form_id.rpartition("-")[0]
    versions = [form for form in load_forms() if form.id.rpartition("-")[0] == family] or load_forms()
    print(skeleton(form_id, (FOLDER / f"{versions[-1].id}.yaml").read_text(encoding="utf-8")), end="")


if __name__ == "__main__":
    main()
