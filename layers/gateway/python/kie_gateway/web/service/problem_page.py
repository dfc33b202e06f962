"""The pages `/problems/{code}`, which the `type` of each problem links to."""

import re
from html import escape

from kie_gateway.web.problem_type import ProblemType

_STYLE = (
    "body{font:1.05rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;"
    "color:#1c2024;background:#fff}code{background:#eef0f2;padding:.1em .3em;border-radius:.2em}"
    "h2{font-size:1.1rem;margin-top:2rem}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#16181b}"
    "code{background:#2b2f34}a{color:#8ab4f8}}"
)


def problem_page(problem: ProblemType) -> str:
    """Write the page of a kind of problem: title, meaning, and what to do."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(problem.title)} - Kie Gateway</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(problem.title)}</h1>"
        f"<p><code>{escape(problem.code)}</code>, HTTP status {problem.status}</p>"
        f"<h2>What it means</h2><p>{_text(problem.meaning)}</p>"
        f"<h2>What to do</h2><p>{_text(problem.action)}</p>"
        '<p><a href="/docs">Documentation of the API</a></p></main></body></html>'
    )


def _text(words: str) -> str:
    """Write words as HTML; what stands in backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))
