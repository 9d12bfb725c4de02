"""The review page in a real browser, opened from the disk: answered by keyboard, exported, applied."""

from __future__ import annotations

import csv
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from typer.testing import CliRunner

from pipeline import dataset, review
from pipeline.commands import app
from pipeline.domain import BoundingBox, LabelContext, PlacedRow, Status
from pipeline.forms import form_by_id
from pipeline.review import Kind, items_of
from pipeline.spreadsheet import read
from scripts.browser import BROWSER, DRIVER, PACKAGES, chromium
from tests.printed_documents import FORM, content, extracted, scanned
from tests.reports import cell, extraction, form, missing, report

pytestmark = [
    pytest.mark.skipif(BROWSER is None or DRIVER is None, reason=f"apt-get install {PACKAGES}"),
    pytest.mark.xdist_group("browser"),
]
ROWS = (
    *("received", "carried_in", "granted", "granted_in_part", "other", "carried_out"),
    *("denied_state_secret", "denied_prohibited_by_law", "denied_internal_affairs"),
    *("unavailable_not_held", "unavailable_needs_creation", "not_processed_petition"),
)
FIGURES = {f"requests/{row}/natural_person": "3?8" if number < 6 else "1?7" for number, row in enumerate(ROWS)}
AGENCY = '</script><img src=x onerror="document.title=1">市=1+1局'


@dataclass(frozen=True)
class Page:
    """The page in the browser, with the folder that downloads go to."""

    driver: webdriver.Chrome
    downloads: Path

    def open(self, path: Path) -> None:
        self.driver.get(path.as_uri())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def part(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return str(self.part(name).text)

    def choices(self) -> list[str]:
        return [each.text for each in self.driver.find_elements(By.CSS_SELECTOR, "#choices button span")]

    def choose(self, name: str, text: str) -> None:
        self.driver.execute_script(
            "const s = document.getElementById(arguments[0]);"
            "s.value = [...s.options].find((o) => o.text === arguments[1]).value; s.dispatchEvent(new Event('change'))",
            name,
            text,
        )

    def export(self) -> Path:
        path = self.downloads / "review.csv"
        path.unlink(missing_ok=True)
        self.part("export").send_keys(Keys.ENTER)
        wait(path.exists)
        return path

    def complaints(self) -> list[Any]:
        return list(self.driver.get_log("browser"))


def wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not until():
        assert time.monotonic() < deadline, "the browser did not do it within ten seconds"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    downloads = tmp_path_factory.mktemp("downloads")
    with chromium(downloads) as driver:
        yield Page(driver, downloads)


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    yield browser
    browser.driver.execute_script("localStorage.clear()")  # pages opened from the disk share it


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extraction")
    extracted(folder, scanned(content(FIGURES)), kind="tiff")
    return folder


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "made")
    folder = tmp_path / "made" / "out"
    done = CliRunner().invoke(app, ["review", "page", str(folder), "--budget", "12"])  # pictures: where they were read
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith("12 of ")
    assert "12 with a picture" in done.stderr
    return folder


def test_ten_answers_by_keyboard_are_exported_applied_and_in_the_dataset(page: Page, out: Path) -> None:
    page.open(out / "review.html")
    picture = page.part("picture")
    wait(lambda: picture.get_property("naturalWidth"))
    page.part("reviewer").send_keys("王芳")
    page.press(Keys.ESCAPE)
    meant = {}
    # Each in another way: by number, by Enter and typing, after going back and forth, after taking an answer back.
    for number in range(10):
        asked = asked_about(page, out)
        if number % 3 == 0:
            place = page.choices().index("8" if "8" in page.choices() else "7") + 1
            meant[asked] = page.choices()[place - 1]
            page.press(str(place))
        elif number % 3 == 1:
            meant[asked] = str(1000 + number)
            page.press(Keys.ENTER, f"{1000 + number:,}", Keys.ENTER)
        else:
            meant[asked] = "slash"
            page.press("1", "u", str(page.choices().index("/ (slash)") + 1))
    page.press(Keys.ARROW_LEFT, Keys.ARROW_RIGHT)
    assert page.text("count") == "10 of 12; 2 left in this selection"
    assert page.complaints() == []

    exported = page.export()
    done = CliRunner().invoke(app, ["review", "apply", str(out), str(exported)])
    assert done.exit_code == 0, done.stderr
    cells = {(row["row_id"], row["column_id"]): row for row in read(out / "cells.csv", ["value"])}
    corrected = {name: row["value"] or row["mark"] for name, row in cells.items() if row["status"] == "corrected"}
    assert corrected == meant
    assert {row["reviewer"] for row in read(out / "corrections.csv", ["reviewer"])} == {"王芳"}
    left = {row["item_id"]: row["picture"] for row in read(out / "review.csv", ["picture"])}
    assert [name for name, picture in left.items() if picture] == [
        name for name in left if (out / "pictures" / f"{name}.png").exists()
    ]
    assert any(left.values())


