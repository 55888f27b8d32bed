"""A seeded corpus of completions, right, wrong and strange, for the tests that compare two ways of judging.

Every kind of completion below is made from the reference solution of a real problem (or from a program of
`tests/adversarial`), so that an honest share compiles and passes.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rust_runner import ADVERSARIAL, even_problem
from rusteval.problems.models import Problem

CONTAINMENT = ADVERSARIAL.parent / "containment"
TAME = (
    *("r01", "r02", "r04", "r06", "r07", "r10", "r11", "r13", "r14", "r38", "r50", "r51"),
    *("c02", "c03", "c04", "c05", "c07", "c08", "c09", "c11", "c13", "c21", "c23"),
)
"""Programs of `containment` that a machine survives without a jail."""

Maker = Callable[[random.Random, "Reference"], str]


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One completion; `kind` says how it was made."""

    task_id: str
    completion: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The parts of a solved problem: `body` continues the prompt, brace included; `function` stands for itself."""

    name: str
    head: str
    body: str

    @property
    def function(self) -> str:
        return f"{self.head}\n{self.body}"


def build_corpus(
    problems: Sequence[Problem], *, seed: int, size: int, every_form: bool = True
) -> list[Completion]:
    """Return at least `size` completions: the kinds in turn, each for a problem drawn at random, then those kept.

    The last ones, hostile and others, are for `rust_runner.even_problem()`; hostile programs come in every form that
    an answer may have, or each in one of them.
    """
    rng = random.Random(seed)
    references = [(problem.task_id, _reference(problem)) for problem in problems]
    kinds = list(KINDS.items())
    corpus = []
    for number in range(size):
        kind, make = kinds[number % len(kinds)]
        task_id, reference = rng.choice(references)
        corpus.append(Completion(task_id=task_id, completion=make(rng, reference), kind=kind))
    return corpus + _hostile(every_form=every_form) + _even_ones()


def _reference(problem: Problem) -> Reference:
    start = problem.prompt.find(f"fn {problem.entry_point}")
    head = problem.prompt[max(start, 0) :].rstrip()
    return Reference(name=problem.entry_point, head=head, body=problem.canonical_solution)


def _even_ones() -> list[Completion]:
    return [
        Completion(task_id=even_problem().task_id, completion=text, kind=f"even_{kind}")
        for kind, text in EVEN_ONES.items()
    ]


def _hostile(*, every_form: bool) -> list[Completion]:
    programs = sorted(ADVERSARIAL.glob("*.rs"))
    programs += [path for path in sorted(CONTAINMENT.glob("*.rs")) if path.name.startswith(TAME)]
    return [
        Completion(task_id=even_problem().task_id, completion=text, kind=f"hostile_{form}_{path.stem}")
        for number, path in enumerate(programs)
        for place, (form, text) in enumerate(_forms(path))
        if every_form or place == number % len(_forms(path))
    ]


def _forms(path: Path) -> list[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    body = as_body(text)
    return [("whole", text), ("body", body), ("fenced", f"Sure!\n```rust\n{body}\n```\nDone.")]


def as_body(program: str) -> str:
    """Turn a program with a function `is_even` into what continues that function's prompt."""
    found = re.search(r"^[^\n]*fn is_even\([^)]*\) -> bool \{", program, re.MULTILINE)
    if found is None:
        return program
    end, depth = found.end(), 1
    while depth and end < len(program):
        depth += {"{": 1, "}": -1}.get(program[end], 0)
        end += 1
    return f"{program[found.end() : end - 1]}\n}}\n{program[: found.start()]}{program[end:]}"


def _fenced(_: random.Random, ref: Reference) -> str:
    return f"```rust\n{ref.body}```"


def _fence_variant(rng: random.Random, ref: Reference) -> str:
    code = rng.choice([ref.body, ref.function])
    label = rng.choice(["", "rs", "Rust", "rust,ignore", "text title", "rust  ", "python"])
    tail = rng.choice(["\n```", "```", "", "\n```\n```rust\nfn other() {}\n```", "\n``", "\n````"])
    lead = rng.choice(["", "Here you are:\n\n", "~~~\n", "Use `Vec`.\n", "````\n"])
    return f"{lead}```{label}{rng.choice([chr(10), '', ' '])}{code}{tail}"


def _nested_fence(rng: random.Random, ref: Reference) -> str:
    inner = "/// ```\n/// assert!(true);\n/// ```\n"
    return rng.choice(
        [f"```rust\n{inner}{ref.body}\n```", f"{inner}{ref.body}", f"````\n```rust\n{ref.body}```\n````"]
    )


