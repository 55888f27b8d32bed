"""Reading the tables of Markdown reports, as a Markdown parser sees them."""

from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark").enable("table")


def tables_of(text):
    """Return all tables of a Markdown text as lists of rows of cell texts."""
    tables, inside = [], False
    for token in MARKDOWN.parse(text):
        if token.type in ("table_open", "table_close"):
            inside = token.type == "table_open"
            tables += [[]] if inside else []
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and inside:
            parts = [c.content for c in token.children if c.type in ("text", "code_inline", "text_special")]
            tables[-1][-1].append("".join(parts))
    return tables


def table_with(text, header):
    """Return the first table whose header begins with these cells."""
    return next(table for table in tables_of(text) if table[0][: len(header)] == header)


def row_of(table, first):
    """Return the first row that begins with this cell."""
    return next(row for row in table if row[0] == first)