def test_without_answers_the_export_is_that_of_the_command(page: Page, out: Path) -> None:
    page.open(out / "review.html")
    CliRunner().invoke(app, ["review", "export", str(out), "--budget", "12"])
    assert page.export().read_bytes() == (out / "review.csv").read_bytes()


def test_answers_stay_in_the_browser_until_the_page_is_made_anew(page: Page, out: Path) -> None:
    page.open(out / "review.html")
    page.press("1", "2")
    page.part("comment").send_keys("=看不清, 需核对")
    page.open(out / "review.html")
    assert page.text("count").startswith("2 of 12")
    assert page.text("heading") == "Question 3 of 12"
    third = list(csv.DictReader(page.export().open(encoding="utf-8-sig", newline="")))[2]
    assert (third["comment"], third["corrected_value"]) == ("'=看不清, 需核对", "")
    page.press("u", "u")
    assert page.text("count").startswith("0 of 12")
    other = out / "two.html"
    CliRunner().invoke(app, ["review", "page", str(out), "--budget", "2", "--to", str(other)])
    page.open(other)
    assert page.text("count").startswith("0 of 2")


def test_a_printed_row_is_told_by_its_label(page: Page, out: Path, tmp_path: Path) -> None:
    page.open(out / "review.html")
    page.driver.find_element(By.CSS_SELECTOR, "#moved summary").send_keys(Keys.ENTER)
    label = next(row.label for t in form_by_id(FORM).tables for b in t.blocks for row in b.rows if row.id == "granted")
    page.part("row").send_keys("三、本年度办理结果 / " + label)
    page.part("row").send_keys(Keys.TAB)
    page.press(Keys.ENTER)
    first = next(csv.DictReader(page.export().open(encoding="utf-8-sig", newline="")))
    assert (first["corrected_row_id"], first["corrected_value"]) == ("granted", "")


def test_the_figures_of_a_whole_line_are_one_answer(page: Page, tmp_path: Path) -> None:
    line = [key for key in form().keys() if (key.table_id, key.row_id) == ("requests", "received")]  # noqa: SIM118
    one = report(changes={key: missing(key) for key in line[:3]})
    whole = extraction(one)
    items = items_of([dataset.cell_row(whole, one, each) for each in one.cells], [], [], form())
    path = tmp_path / "review.html"
    path.write_bytes(review.page(items, {}, {form().id: form()}, "review.csv"))
    page.open(path)
    assert page.text("asked") == "What is printed in this line, column by column?"
    assert page.part("value").get_property("value") == items[0].value
    assert items[0].value.startswith("? ? ? ")
    page.press(Keys.ENTER, Keys.ENTER)  # nothing is filled in
    assert page.text("said").startswith("Not saved: write 7 figures")
    assert page.text("count").startswith("0 of 1")
    page.part("value").clear()
    page.part("value").send_keys("12 0 0 / 空 0 12", Keys.ENTER)
    (row,) = csv.DictReader(page.export().open(encoding="utf-8-sig", newline=""))
    assert (row["kind"], row["corrected_value"]) == ("figures", "12 0 0 / 空 0 12")
    assert page.complaints() == []


def test_the_rows_of_a_table_are_chosen_from_lists(page: Page, tmp_path: Path) -> None:
    names = ("received", "carried_in", "granted")
    boxes = [BoundingBox(0.0, 20.0 * place, 600.0, 20.0 * place + 18.0) for place in range(len(names))]
    rows = [
        PlacedRow("requests", name, 0.5, (), 2, box, LabelContext(f"第{place}行", position=0.1, columns=7))
        for place, (name, box) in enumerate(zip(names, boxes, strict=True))
    ]
    one = replace(report(), rows=tuple(rows))
    whole = extraction(one)
    printed = [dataset.printed_row(whole, one, each) for each in one.rows]
    items = items_of([dataset.cell_row(whole, one, each) for each in one.cells], printed, [], form())
    path = tmp_path / "review.html"
    path.write_bytes(review.page(items, {}, {form().id: form()}, "review.csv"))
    page.open(path)
    lists = page.driver.find_elements(By.CSS_SELECTOR, "#printed select")
    assert [each.get_property("value") for each in lists] == list(names)
    assert [each.text for each in page.driver.find_elements(By.CSS_SELECTOR, "#printed span")] == [
        "第0行",
        "第1行",
        "第2行",
    ]
    page.press(Keys.ENTER)  # to the first list
    page.press(Keys.ARROW_DOWN)
    page.driver.find_element(By.CSS_SELECTOR, "#map button").send_keys(Keys.ENTER)
    assert page.text("said").startswith("Not saved")  # carried_in stands there twice
    page.press(Keys.ESCAPE)
    lists[1].send_keys("四")
    page.driver.find_element(By.CSS_SELECTOR, "#map button").send_keys(Keys.ENTER)
    (row,) = csv.DictReader(page.export().open(encoding="utf-8-sig", newline=""))
    assert row["kind"] == "rows"
    assert row["corrected_row_id"] == "carried_in carried_out granted"
    assert page.complaints() == []