def _whole(rng: random.Random, ref: Reference) -> str:
    before = rng.choice(
        ["", "use std::collections::HashMap;\n", "pub ", "#[inline]\n", "#[inline] ", "/// {\n"]
    )
    after = rng.choice(
        ["", "\nfn main() {}\n", "\nfn helper() -> u8 { 1 }\n", "\n#[cfg(test)]\nmod own { }\n"]
    )
    return before + ref.function + after


def _generic(rng: random.Random, ref: Reference) -> str:
    generics = rng.choice(["<'a>", "<T>", "<T: Clone>", "<T: Fn(u8) -> u8>", "<const N: usize>", "<", "<T"])
    clause = rng.choice(["", " where T: Copy", "\nwhere\n    T: Fn(u8) -> u8,\n", " where {} "])
    head = ref.head.replace(ref.name, ref.name + generics, 1).removesuffix("{") + clause + "{"
    return f"{head}\n{ref.body}"


def _helpers(rng: random.Random, ref: Reference) -> str:
    helper = rng.choice(
        [
            "fn helper(x: i32) -> i32 { x }",
            "const LIMIT: usize = 10;",
            "struct Pair { a: i32, b: i32 }\nimpl Pair { fn sum(&self) -> i32 { self.a + self.b } }",
            "#[derive(Debug, Clone)]\nstruct Unit;",
            "macro_rules! twice { ($x:expr) => { $x * 2 } }",
        ]
    )
    return rng.choice([f"{ref.body}\n{helper}\n", f"{helper}\n{ref.function}"])


def _changed(rng: random.Random, ref: Reference) -> str:
    swaps = [
        ("+", "-"),
        ("<", "<="),
        (">", ">="),
        ("==", "!="),
        ("0", "1"),
        ("1", "2"),
        ("true", "false"),
        ("&&", "||"),
    ]
    present = [(old, new) for old, new in swaps if old in ref.body] or [("}", "")]
    old, new = rng.choice(present)
    places = [found.start() for found in re.finditer(re.escape(old), ref.body)]
    at = rng.choice(places)
    return ref.body[:at] + new + ref.body[at + len(old) :]


def _damaged(rng: random.Random, ref: Reference) -> str:
    at = rng.randrange(len(ref.body))
    piece = rng.choice(["", "{", "}", '"', "'", ";", "/*", "\\", "//", "é", "fn ", "\n"])
    return ref.body[:at] + piece + ref.body[at + rng.choice([0, 1]) :]


def _line_lost(rng: random.Random, ref: Reference) -> str:
    lines = ref.body.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _truncated(rng: random.Random, ref: Reference) -> str:
    text = rng.choice([ref.body, ref.function, f"```rust\n{ref.function}"])
    return text[: rng.randrange(1, len(text) + 1)]


def _stub(rng: random.Random, _: Reference) -> str:
    return rng.choice(
        ["todo!()\n}", "unimplemented!()\n}", 'panic!("no")\n}', "}", "{}", "Default::default()\n}", "()\n}"]
    )


def _type_error(rng: random.Random, ref: Reference) -> str:
    wrong = rng.choice(
        ['let x: u32 = "a";', "let y = undefined_name;", "let v = vec![1]; let w = v; v.len();", "1 +;"]
    )
    return f"    {wrong}\n{ref.body}"


def _unicode(rng: random.Random, ref: Reference) -> str:
    piece = rng.choice(
        [
            "// \u202e reversed",
            "let \u0430 = 1;",
            'let _s = "\U0001f980 \u0301";',
            "\u00a0",
            "\ufeff",
            "\u200b",
            "\x0c",
            "\x1c",
            "let _c = '\u00e9';",
            "// \u1d1cnsafe",
            "let _u\u017fe = 1;",
            "\u201cquoted\u201d",
            "\uff55nsafe",
            "\x85",
        ]
    )
    return rng.choice([f"{piece}\n{ref.body}", f"{ref.body}{piece}", f"{ref.function}{piece}"])


def _blank(rng: random.Random, _: Reference) -> str:
    return rng.choice(
        ["", " ", "\n", "\n\n\n", "\t \r\n", "\ufeff", "\x0b", "```\n```", "```rust```", "``````", "{", "}"]
    )


def _null(rng: random.Random, ref: Reference) -> str:
    return rng.choice(["\x00", ref.body + "\x00", "// \x00\n" + ref.body, "```rust\n" + ref.body + "\x00```"])


def _huge(rng: random.Random, ref: Reference) -> str:
    room = 100_000 - len(ref.body)
    return rng.choice(
        [
            ref.body + "/" * (room + 1),
            ref.body + "//" + "x" * (room - 2),
            ref.body + "\n" * (5_000 - ref.body.count("\n")),
            ref.body.rstrip() + "\n//" * 5_001,
            "let _x = 1;" * 400 + ref.body,
            "// " + "a b " * 20_000 + "\n" + ref.body,
        ]
    )


