"""What a model wrote, shown safely."""

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
