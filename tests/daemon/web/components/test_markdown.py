"""What a model wrote, shown safely."""

import re
import time

import pytest

from daemon.web.components.markdown import rendered


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ('<img src=x onerror="alert(1)">', "<img"),
        ("![a](http://pictures.example/a.png)", "<img"),
        ("[run](javascript:alert(1))", "href"),
        ("[run](vbscript:x) [d](data:text/html,x)", "href"),
        ('```"><script>\nx\n```', "<script"),
        ('<http://a.example/"onmouseover=alert(1)>', '"onmouseover'),
    ],
)
def test_nothing_a_model_writes_becomes_markup_of_its_own(text, never):
    assert never not in rendered(text)


def test_lists_tables_and_code_are_drawn():
    html = rendered("Text\n- one\n- two\n\n|a|\n|-|\n|1|\n\n```python\ndef f(): ...\n```")

    assert all(tag in html for tag in ("<ul>", "<table>", '<span class="k">def</span>'))


def test_code_of_an_unknown_language_is_shown_as_it_is():
    assert "a &lt; b" in rendered("```klingon\na < b\n```")


def test_half_an_answer_can_be_drawn():
    whole = "**bold** `code` [link](http://x.example) | a |\n|-|\n```py\nx\n```"

    assert all(rendered(whole[:end]) is not None for end in range(len(whole)))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("So \\(x^2\\) it is", ["<msup>", "So "]),
        ("$a = \\frac{1}{2}$", ["<mfrac>"]),
        ("\\[\n\\int_0^1 x\\,dx\n\\]", ['display="block"', "<msubsup>"]),
        ("$$\nE = mc^2\n$$", ['display="block"', "<mi>E</mi>"]),
    ],
)
def test_formulas_are_mathml(text, parts):
    html = rendered(text)

    assert all(part in html for part in ["<math", *parts])


@pytest.mark.parametrize(
    "text", ["It cost $5, or US$ more", "between $10 and $20", "\\(\\href{http://x.example}{y}\\)", "`$a=b$`"]
)
def test_prices_code_and_what_leads_out_are_no_formulas(text):
    assert "<math" not in rendered(text)


def test_a_formula_that_can_not_be_read_stands_as_it_was_written():
    assert "<code>\\(}{\\)</code>" in rendered("\\(}{\\)")
    for text in ("\\(\\frac{1\\)", "\\(\\left( x\\)", "\\(\\begin{array}{\\)", "\\(\\sqrt[\\)"):
        assert rendered(text)


def test_what_a_model_put_into_a_formula_is_text():
    for tex in (
        "\\text{<script>x</script>}",
        "<img src=x>",
        '\\color{red" onload="x}{y}',
        "\\text{&lt;img&gt;}",
    ):
        assert not re.search(r"<(script|img)|\" onload", rendered(f"\\({tex}\\)"))


def test_a_flood_of_formulas_takes_no_time():
    began = time.perf_counter()
    for flood in ("\\( ", "$a ", "\\[\n"):
        rendered(flood * 590)
        rendered(flood * 5_000)

    assert time.perf_counter() - began < 8


def test_tasks_have_boxes_and_code_a_button_to_copy_it():
    html = rendered("- [x] bread\n- [ ] milk\n\n```python\nx = 1\n```\n")

    assert (2, 1) == (html.count('class="task '), html.count('class="code-copy"'))
    assert (1, 1) == (html.count('aria-label="done"'), html.count('aria-label="open"'))