def _policy(rng: random.Random, ref: Reference) -> str:
    before = rng.choice(
        [
            *("// std::fs is not used", "/* unsafe */", 'let _s = "std::process";', 'let _s = r#"unsafe"#;'),
            *(
                "let is_unsafe = 1; let _ = is_unsafe;",
                "let external = 2; let _ = external;",
                "let _l = line!();",
            ),
            *(
                "let (mut a, mut b) = (1, 2); std::mem::swap(&mut a, &mut b);",
                "use std::{process, fs};",
                'let _u = "//"; unsafe {}',
            ),
            *(
                "let _d = std::time::Duration::from_secs(1);",
                "use std :: process;",
                "let _f = |x: &'static str| { std::process::id(); x.len() == 'a' as usize };",
            ),
            *(
                'let _t = concat!("a", "b");',
                "fn r#try() {}",
                'let _r = r"\\"; let _q = "unsafe";',
                'let for_r = "safe std::fs";',
            ),
            *(
                "let _v = 1; #[derive(Serialize)] struct S;",
                "#![allow(unused)]",
                "let _p = std::sync::Arc::new(1);",
                "let hyperplane = 0; let _ = hyperplane;",
            ),
            *(
                "std::process::exit(0);",
                'let _e = env!("PATH");',
                'let _o = option_env!("HOME");',
                "use std::io::Write as _;",
            ),
        ]
    )
    return f"    {before}\n{ref.body}"


def _literals(rng: random.Random, ref: Reference) -> str:
    piece = rng.choice(
        [
            *(
                "let _c = '{';",
                "let _c = '}';",
                "let _c = '\"';",
                "let _c = '\\'';",
                "let _c = '\\\\';",
                'let _s = "}";',
            ),
            *(
                'let _s = "{";',
                'let _s = "a\\\n    b";',
                "fn l<'a>(x: &'a str, y: &'a str) -> &'a str { let _ = y; x }",
                "'o: loop { break 'o; }",
            ),
            *(
                'let _r = r##"a "# b"##;',
                "let _b = b'{';",
                'let _s = "// not a comment";',
                'let _s = "/* nor this";',
            ),
        ]
    )
    return rng.choice([f"{piece}\n{ref.body}", ref.head + piece + "\n" + ref.body])


def _with_main(rng: random.Random, ref: Reference) -> str:
    main = rng.choice(
        [
            'fn main() {\n    println!("hello");\n}\n',
            "fn main() {}\n",
            "fn main() { if true { } }\n\nfn after() {\n}\n\nfn last() {}\n",
            "fn main() -> Result<(), String> {\n    { { } }\n    Ok(())\n}\n",
            "pub fn main() {\n}\n",
            "fn  main ( ) \n{\n}\n",
            '// fn main() {\nconst S: &str = "fn main(";\n',
            "fn main() {\n    if true {\n}\nfn next() {}\n",
            "FN MAIN() {}\n",
        ]
    )
    return rng.choice(
        [
            f"{ref.body}\n{main}",
            f"{main}{ref.body}",
            f"{ref.function}\n{main}",
            f"{ref.body}\n{main}fn z() {{}}\n",
        ]
    )


def _usage(rng: random.Random, ref: Reference) -> str:
    phrase = rng.choice(
        [
            "// Example usage:\n",
            "Usage Example: ",
            "//\n  EXAMPLE  USAGE:",
            "// example usage\n",
            "/// # Example usage:\n",
        ]
    )
    call = 'fn main() {\n    println!("1");\n}\n'
    return rng.choice([f"{ref.body}\n{phrase}{call}", f"{phrase}{ref.body}", f"{ref.body}\n{phrase}"])


def _attributes(rng: random.Random, ref: Reference) -> str:
    line = rng.choice(
        [
            "#[allow(unused)]",
            "  #[rustfmt::skip]",
            "#![allow(dead_code)]",
            "#[derive(Debug)] struct A;",
            "#[cfg(any())]",
            "#[test]",
        ]
    )
    place = rng.choice(
        [f"{line}\n{ref.body}", f"{ref.body}\n{line}\n", f"{ref.body}\n{line}\nfn more() {{}}\n"]
    )
    return rng.choice([place, "use std::collections::Vec;\n" + place])


def _deep(rng: random.Random, ref: Reference) -> str:
    depth = rng.choice([2, 20, 150])
    return rng.choice(
        [
            "{" * depth + ref.body + "}" * depth,
            "{" * depth + "}" * depth + "\n" + ref.body,
            "let _x = " + "(" * depth + "1" + ")" * depth + ";\n" + ref.body,
            "{" + ref.function + "}",
            "{\n" + ref.body + "}\n}",
        ]
    )


