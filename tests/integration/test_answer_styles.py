"""How models write answers in earnest: a right one passes whatever stands around it, a wrong one does not."""

import pytest

from judging_support import back_end, toolchain
from rusteval.generation.samples import Sample
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.problems.models import Problem, Suite

TESTS = """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn test_count_words() {
        assert_eq!(count_words("a b a"), vec![("a".to_string(), 2), ("b".to_string(), 1)]);
        assert_eq!(count_words(""), vec![]);
        assert_eq!(count_words("{ } }"), vec![("{".to_string(), 1), ("}".to_string(), 2)]);
    }
}
"""
PROMPT = """use std::collections::HashMap;

/// Count how often each word occurs; sorted by word.
///
/// ```
/// assert_eq!(count_words("a"), vec![("a".to_string(), 1)]);
/// ```
fn count_words(text: &str) -> Vec<(String, usize)> {
"""
PROBLEM = Problem(task_id="Own/words", prompt=PROMPT, entry_point="count_words", test=TESTS)
SUITE = Suite(name="own", source="test", sha256="0", problems=(PROBLEM,))

HEAD = "fn count_words(text: &str) -> Vec<(String, usize)> {"
BODY = """    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
    }
    let mut pairs: Vec<_> = counts.into_iter().map(|(w, n)| (w.to_string(), n)).collect();
    pairs.sort();
    pairs
"""
FUNCTION = f"{HEAD}\n{BODY}}}\n"
WRONG = f"{HEAD}\n    vec![]\n}}\n"
USE = "use std::collections::HashMap;\n"
PROGRAM = f'{USE}\n{FUNCTION}\nfn main() {{\n    println!("{{:?}}", count_words("a b"));\n}}\n'
SHORT = "    tally(text)\n"
HELPER = f"fn tally(text: &str) -> Vec<(String, usize)> {{\n{BODY}}}\n"


def indented(text: str, by: str = "    ") -> str:
    return "".join(by + line + "\n" if line else "\n" for line in text.split("\n"))


