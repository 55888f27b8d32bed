"""Copies of a suite's tasks as they come into training data, and honest training data around them."""

from collections.abc import Mapping

from rusteval.problems.models import Problem
from rusteval.rust.syntax import tokens_in

HONEST = (
    ("Write a function that reverses the bits of a byte.",
     "pub fn reverse_bits(byte: u8) -> u8 {\n    let mut out = 0;\n    for bit in 0..8 {\n"
     "        if byte & (1 << bit) != 0 {\n            out |= 1 << (7 - bit);\n        }\n    }\n    out\n}"),
    ("Write a function that transposes a matrix.",
     "fn transpose(m: &[Vec<f64>]) -> Vec<Vec<f64>> {\n    let mut out = vec![Vec::new(); m[0].len()];\n"
     "    for row in m {\n        for (column, value) in row.iter().enumerate() {\n"
     "            out[column].push(*value);\n        }\n    }\n    out\n}"),
    ("Explain ownership.", "Every value has one owner, and is dropped when its owner goes out of scope."),
    ("Sort a list by bubbling.",
     "fn bubble(v: &mut Vec<i32>) {\n    let n = v.len();\n    for i in 0..n {\n        for j in 0..n - 1 - i {\n"
     "            if v[j] > v[j + 1] {\n                v.swap(j, j + 1);\n            }\n        }\n    }\n}"),
    ("Add two numbers.", "fn add(a: i32, b: i32) -> i32 { a + b }"),
    ("Shift the letters of a text.",
     "fn caesar(text: &str, by: u8) -> String {\n    text.chars()\n        .map(|c| match c {\n"
     "            'a'..='z' => ((c as u8 - b'a' + by) % 26 + b'a') as char,\n            _ => c,\n        })\n"
     "        .collect()\n}"),
)  # fmt: skip


def whole(problem: Problem) -> str:
    """Return prompt and reference as one text."""
    return f"{problem.prompt.rstrip()}\n{problem.canonical_solution}"


def renamed(problem: Problem, names: Mapping[str, str]) -> str:
    """Return the reference under other names, without the prompt's comments."""
    return " ".join(names.get(token.text, token.text) for token in tokens_in(whole(problem).encode()))


def reformatted(problem: Problem) -> str:
    """Return the reference in another layout, with a comment of its own after every few tokens."""
    lines = []
    for number, token in enumerate(tokens_in(whole(problem).encode())):
        lines.append(token.text + (f" // here comes step {number}" if number % 5 == 0 else ""))
    return "\n".join(lines)
