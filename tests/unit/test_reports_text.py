import pytest
from hypothesis import example, given, settings
from markdown_it import MarkdownIt

from builders import HOSTILE, hostile_text
from rusteval.reports.text import clean, code, escape, fenced, one_line, shorten, table

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINE_BREAKS = ("\n", "\r", "\u2028", "\u2029", "\u0085", "\u000b", "\u000c")


def cells_of(markdown):
    """Parse a table as a reader's program would; return the tokens of each cell of its body."""
    tokens = MARKDOWN.parse(markdown)
    assert [
        t.type for t in tokens if t.type in ("table_open", "paragraph_open", "heading_open", "html_block")
    ] == ["table_open"]
    body = tokens[[t.type for t in tokens].index("tbody_open") :]
    return [token.children or [] for token in body if token.type == "inline"]


def shown(children):
    return "".join(
        child.content for child in children if child.type in ("text", "code_inline", "text_special")
    )


@pytest.mark.parametrize("dangerous", HOSTILE)
def test_hostile_text_is_shown_as_it_is_in_a_table_cell(dangerous):
    cells = cells_of(table(["a", "b"], [[escape(dangerous), "end"]]))
    assert len(cells) == 2
    assert {child.type for child in cells[0]} <= {"text", "text_special"}
    assert shown(cells[0]) == one_line(dangerous, 2000)
    assert shown(cells[1]) == "end"


@settings(max_examples=150)
@given(hostile_text(), hostile_text())
@example("a\\|b", "\\")
@example("`|`", "``")
@example("http://example.org/_a_", "www.example.org")
def test_no_text_breaks_a_table(first, second):
    cells = cells_of(table(["a", "b", "c"], [[escape(first), code(second), "end"], ["x", "y", "z"]]))
    assert len(cells) == 6
    assert shown(cells[2]) == "end"
    assert shown(cells[0]) == one_line(first, 2000)
    assert shown(cells[1]) == one_line(second, 2000)
    assert all(
        child.content in ("<code>", "</code>")
        for cell in cells
        for child in cell
        if child.type == "html_inline"
    )
    assert not any(
        child.type in ("link_open", "image", "em_open", "strong_open", "s_open")
        for cell in cells
        for child in cell
    )


@settings(max_examples=100)
@given(hostile_text())
def test_no_text_leaves_its_fence(text):
    tokens = MARKDOWN.parse(f"before\n\n{fenced(text, 'rust')}\n\nafter\n")
    assert [token.type for token in tokens if token.type in ("fence", "inline")] == [
        "inline",
        "fence",
        "inline",
    ]
    assert tokens[3].content.rstrip("\n") == clean(text).rstrip("\n")


@given(hostile_text())
def test_cleaned_text_holds_no_invisible_trick_and_is_valid_utf8(text):
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(ord(character) < 0x20 and character not in "\t\n" for character in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f\x85")
    assert not any(mark in one_line(text) for mark in LINE_BREAKS)


def test_ordinary_text_stays_readable():
    assert escape("expected `i32`, found `&str`") == "expected \\`i32\\`, found \\`&amp;str\\`"
    assert escape("HumanEval/3: 7.5 ms (ok)") == "HumanEval/3: 7.5 ms (ok)"
    assert code("org/Model-8B_x") == "`org/Model-8B_x`"
    assert clean("日本語 🦀\ttab\r\nnext") == "日本語 🦀\ttab\nnext"


def test_shortened_text_says_how_much_is_missing():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcdef", 2) == "ab\n[... 4 more characters]"
