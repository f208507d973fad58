"""
A page of a few words, for browsers that may not see the real one: no script, nothing to load.
"""

import html
from collections.abc import Mapping

from starlette.responses import HTMLResponse

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
STYLE = """
:root { color-scheme: light dark; --paper: #faf8f4; --ink: #22242e; --soft: #62646f; --line: #e4dfd6; --wing: #4a48c4 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12131b; --ink: #eceae4; --soft: #a5a6b2; --line: #2b2d3a; --wing: #b3b6ff }
}
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; padding: 2rem;
  box-sizing: border-box; background: var(--paper); color: var(--ink); text-align: center;
  font: 1.0625rem/1.6 ui-sans-serif, system-ui, sans-serif }
main { max-width: 30rem }
svg { width: 3.5rem; color: var(--wing) }
h1 { font: 500 1.9rem/1.25 ui-serif, Georgia, serif; margin: 1rem 0 .5rem }
p { color: var(--soft); margin: .5rem 0 }
code { display: inline-block; margin: .75rem 0; padding: .6rem 1.1rem; border: 1px solid var(--line);
  border-radius: .7rem; font: 1rem ui-monospace, monospace; color: var(--ink) }
"""
WING = """<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="M4 24C6 12 15 5 28 5c0 5-3 9-8 11"/>
<path d="M20 16c3 0 4 0 5-.5C24 20 20 22.5 15 22.5"/><path d="M15 22.5h4C16.5 26 11 27.5 4 24"/></svg>"""


def plain_page(
    title: str,
    text: str,
    *,
    code: str = "",
    after: str = "",
    status: int = 200,
    go_to: str = "",
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page with a title, a text, something to type, and a last word; `go_to`: it leads on by itself."""
    typed = f"<div><code>{html.escape(code)}</code></div>" if code else ""
    last = f"<p>{html.escape(after)}</p>" if after else ""
    on = f'<meta http-equiv="refresh" content="0; url={html.escape(go_to)}">' if go_to else ""
    body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)} · Tsubasa</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{on}<style>{STYLE}</style></head>
<body><main>{WING}<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{typed}{last}</main></body></html>"""
    return HTMLResponse(body, status_code=status, headers={**HEADERS, **(headers or {})})