RIGHT = {
    # fences
    "explanation, code, explanation": f"Here is the solution:\n\n```rust\n{USE}\n{FUNCTION}```\n\n### Explanation\n\n- `HashMap` counts {{words}}.\n- It's O(n).\n",
    "two fences that belong together": f"First a helper:\n\n```rust\n{USE}{HELPER}```\n\nThen the function:\n\n```rust\n{HEAD}\n{SHORT}}}\n```\n",
    "the function, then its helper in another fence": f"```rust\n{HEAD}\n{SHORT}}}\n```\nwith this helper:\n```rust\n{USE}{HELPER}```\n",
    "imports in a fence of their own": f"Add this import:\n```rust\nuse std::collections::BTreeMap;\n```\nThen:\n```rust\n{HEAD}\n    let mut m = BTreeMap::new();\n    for w in text.split_whitespace() {{ *m.entry(w.to_string()).or_insert(0) += 1; }}\n    m.into_iter().collect()\n}}\n```\n",
    "type in a fence of its own": f"```rust\nstruct Counter {{ pairs: Vec<(String, usize)> }}\n```\n\n```rust\nimpl Counter {{ fn of(text: &str) -> Self {{ Counter {{ pairs: tally(text) }} }} }}\n{HELPER}\n{HEAD}\n    Counter::of(text).pairs\n}}\n```\n",
    "Cargo.toml and shell around it": f'```toml\n[package]\nname = "x"\n```\n```rust\n{PROGRAM}```\n```bash\ncargo run\n```\n```text\n[("a", 1)]\n```\n',
    "type and impl, then a corrected version of everything": f"```rust\nstruct C;\nimpl C {{ fn of(_: &str) -> Vec<(String, usize)> {{ vec![] }} }}\n{HEAD}\n    C::of(text)\n}}\n```\nCorrected:\n```rust\nstruct C;\nimpl C {{ fn of(text: &str) -> Vec<(String, usize)> {{ tally(text) }} }}\n{HELPER}{HEAD}\n    C::of(text)\n}}\n```\n",
    "example of use after it": f'```rust\n{FUNCTION}```\nUsage:\n```rust\nlet pairs = count_words("a b");\nassert_eq!(pairs.len(), 2);\n```\n',
    "example of use before it": f'You call it like this:\n```rust\nfn main() {{ count_words("a b"); }}\n```\nThe code:\n```rust\n{FUNCTION}```\n',
    "wrong first, corrected after": f"```rust\n{WRONG}```\nWait, that is wrong. Corrected:\n```rust\n{FUNCTION}```\n",
    "stub first, then the answer": f"The signature:\n```rust\n{HEAD}\n    todo!()\n}}\n```\nFilled in:\n```rust\n{FUNCTION}```\n",
    "indented fence in a list": f"1. Code:\n\n{indented('```rust' + chr(10) + FUNCTION + '```')}\n2. Done.\n",
    "fence of four marks with one of three inside": f"````markdown\nHere:\n```rust\n{FUNCTION}```\n````\n",
    "fence of four marks": f"````rust\n{PROMPT}{BODY}}}\n````\n",
    "fence of tildes with label": f"~~~rust\n{FUNCTION}~~~\n",
    "label Rust": f"```Rust\n{FUNCTION}```",
    "label rust,editable": f"```rust,editable\n{FUNCTION}```",
    "label with a space": f"``` rust\n{FUNCTION}```",
    "label in braces": f"```{{.rust .numberLines}}\n{FUNCTION}```",
    "label with a file name": f"```rust:src/lib.rs\n{FUNCTION}```",
    "label with a title": f'```rust title="src/lib.rs"\n{FUNCTION}```',
    "label code": f"```code\n{FUNCTION}```",
    "quoted": "> Sure:\n>\n" + "".join(f"> {line}\n" for line in f"```rust\n{FUNCTION}```".split("\n")),
    "never closed": f"```rust\n{FUNCTION}",
    "never closed, last brace missing": f"```rust\n{HEAD}\n{BODY}",
    "never closed, cut off in the tests": f"```rust\n{FUNCTION}\n#[cfg(test)]\nmod tests {{\n    use super::*;\n    #[test]\n    fn test_a() {{\n        assert_eq!(count_wo",
    "never closed, cut off in main": f'```rust\n{FUNCTION}\nfn main() {{\n    let s = "a b;\n',
    "cut off in a second fence": f"```rust\n{FUNCTION}```\n\nA faster one:\n\n```rust\n{HEAD}\n    let mut counts = HashM",
    "only a closing fence": f"{BODY}}}\n```\n",
    "closing fence glued on": f"```rust\n{HEAD}\n{BODY}}}```",
    "opening fence glued on": f"Solution:```rust\n{FUNCTION}```",
    "a body in a fence, not closed": f"```rust\n{BODY}```\nThat is the body.",
    "a body in a fence, closed": f"The body:\n```rust\n{BODY}}}\n```",
    "windows lines and tabs": f"```rust\r\n{FUNCTION}```\r\n".replace("    ", "\t").replace("\n", "\r\n"),
    "old line ends of a Mac": f"```rust\n{FUNCTION}```\n".replace("\n", "\r"),
    "byte order mark and fence": f"\ufeff```rust\n{FUNCTION}```",
    "byte order mark inside the fence": f"```rust\n\ufeff{FUNCTION}```",
    "narrow spaces": f"\u200b```rust\n{FUNCTION}```\u200b\n",
    # tags
    "think": f"<think>\nMaybe:\n```rust\n{WRONG}```\nno.\n</think>\n\n```rust\n{FUNCTION}```",
    "think, capital letters": f"<THINK>\n```rust\n{WRONG}```\n</THINK>\n{FUNCTION}",
    "thinking, tag with space": f"<thinking >\n{WRONG}\n</thinking >\n{FUNCTION}",
    "reasoning tags": f"<reasoning>\n{WRONG}\n</reasoning>\n{FUNCTION}",
    "reflection and answer tags": f"<reflection>ok</reflection><answer>\n```rust\n{FUNCTION}```\n</answer>",
    "answer tags without a fence": f"<answer>\n{FUNCTION}</answer>",
    "code tags": f"<code>\n{FUNCTION}</code>",
    "pre and code tags": f'<pre><code class="language-rust">\n{FUNCTION}</code></pre>',
    "seed think": f"<seed:think>\n{WRONG}\n</seed:think>\n{FUNCTION}",
    "special think marks": f"<|begin_of_thought|>\n{WRONG}\n<|end_of_thought|>\n<|begin_of_solution|>\n```rust\n{FUNCTION}```\n<|end_of_solution|>",
    "unusual think marks": f"◁think▷\n{WRONG}\n◁/think▷\n{FUNCTION}",
    "channels": f"<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant<|channel|>final<|message|>```rust\n{FUNCTION}```<|return|>",
    "chat marks around": f"[/INST] {FUNCTION}</s>",
    "end marks behind": f"{FUNCTION}<|im_end|>\n<|endoftext|>",
    "an empty think block": f"<think>\n\n</think>\n\n{BODY}}}\n",
    "a think tag in a string": FUNCTION.replace("    pairs.sort();", '    let _ = "<think>";\n    pairs.sort();'),
    "a closing think tag in a string": FUNCTION.replace("    pairs.sort();", '    let _ = "</think>";\n    pairs.sort();'),
    # text around
    "html entities": FUNCTION.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    "html entities in a fence": f"```rust\n{FUNCTION}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + "```",
    "prose before, no fence": f"Sure! Here's the completed function:\n\n{FUNCTION}",
    "prose after, no fence": f"{FUNCTION}\nThis function uses a HashMap (it's fast) to count {{words}}.\n",
    "headings around": f"# Solution\n\n{FUNCTION}\n## Notes\n\nNone.\n",
    "body, then prose": f"{BODY}}}\n\nThe function counts words; it's O(n).\n",
    "body, then another function": f"{BODY}}}\n\nfn other() -> i32 {{\n    unknown()\n}}\n",
    "body, then the next task": f"{BODY}}}\n\n/// Next.\nfn next(a: i32) -> i32 {{\n    todo!()\n",
    "body, then tests": f"{BODY}}}\n\n{TESTS}",
    "body, then main": f"{BODY}}}\n\nfn main() {{ missing(); }}\n",
    "body with prompt's doc repeated": f"{PROMPT}{BODY}}}\n",
    "signature repeated without the rest": f"{HEAD}\n{BODY}}}",
    # Rust
    "helper after it": f"{HEAD}\n{SHORT}}}\n\n{HELPER}",
    "body, helper after it": f"{SHORT}}}\n\n{HELPER}",
    "helper struct and impl after it": f"{HEAD}\n    Counter::default().feed(text).done()\n}}\n\n#[derive(Default)]\nstruct Counter(HashMap<String, usize>);\n\nimpl Counter {{\n    fn feed(mut self, text: &str) -> Self {{\n        for w in text.split_whitespace() {{ *self.0.entry(w.into()).or_default() += 1; }}\n        self\n    }}\n    fn done(self) -> Vec<(String, usize)> {{\n        let mut v: Vec<_> = self.0.into_iter().collect();\n        v.sort();\n        v\n    }}\n}}\n",
    "trait and impl after it": f"{HEAD}\n    text.tally()\n}}\ntrait Tally {{ fn tally(&self) -> Vec<(String, usize)>; }}\nimpl Tally for str {{ fn tally(&self) -> Vec<(String, usize)> {{ tally(self) }} }}\n{HELPER}",
    "struct Solution": f"{USE}struct Solution;\n\nimpl Solution {{\n    pub fn count_words(text: &str) -> Vec<(String, usize)> {{\n    {BODY}    }}\n}}\n",
    "struct Solution in a fence, public": f"```rust\npub struct Solution;\nimpl Solution {{\n    pub fn count_words(text: &str) -> Vec<(String, usize)> {{\n{BODY}    }}\n}}\n```",
    "function and struct Solution": f"struct Solution;\nimpl Solution {{\n    fn run(text: &str) -> Vec<(String, usize)> {{ tally(text) }}\n}}\n{HELPER}{HEAD}\n    Solution::run(text)\n}}\n",
    "in a module": f"mod solution {{\n    use std::collections::HashMap;\n    pub {FUNCTION}}}\nuse solution::count_words;\n",
    "in a module that is not imported": f"```rust\nmod solution {{\n    use std::collections::HashMap;\n    pub {FUNCTION}}}\n```",
    "generic with where": f"fn count_words<T>(text: T) -> Vec<(String, usize)>\nwhere\n    T: AsRef<str>,\n{{\n    let text = text.as_ref();\n{BODY}}}\n",
    "impl trait argument": f"fn count_words(text: impl AsRef<str>) -> Vec<(String, usize)> {{\n    let text = text.as_ref();\n{BODY}}}\n",
    "own lifetimes": f"pub fn count_words<'a>(text: &'a str) -> Vec<(String, usize)> {{\n{BODY}}}\n",
    "renamed and mutable parameter": FUNCTION.replace("text", "mut s").replace("in mut s", "in s").replace("{\n", "{\n    s = s.trim();\n", 1),
    "raw strings with braces": FUNCTION.replace("    pairs.sort();", '    let _ = (r#"} fn x() { "#, r##"}"#}"##, \'}\', b\'{\', "\\"}");\n    pairs.sort();'),
    "comments with braces and quotes": FUNCTION.replace("    pairs.sort();", "    // it's } here\n    /* } /* \" */ ' */\n    pairs.sort();"),
    "doc test with a fence": f'/// Counts.\n///\n/// # Examples\n///\n/// ```rust\n/// let x = count_words("a");\n/// ```\n{FUNCTION}',
    "doc test in a fence": f'```rust\n/// Counts.\n///\n/// ```\n/// let x = count_words("a");\n/// ```\n{FUNCTION}```\n',
    "block doc with a fence in a fence": f"```rust\n/** Counts.\n```\nlet x = 1;\n```\n*/\n{FUNCTION}```\n",
    "fence in a string": FUNCTION.replace("    pairs.sort();", '    let _ = "```rust\n}\n```";\n    pairs.sort();'),
    "inner attributes and docs": f"#![allow(unused)]\n//! Words.\n{PROGRAM}",
    "extern crate std": f"extern crate std;\n{FUNCTION}",
    "macros of its own": f"macro_rules! bump {{ ($m:expr, $k:expr) => {{ *$m.entry($k).or_insert(0) += 1 }} }}\n{FUNCTION.replace('*counts.entry(word).or_insert(0) += 1', 'bump!(counts, word)')}",
    "constants and statics after it": f"{FUNCTION.replace('or_insert(0)', 'or_insert(ZERO)')}const ZERO: usize = START;\nstatic UNUSED: usize = 1;\nconst START: usize = 0;\n",
    "tests of its own before it": f'#[cfg(test)]\nmod tests {{\n    use super::*;\n    #[test]\n    fn t() {{ assert!(count_words("").is_empty()); }}\n}}\n{FUNCTION}',
    "main before it": f'fn main() {{\n    missing_crate::run(count_words("a"));\n}}\n\n{FUNCTION}',
    "function twice, the second corrected": f"{FUNCTION}\n// the same again\n{FUNCTION}",
    "attributes on it": f"#[inline(always)]\n#[must_use]\npub {FUNCTION}",
    "const generics helper": f"fn first<const N: usize>(a: [usize; N]) -> usize {{ a[0] }}\n{FUNCTION.replace('or_insert(0)', 'or_insert(first([0; { 1 + 2 }]))')}",
    "let else and let chains of today": FUNCTION.replace("    pairs.sort();", "    let Some(_) = Some(1) else { unreachable!() };\n    if let Some(a) = pairs.first() && a.1 > 0 { pairs.sort(); }"),
    "shebang line": f"#!/usr/bin/env run-cargo-script\n{PROGRAM}",
    "raw identifier": FUNCTION.replace(" word", " r#type").replace("(word", "(r#type"),
    "unicode names and text": FUNCTION.replace(" word", " größe").replace("(word", "(größe").replace("    pairs.sort();", '    let _ = "日本 🦀 }";\n    pairs.sort();'),
}  # fmt: skip