def test_filters_and_the_other_language(page: Page, out: Path) -> None:
    page.open(out / "review.html")
    page.choose("table", "三、收到和处理政府信息公开申请情况")
    page.choose("state", "answered")
    assert page.part("nothing").is_displayed()
    page.choose("state", "not answered")
    page.choose("reason", "the picture can be read in several ways")
    assert page.text("count") == "0 of 12; 12 left in this selection"
    page.part("language").send_keys(Keys.ENTER)
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "zh-Hans"
    assert page.text("heading") == "第 1 题，共 12 题"
    assert "图像可有多种读法" in page.text("facts")
    page.part("language").send_keys(Keys.ENTER)
    assert page.text("heading") == "Question 1 of 12"


def test_everything_can_be_seen_and_reached_at_twice_the_size(page: Page, out: Path) -> None:
    page.open(out / "review.html")
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 640, "height": 500, "deviceScaleFactor": 2, "mobile": False}
    )
    try:
        width = page.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= 640
        unnamed = page.driver.execute_script(
            "return [...document.querySelectorAll('select, input, progress')].filter((e) => !e.labels.length)"
            ".concat([...document.querySelectorAll('button')].filter((e) => !e.textContent.trim())).map((e) => e.id)"
        )
        assert unnamed == []
        page.part("value").send_keys(Keys.TAB)
        outline = page.driver.switch_to.active_element.value_of_css_property("outline-style")
        assert outline == "solid"
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def hostile(number: int) -> bytes:
    """A page of so many questions in which every text that comes from outside would like to be a program."""
    key = form().keys()[0]
    doubtful = replace(
        cell(key, 3),
        raw_text=AGENCY,
        reading=f"numerals: {AGENCY} 0.500 | 8 0.400",
        status=Status.REVIEW,
        confidence=0.4,
        reasons=(AGENCY,),
    )
    one = replace(report(changes={key: doubtful}), agency=AGENCY)
    whole = extraction(one, source=f"{AGENCY}.pdf")
    (item,) = items_of([dataset.cell_row(whole, one, each) for each in one.cells], [], [], form())
    items = [
        replace(item, item_id=f"q-{place}", sums=(AGENCY,), printed_label=AGENCY, row_label=AGENCY, kind=Kind.CELL)
        for place in range(number)
    ]
    return review.page(items, {}, {form().id: form()}, "review.csv")


def test_text_of_strangers_stays_text(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_bytes(hostile(3))
    page.open(path)
    assert page.driver.title == "Questions about scanned reports"
    assert AGENCY in page.text("where")
    assert page.driver.find_elements(By.CSS_SELECTOR, "img:not(#picture)") == []
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', path.read_text(encoding="utf-8"))
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert page.complaints() == []


def test_what_was_slipped_into_the_page_does_not_run(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "tampered.html"
    path.write_bytes(hostile(1).replace(b"</footer>", b"</footer><script>document.title = 'ran'</script>"))
    page.open(path)
    assert page.driver.title == "Questions about scanned reports"
    assert any("Content Security Policy" in each["message"] for each in page.complaints())


def test_thousands_of_questions_are_no_burden(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "many.html"
    path.write_bytes(hostile(5000))
    page.open(path)
    assert page.text("heading") == "Question 1 of 5000"
    # The time that the page itself takes for one answer, from the key until all is written and kept.
    slowest = page.driver.execute_script(
        "let slowest = 0;"
        "for (let n = 0; n < 200; n++) {"
        "  const before = performance.now();"
        "  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '1', bubbles: true, cancelable: true }));"
        "  document.body.getBoundingClientRect();"
        "  slowest = Math.max(slowest, performance.now() - before);"
        "} return slowest"
    )
    assert page.text("count").startswith("200 of 5000")
    assert slowest < 250


def asked_about(page: Page, out: Path) -> tuple[str, str]:
    """Row and column of the question that is shown, found by its number."""
    rows = list(read(out / "review.csv", ["row_id"]))
    number = int(page.text("heading").split()[1])
    return rows[number - 1]["row_id"], rows[number - 1]["column_id"]
