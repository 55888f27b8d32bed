"""Changes that spoil a solution, as models do it: what does not compile, panics, is forbidden, or never ends."""

import random

from rusteval.rust.syntax import text_of
from solution import Edit, Solution, local_names, uses

LEAST_TOKENS = 4
LOST_MUT, CHANGED_NAME = 0.7, 0.8
"""How often a borrow is wrong for want of a `mut`, and a name that is there is changed."""

_NEW_METHODS = (
    "sorted",
    "to_vec_of",
    "count_all",
    "length",
    "contains_any",
    "is_prime",
    "as_string",
    "push_all",
)


def panics(rng: random.Random, solution: Solution) -> Solution:
    """Let the function panic before it does anything."""
    line = rng.choice(
        [
            *("todo!();", 'unimplemented!("later");', 'panic!("invalid input");', "unreachable!();"),
            *("let none: Option<usize> = None;\n    none.unwrap();", 'let _n: i32 = "x1".parse().unwrap();'),
            *("let empty: Vec<i32> = Vec::new();\n    let _first = empty[0];", "assert!(1 + 1 == 3);"),
            "let zero = std::hint::black_box(0_i32);\n    let _q = 10 / zero;",
        ]
    )
    return solution.beginning(line)


def type_error(rng: random.Random, solution: Solution) -> Solution | None:
    """Lose a cast, a `&`, a `*` or a call, take another literal, or forget the value of the function."""
    value = solution.value()
    edits: list[Edit] = []
    for node in solution.nodes(
        "type_cast_expression", "reference_expression", "unary_expression", "integer_literal"
    ):
        first = node.children[0] if node.children else None
        if node.type == "integer_literal":
            edits.append((node.start_byte, node.end_byte, f'"{text_of(node)}"'))
        elif node.type == "type_cast_expression" and first is not None:
            edits.append((first.end_byte, node.end_byte, ""))
        elif first is not None and first.type in {"&", "*"}:
            edits.append((first.start_byte, first.end_byte, ""))
    for node in solution.nodes("call_expression"):
        field = node.child_by_field_name("function")
        receiver = (
            field.child_by_field_name("value")
            if field is not None and field.type == "field_expression"
            else None
        )
        if receiver is not None:
            edits.append((receiver.end_byte, node.end_byte, ""))
    if value is not None:
        edits.append((value.end_byte, value.end_byte, ";"))
        edits += [(value.start_byte, value.end_byte, f"Some({text_of(value)})")] * 2
    return solution.edited([rng.choice(edits)]) if edits else None


def borrow_error(rng: random.Random, solution: Solution) -> Solution:
    """Lose a `mut`, use something after it was moved, or change what is borrowed."""
    lost: list[Edit] = [(n.start_byte, n.end_byte, "") for n in solution.nodes("mutable_specifier")]
    if lost and rng.random() < LOST_MUT:
        return solution.edited([rng.choice(lost)])
    line = rng.choice(
        [
            'let text = String::from("a");\n    let moved = text;\n    println!("{} {}", text, moved);',
            'let mut list = vec![1, 2];\n    let first = &list[0];\n    list.push(3);\n    println!("{}", first);',
            "let longest: &String;\n    {\n        let inner = String::new();\n        longest = &inner;\n    }\n"
            '    println!("{}", longest);',
            "let list = vec![3, 1];\n    for item in list { let _ = item; }\n    let _ = list.len();",
        ]
    )
    return solution.beginning(line)


def unknown_name(rng: random.Random, solution: Solution) -> Solution:
    """Use a variable, a method, a type or a crate that is not there."""
    edits: list[Edit] = [
        (token.start, token.end, f"{name}_{rng.choice(['val', 'list', 'len', 'map'])}")
        for name in local_names(solution)
        for token in uses(solution, name)[1:]
    ]
    methods = solution.nodes("field_identifier")
    edits += [(node.start_byte, node.end_byte, rng.choice(_NEW_METHODS)) for node in methods]
    if edits and rng.random() < CHANGED_NAME:
        return solution.edited([rng.choice(edits)])
    line = rng.choice(
        [
            *(
                "let mut seen = HashMap::new();\n    seen.insert(1, 2);",
                'let _re = Regex::new(r"a+").unwrap();',
            ),
            *(
                "use itertools::Itertools;",
                "let mut rng = rand::thread_rng();",
                "let _q = VecDeque::from(vec![1]);",
            ),
        ]
    )
    return solution.beginning(line)


def syntax_error(rng: random.Random, solution: Solution) -> Solution | None:
    """Lose or repeat one piece of punctuation."""
    places = [
        token
        for token in solution.tokens()
        if token.text in {"(", ")", "{", "}", "[", "]", ";", ",", "=>", "->"}
    ]
    if not places:
        return None
    token = rng.choice(places[:-1] or places)
    return solution.edited([(token.start, token.end, rng.choice(["", "", token.text * 2]))])


def cut_off(rng: random.Random, solution: Solution) -> Solution | None:
    """End in the middle, as at a limit of tokens."""
    tokens = solution.tokens()
    if len(tokens) < LEAST_TOKENS:
        return None
    place = tokens[rng.randrange(len(tokens) // LEAST_TOKENS, len(tokens) - 1)].start
    return solution.edited([(place, len(solution.data), "")])


def policy_word(rng: random.Random, solution: Solution) -> Solution:
    """Use, needlessly, what a policy forbids."""
    line = rng.choice(
        [
            *(
                "use std::process;",
                "if false { std::process::exit(1); }",
                'let _home = std::env::var("HOME");',
            ),
            *(
                "let mut a = 1; let mut b = 2; std::mem::swap(&mut a, &mut b);",
                "let _one = unsafe { *(&1 as *const i32) };",
            ),
        ]
    )
    return solution.beginning(line)


def endless(_: random.Random, solution: Solution) -> Solution:
    """Never come to an end."""
    return solution.beginning(
        "let mut turns = 0_u64;\n    while std::hint::black_box(true) { turns = turns.wrapping_add(1); }"
    )
