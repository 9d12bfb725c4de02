"""A cell's history as a page of HTML that needs nothing else and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.explain import History, Identity, Term

_STYLE = """
body { font: 16px/1.5 sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto }
img { max-width: 100%; border: 1px solid #595959 }
table { border-collapse: collapse }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #d0d0d0 }
.this { font-weight: bold }
.broken { color: #a00000; font-weight: bold }
"""


def page(history: History) -> str:
    """The whole page."""
    row = history.row
    # Nothing may be loaded or run but this style and pictures inside the page.
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = f"{row['source']}: {row['table_id']}.{row['row_id']}.{row['column_id']}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p lang="zh-Hans">{escape(history.row_label)} × {escape(history.column_label)}</p>
<p>{escape(_where(history))} <span lang="zh-Hans">{escape(row["agency"])}</span> {escape(row["year"])}</p>
{_picture(history)}
<h2>What happened</h2>
<ol>{"".join(f"<li>{escape(step)}</li>" for step in history.steps)}</ol>
<h2>Readings</h2>
<p>{escape(history.reader or "none")}</p>
{_table(("read as", "probability"), history.alternatives)}
<h2>Identities</h2>
{"".join(_identity(each, history) for each in history.identities) or "<p>It takes part in none.</p>"}
</main>
</body>
</html>
"""


def _where(history: History) -> str:
    row = history.row
    return f"{row['document_id']}, report {row['report']}, {row['form_id']}"


def _picture(history: History) -> str:
    if history.picture is None:
        return f"<p>No picture: {escape(history.no_picture)}.</p>"
    data = base64.b64encode(history.picture).decode()
    return f'<p><img alt="the cell on page {escape(history.row["page"])}" src="data:image/png;base64,{data}"></p>'


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _identity(identity: Identity, history: History) -> str:
    broken = identity.outcome == "broken"
    more = f": expected {identity.expected}, printed {identity.printed}" if broken else ""
    terms = "".join(
        _term(side, term, history)
        for side, terms in (("left", identity.left), ("right", identity.right))
        for term in terms
    )
    return (
        f"<h3>{escape(identity.rule_id)}</h3>"
        f'<p lang="zh-Hans">{escape(identity.text)} ({escape(identity.reference)})</p>'
        f'<p class="{"broken" if broken else "sound"}">{escape(identity.outcome + more)}</p>'
        f'<table><thead><tr><th scope="col">side</th><th scope="col">cell</th><th scope="col">value</th>'
        f'<th scope="col">status</th></tr></thead><tbody>{terms}</tbody></table>'
    )


def _term(side: str, term: Term, history: History) -> str:
    row = history.row
    this = term.name == f"{row['table_id']}.{row['row_id']}.{row['column_id']}"
    start = '<tr class="this">' if this else "<tr>"
    return (
        f'{start}<td>{side}</td><td lang="zh-Hans">{escape(term.label)}</td>'
        f"<td>{escape(term.value)}</td><td>{escape(term.status)}</td></tr>"
    )
