"""The rubric of idiom and style: rules that Rust engineers agree on and that a syntax tree can decide.

A rule says nothing about a program that it does not apply to. Tests, and code in macro definitions and in macro
calls that are no expressions, are left out.
"""

from rusteval.rust.quality.expression_rules import EXPRESSION_RULES
from rusteval.rust.quality.program import Program
from rusteval.rust.quality.rule import Rule
from rusteval.rust.quality.signature_rules import SIGNATURE_RULES
from rusteval.rust.quality.style_rules import STYLE_RULES

RULES: tuple[Rule, ...] = (*SIGNATURE_RULES, *EXPRESSION_RULES, *STYLE_RULES)


def judge_rules(source: str) -> dict[str, bool]:
    """Return by name of each rule that applies to a program whether the program keeps it."""
    program = Program(source)
    verdicts = ((rule.name, rule.check(program)) for rule in RULES)
    return {name: verdict for name, verdict in verdicts if verdict is not None}


def rubric_table() -> str:
    """Return the rules as a Markdown table."""
    rows = [f"| `{rule.name}` | {rule.group} | {rule.title} | {rule.definition} |" for rule in RULES]
    return "\n".join(
        ["| rule | group | title | when it applies, when it is kept |", "|---|---|---|---|", *rows]
    )
