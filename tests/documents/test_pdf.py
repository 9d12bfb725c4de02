"""PDF pages: scans taken as they are, other pages rendered, text layers judged."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pikepdf
import pytest
from PIL import Image

from pipeline.documents import read_pages
from pipeline.domain import PageImage
from pipeline.errors import (
    DamagedDocumentError,
    DocumentError,
    EncryptedDocumentError,
    TooLargeError,
)
from pipeline.settings import Settings
from tests.documents.builders import difference, encrypted, picture, scan_pdf, text_pdf

SCAN = picture()


def _pages(data: bytes, settings: Settings | None = None) -> list[PageImage | DocumentError]:
    return list(read_pages(data, settings or Settings()))


def _page(data: bytes, settings: Settings | None = None) -> PageImage:
    (page,) = _pages(data, settings)
    assert isinstance(page, PageImage), page
    return page


def _changed(data: bytes, **entries: object) -> bytes:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(data)) as pdf:
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = value
        pdf.save(buffer)
    return buffer.getvalue()


def test_a_scan_is_taken_at_its_own_resolution() -> None:
    page = _page(scan_pdf([SCAN], filters="Flate"))
    assert np.array_equal(page.pixels, np.asarray(SCAN))
    assert page.dpi == pytest.approx(75, abs=0.2)
    assert page.text_layer is None


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "matrix",
    [
        (595, 0, 0, 842, 0, 0),
        (-595, 0, 0, 842, 595, 0),
        (595, 0, 0, -842, 0, 842),
        (-595, 0, 0, -842, 595, 842),
    ],
)
def test_a_scan_stands_as_the_page_shows_it(matrix: tuple[float, ...], rotate: int) -> None:
    taken = _page(scan_pdf([SCAN], matrix, rotate)).pixels
    drawn = _page(scan_pdf([SCAN], matrix, rotate, extra=b"0 0 0 0 re f"), Settings(render_dpi=75)).pixels
    drawn = np.asarray(Image.fromarray(drawn).resize((taken.shape[1], taken.shape[0])))
    assert difference(taken, drawn) < 6


@pytest.mark.parametrize("matrix", [(0, 842, -595, 0, 595, 0), (0, -842, 595, 0, 0, 842), (0, 842, 595, 0, 0, 0)])
def test_a_scan_lying_on_its_side_is_turned_by_its_matrix(matrix: tuple[float, ...]) -> None:
    lying = SCAN.transpose(Image.Transpose.ROTATE_90)
    taken = _page(scan_pdf([lying], matrix)).pixels
    drawn = _page(scan_pdf([lying], matrix, extra=b"0 0 0 0 re f"), Settings(render_dpi=75)).pixels
    assert taken.shape == (877, 620)
    drawn = np.asarray(Image.fromarray(drawn).resize((620, 877)))
    assert difference(taken, drawn) < 6


@pytest.mark.parametrize(("rotate", "turned"), [(0, False), (90, True), (180, False)])
def test_the_oblong_dots_of_a_fax_are_made_square_and_its_places_stay_those_of_the_scan(
    rotate: int, turned: bool
) -> None:
    coarse = SCAN.resize((SCAN.width * 2, SCAN.height))
    page = _page(scan_pdf([coarse], rotate=rotate, filters="Flate"))
    width, height = SCAN.width * 2, SCAN.height * 2
    stretch = (1.0, 2.0)
    if turned:
        width, height, stretch = height, width, stretch[::-1]
    assert page.pixels.shape == pytest.approx((height, width), abs=2)
    assert page.stretch == pytest.approx(stretch, abs=0.01)
    assert page.dpi == pytest.approx(150, abs=0.5)


def test_a_scan_whose_dots_are_stretched_beyond_reason_is_drawn() -> None:
    page = _page(scan_pdf([SCAN.resize((SCAN.width * 5, SCAN.height))]))
    assert page.stretch == (1.0, 1.0)
    assert page.pixels.shape[0] / page.pixels.shape[1] == pytest.approx(842 / 595, abs=0.01)


def test_a_scan_below_invisible_text_is_still_taken_as_it_is() -> None:
    layer = b"BT /F1 12 Tf 3 Tr 72 700 Td (" + b"1234567890" * 10 + b") Tj ET"
    page = _page(scan_pdf([SCAN], filters="Flate", extra=layer))
    assert np.array_equal(page.pixels, np.asarray(SCAN))
    assert page.text_layer is None


def test_what_is_written_over_a_scan_is_not_lost() -> None:
    page = _page(scan_pdf([Image.new("L", (620, 877), 255)], extra=b"0 g 100 100 200 200 re f"))
    assert page.pixels.min() < 10
    assert page.dpi == pytest.approx(75, abs=1)  # still drawn at the resolution of the scan


def test_a_colour_scan_keeps_its_colour_and_a_grey_one_loses_its_channels() -> None:
    red = Image.merge("RGB", (SCAN, Image.new("L", SCAN.size, 60), Image.new("L", SCAN.size, 60)))
    assert _page(scan_pdf([red])).pixels.shape == (877, 620, 3)
    assert _page(scan_pdf([SCAN.convert("RGB")])).pixels.shape == (877, 620)


def test_pages_come_one_by_one_in_order() -> None:
    data = scan_pdf([SCAN, SCAN.transpose(Image.Transpose.ROTATE_90)])
    stream = read_pages(data, Settings())
    assert [page.number for page in stream if isinstance(page, PageImage)] == [1, 2]


def test_a_page_of_text_is_drawn_at_the_chosen_resolution_and_keeps_its_text() -> None:
    page = _page(text_pdf(), Settings(render_dpi=100))
    assert page.pixels.shape == (1170, 827)
    assert page.dpi == 100
    assert page.text_layer is not None
    assert page.text_layer.width == pytest.approx(595.3, abs=0.1)
    with pikepdf.open(BytesIO(page.text_layer.pdf)) as alone:
        assert len(alone.pages) == 1


@pytest.mark.parametrize("invisible", [True, False])
def test_only_visible_text_counts(invisible: bool) -> None:
    assert (_page(text_pdf(invisible=invisible)).text_layer is None) is invisible


def test_a_filled_form_is_left_to_the_picture() -> None:
    data = text_pdf()
    stamp = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Stamp, Rect=[0, 0, 10, 10])
    assert _page(_changed(data, Annots=pikepdf.Array([stamp]))).text_layer is None


def test_large_pages_are_drawn_smaller_and_huge_ones_refused() -> None:
    poster = _changed(text_pdf(), MediaBox=pikepdf.Array([0, 0, 2000, 2000]))
    page = _page(poster, Settings(max_megapixels=9))
    assert page.pixels.size <= 9e6
    assert page.dpi == pytest.approx(108, abs=1)
    for entries in (
        {"MediaBox": pikepdf.Array([0, 0, 1036800, 842])},
        {"MediaBox": pikepdf.Array([0, 0, 14400, 14400])},
        {"UserUnit": 100},
    ):
        (error,) = _pages(_changed(text_pdf(), **entries))
        assert isinstance(error, TooLargeError)
        assert error.page == 1
        assert "inches" in error.cause


def test_user_unit_enlarges_the_page() -> None:
    page = _page(_changed(text_pdf(), UserUnit=2), Settings(render_dpi=72))
    assert page.pixels.shape == (1684, 1191)


def test_password() -> None:
    locked = encrypted(scan_pdf([SCAN]), user="geheim")
    with pytest.raises(EncryptedDocumentError, match="only with a password"):
        _pages(locked)
    with pytest.raises(EncryptedDocumentError, match="not with the one given"):
        _pages(locked, Settings(password="wrong"))
    assert _page(locked, Settings(password="geheim")).pixels.shape == (877, 620)


def test_an_owner_password_hinders_nobody() -> None:
    assert np.array_equal(_page(encrypted(scan_pdf([SCAN]), user="")).pixels, _page(scan_pdf([SCAN])).pixels)


@pytest.mark.parametrize("junk", [b"x" * 500, b"\n" * 5000])
def test_junk_before_the_header_does_no_harm(junk: bytes) -> None:
    assert _page(junk + scan_pdf([SCAN])).pixels.shape == (877, 620)


def test_a_missing_tail_is_repaired() -> None:
    pages = _pages(text_pdf(3)[:-40])
    assert [page.number for page in pages if isinstance(page, PageImage)] == [1, 2, 3]


@pytest.mark.parametrize("filters", ["DCT", "Flate"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99])
def test_a_cut_pdf_never_passes_for_a_whole_one(filters: str, share: float) -> None:
    images = [picture(310, 438, seed=seed) for seed in range(6)]
    data = scan_pdf(images, filters=filters)
    whole = [page.pixels for page in _pages(data) if isinstance(page, PageImage)]
    try:
        pages = _pages(data[: int(len(data) * share)])
    except DamagedDocumentError:
        return
    good = [page for page in pages if isinstance(page, PageImage)]
    assert len(good) == 6 or len(good) < len(pages)
    for page in good:
        assert np.array_equal(page.pixels, whole[page.number - 1])


def test_a_page_whose_picture_is_cut_is_reported_and_the_others_are_read() -> None:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(scan_pdf([SCAN, SCAN, SCAN]))) as pdf:
        stream = pdf.pages[1].resources.XObject.Im0
        stream.write(stream.read_raw_bytes()[:4000], filter=pikepdf.Name.DCTDecode)
        pdf.save(buffer)
    first, second, third = _pages(buffer.getvalue())
    assert isinstance(first, PageImage)
    assert isinstance(third, PageImage)
    assert isinstance(second, DamagedDocumentError)
    assert second.page == 2


def test_a_page_tree_that_promises_more_pages_is_reported() -> None:
    *good, error = _pages(scan_pdf([SCAN, SCAN]).replace(b"/Count 2", b"/Count 5"))
    assert len(good) == 2
    assert isinstance(error, DamagedDocumentError)
    assert "5 pages" in error.cause


def test_too_many_pages() -> None:
    with pytest.raises(TooLargeError, match="3 pages"):
        _pages(text_pdf(3), Settings(max_pages=2))


def test_a_picture_without_a_size_is_reported() -> None:
    data = scan_pdf([picture(620, 877)])
    (error,) = _pages(data.replace(b"/Width 620", b"/Width 000"))
    assert isinstance(error, DamagedDocumentError)
    assert error.cause == "the page's picture has no size"


def test_an_operator_that_names_nothing_draws_nothing() -> None:
    data = scan_pdf([picture()], extra=b"Do Tf", filters="raw")
    cut = data[: data.rindex(b"startxref")]  # what is lost is looked for in repaired files
    assert isinstance(_pages(cut)[0], PageImage)


def test_what_libraries_say_of_damaged_files_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    data = text_pdf()
    start = data.index(b" 0 R", data.index(b"/Kids"))
    broken = data[:start] + b'"' + data[start + 1 :]
    with pytest.raises(DamagedDocumentError):
        _pages(broken[: broken.rindex(b"startxref")])
    assert [record for record in caplog.records if record.name.startswith("pikepdf")] == []
