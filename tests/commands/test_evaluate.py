"""What ``nianbao evaluate`` prints and writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline.commands import app
from pipeline.errors import UsageError
from pipeline.spreadsheet import read

CELLS = "source,form_id,table_id,row_id,column_id,value,status,mark,confidence,page,x0,y0,x1,y1"
TRUTH = "source,form_id,table_id,row_id,column_id,value,blank,level,damage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cells = [f"a.pdf,f,t,r,c{n},1,accepted,number,0.9995,1,0,0,9,9" for n in range(20)]
    cells += ["a.pdf,f,t,r,wrong,-7,accepted,number,0.97,1,0,0,9,9", "a.pdf,f,t,r,doubt,7,review,number,0.4,,,,,"]
    (tmp_path / "cells.csv").write_text("\n".join([CELLS, *cells]) + "\n")
    truth = [f"a.pdf,f,t,r,{name},1,0,2,fax" for name in (*(f"c{n}" for n in range(20)), "wrong", "doubt")]
    (tmp_path / "truth.csv").write_text("\n".join([TRUTH, *truth]) + "\n")
    return tmp_path


def evaluate(folder: Path, *options: str) -> str:
    done = CliRunner().invoke(
        app, ["evaluate", str(folder), str(folder / "truth.csv"), *options], catch_exceptions=False
    )
    assert done.exit_code == 0
    return done.stdout


def test_it_tells_how_far_the_confidences_can_be_trusted(folder: Path) -> None:
    text = evaluate(folder)
    assert "silent errors: 1; repaired: 0, of which wrong: 0" in text
    assert "expected calibration error: 0.0" in text
    assert "area under the risk-coverage curve" in text
    assert "1 of 21 wrong, risk 0.047619, at most 0.206725" in text


def test_json_has_all_of_it(folder: Path) -> None:
    result = json.loads(evaluate(folder, "--json"))
    assert result["silent_errors"][0]["read"] == "-7"
    assert result["reliability"]["curve"][-1] == {"confidence": 0.4, "coverage": 1.0, "risk": 2 / 22}
    assert result["identities"]["checked"] == 0


def test_silent_errors_go_into_a_file(folder: Path) -> None:
    evaluate(folder, "--wrong", str(folder / "wrong.csv"))
    evaluate(folder, "--wrong", str(folder / "wrong.csv"))
    (row,) = read(folder / "wrong.csv", ("source", "page"))
    assert (row["column_id"], row["printed"], row["read"], row["confidence"]) == ("wrong", "1", "-7", "0.9700")
    assert (row["page"], row["x1"], row["damage"]) == ("1", "9.0", "fax")
    with (folder / "wrong.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["read"] == "-7"  # a number, no formula to be protected from


def test_charts_go_into_a_picture(folder: Path) -> None:
    evaluate(folder, "--plot", str(folder / "chart.png"))
    with Image.open(folder / "chart.png", formats=("PNG",)) as image:
        assert image.width == 2 * image.height
        assert len(image.convert("RGB").getcolors(1 << 20) or ()) > 4


def test_without_confidences_there_is_nothing_to_draw(folder: Path) -> None:
    path = folder / "cells.csv"
    path.write_text(path.read_text().replace(",confidence,", ",other,"))
    with pytest.raises(UsageError, match="no confidences"):
        evaluate(folder, "--plot", str(folder / "chart.png"))
