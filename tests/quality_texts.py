"""Texts of every kind: any characters, and pieces of Rust in any order."""

from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        *(
            "fn f(",
            "x: &str) ",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            "if ",
            "else ",
            "match x ",
            "=> ",
            "let ",
            "x",
            "= ",
            "; ",
        ),
        *(
            "&& ",
            "|| ",
            "?",
            "|",
            "!",
            "vec![",
            'println!("{x}", ',
            "'a",
            '"',
            "// c\n",
            "/*",
            "#[test]\n",
            "unsafe ",
        ),
        *("impl ", "for ", "T ", "macro_rules! m ", "$x", "return ", "\ud800", "\0", "é"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))