def _line_ends(rng: random.Random, ref: Reference) -> str:
    text = rng.choice([ref.body, ref.function, f"```rust\n{ref.body}```"])
    return text.replace("\n", rng.choice(["\r\n", "\r", "\n\n", "\n\r"]))


def _prose(rng: random.Random, ref: Reference) -> str:
    return rng.choice(
        [
            "I cannot help with that.",
            f"<think>\nThe body is {{ short }}.\n</think>\n{ref.body}",
            f"The function returns {ref.name}.\n\n{ref.body}",
            f"{ref.body}\n\nThis solves it in O(n).",
            f"{ref.body}<|eot_id|>",
        ]
    )


KINDS: dict[str, Maker] = {
    "body": lambda _, ref: ref.body,
    "body_indented": lambda rng, ref: rng.choice(["    ", "\t", "\n"])
    + ref.body
    + rng.choice(["", "\n\n", "  "]),
    "fenced": _fenced,
    "fence_variant": _fence_variant,
    "nested_fence": _nested_fence,
    "whole": _whole,
    "generic": _generic,
    "helpers": _helpers,
    "changed": _changed,
    "changed_again": _changed,
    "damaged": _damaged,
    "line_lost": _line_lost,
    "truncated": _truncated,
    "stub": _stub,
    "type_error": _type_error,
    "unicode": _unicode,
    "blank": _blank,
    "null": _null,
    "huge": _huge,
    "policy": _policy,
    "policy_again": _policy,
    "literals": _literals,
    "main": _with_main,
    "usage": _usage,
    "attributes": _attributes,
    "deep": _deep,
    "line_ends": _line_ends,
    "prose": _prose,
}

_WRITE = "use std::io::Write; std::io::stdout()"
EVEN_ONES = {
    "clean_program": 'n % 2 == 0\n}\npub fn main() { println!("{}", is_even(2)); }',
    "unclean_program": "let x = 1; n % 2 == 0\n}\npub fn main() { is_even(2); }",
    "no_text": f"{_WRITE}.write_all(&[0xff]).unwrap(); n % 2 == 0\n}}",
    "much_text": f"for _ in 0..20_000 {{ {_WRITE}.write_all(&[b'a'; 80]).unwrap(); }} n % 2 == 0\n}}",
    "prints": 'println!("{n}"); eprintln!("{n}"); n % 2 == 0\n}',
    "writes_a_file": 'std::fs::write("x", "y").unwrap(); n % 2 == 0\n}',
    "writes_a_temporary_file": 'std::fs::write(std::env::temp_dir().join("x"), "y").unwrap(); n % 2 == 0\n}',
    "reads_its_source": 'std::fs::read_to_string("solution.rs").unwrap().contains("tests") && n % 2 == 0\n}',
    "reads_input": "std::io::stdin().read_line(&mut String::new()).unwrap() == 0 && n % 2 == 0\n}",
    "has_no_arguments": "std::env::args().count() == 1 && n % 2 == 0\n}",
    "sleeps_a_little": "std::thread::sleep(std::time::Duration::from_millis(50)); n % 2 == 0\n}",
    "threads": (
        "let all: Vec<_> = (0..64).map(|_| std::thread::spawn(move || n % 2 == 0)).collect();\n"
        "all.into_iter().all(|thread| thread.join().unwrap())\n}"
    ),
    "exits_from_a_thread": "std::thread::spawn(|| std::process::exit(0)).join().unwrap(); n > 7\n}",
    "much_address_space": "let v = vec![0u8; 1 << 30]; v[n.unsigned_abs() as usize] == 0 && n % 2 == 0\n}",
    "edition_2024": "if let Some(x) = Some(n) && x % 2 == 0 { true } else { false }\n}",
    "edition_2021": "let gen = n % 2; gen == 0\n}",
    "denies_warnings": "#![deny(warnings)] let x = 1; n % 2 == 0\n}",
    "own_test_fails": "n % 2 == 0\n}\nmod more { #[test] fn f() { assert!(super::is_even(3)) } }",
    "own_test_passes": "n % 2 == 0\n}\nmod more { #[test] fn f() { assert!(super::is_even(4)) } }",
    "unused_module": "n % 2 == 0\n}\nmod more { pub fn f() {} }",
    "overflows": "(n + i64::MAX) % 2 == 1\n}",
    "loops": "loop { std::hint::black_box(n); }\n}",
}
"""Right, wrong and odd bodies of `is_even`."""