WRONG_ANSWERS = {
    "spaces that no compiler knows": FUNCTION.replace("    ", "\u00a0\u00a0\u00a0\u00a0"),
    "wrong in an impl block": f"struct Solution;\nimpl Solution {{\n    fn {WRONG.removeprefix('fn ')}}}\n",
    "two modules with it": f"mod a {{ pub {WRONG} }}\nmod b {{ use std::collections::HashMap; pub {FUNCTION} }}\n",
    "wrong, with a right helper of that name in another fence": f"```rust\nmod other {{ pub {FUNCTION} }}\n```\n```rust\n{WRONG}```\n",
    "wrong in a fence": f"```rust\n{WRONG}```",
    "wrong, with a right one in the reasoning": f"<think>\n{FUNCTION}</think>\n{WRONG}",
    "right first, then changed for the worse": f"```rust\n{FUNCTION}```\nActually:\n```rust\n{WRONG}```",
    "prose only": "You should iterate over the words, count them in a HashMap (or BTreeMap), and sort; that's it.",
    "pseudo code": "function countWords(text):\n    return sorted(count(text.split()))",
    "another name": FUNCTION.replace("count_words", "word_count"),
    "cut off in the middle": f"```rust\n{HEAD}\n    let mut counts: HashMap<&str, usize> = HashMap::new();\n    for word in text.split_wh",
    "reasoning that never ended": f"<think>\n```rust\n{FUNCTION}```\nHmm, but",
    "ellipsis": f"{HEAD}\n    // ... existing code ...\n    ...\n}}",
}  # fmt: skip


@pytest.fixture(scope="module")
def passed():
    cases = {**RIGHT, **WRONG_ANSWERS}
    verdicts = judge_samples(
        [Sample(task_id=PROBLEM.task_id, completion=text) for text in cases.values()],
        suite=SUITE,
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=2, timeout_s=5.0, clippy=False),
        cache=None,
    )
    return dict(zip(cases, verdicts, strict=True))


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_answer_passes(case, passed):
    verdict = passed[case]
    assert verdict.passed, (verdict.extraction, verdict.result, verdict.stderr)


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_a_wrong_answer_fails(case, passed):
    assert passed[case].outcome == "failed"
