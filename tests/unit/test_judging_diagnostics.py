import json

from rusteval.judging.diagnostics import crash_text, parse_diagnostics


def span(file_name, *, primary=True, expansion=None):
    return {"file_name": file_name, "is_primary": primary, "expansion": expansion}


def line(**fields):
    return json.dumps(
        {"$message_type": "diagnostic", "code": None, "level": "error", "spans": [], **fields}
    ).encode()


def test_code_level_and_place_are_read():
    raw = line(
        message="mismatched",
        code={"code": "E0308"},
        spans=[span("answer.rs"), span("checks.rs", primary=False)],
    )
    (found,) = parse_diagnostics(raw)
    assert (found.level, found.code, found.files) == ("error", "E0308", {"answer.rs"})


def test_an_expansion_counts_where_it_was_written():
    inner = span("/rustc/library/core/macros.rs", expansion={"span": span("answer.rs")})
    (found,) = parse_diagnostics(line(message="in a macro", spans=[inner]))
    assert found.files == {"answer.rs"}


def test_what_is_no_diagnostic_is_passed_over_and_kept_as_text():
    raw = b"\n".join([b"rustc interrupted by SIGSEGV", line(message="ok"), b'{"cut off', b'["list"]', b"{}"])
    assert [found.message for found in parse_diagnostics(raw)] == ["ok", ""]
    assert crash_text(raw).startswith("rustc interrupted by SIGSEGV")
