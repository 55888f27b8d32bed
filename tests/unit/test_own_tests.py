"""Tests that a model wrote beside its answer."""

import pytest

from rusteval.rust.own_tests import own_tests

MODULE = (
    "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn works() { assert_eq!(f(), 1); }\n}"
)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (f"fn f() -> i32 {{ 1 }}\n{MODULE}", MODULE),
        (f"Here it is:\n```rust\nfn f() -> i32 {{ 1 }}\n```\nand tests:\n```rust\n{MODULE}\n```", MODULE),
        ("fn f() {}\n#[test]\nfn works() { f(); }", "#[test]\nfn works() { f(); }"),
        ("fn f() {}\nmod tests { fn g() {} }", None),
        ("fn f() {}\n// #[cfg(test)] mod tests {}", None),
        ("I do not know.", None),
        ("<think>for ever", None),
        (f"fn f() {{}}\n{MODULE[:-20]}", None),
    ],
)
def test_test_modules_and_test_functions_are_found(completion, expected):
    assert own_tests(completion) == expected
