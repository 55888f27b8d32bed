from pathlib import Path

import pytest

from rusteval.errors import InputError
from rusteval.judging.toolchain import find_toolchain


def install(root: Path, *, version="rustc 1.99.0", clippy=True, works=True) -> Path:
    """A stand-in that answers as rustc does; nothing of it is compiled."""
    (root / "bin").mkdir(parents=True)
    rustc = root / "bin" / "rustc"
    rustc.write_text(
        f"#!/bin/sh\n{'' if works else 'echo broken >&2; exit 1'}\n"
        f'case "$1" in --print) echo {root} ;; *) echo "{version}" ;; esac\n'
    )
    rustc.chmod(0o755)
    if clippy:
        (root / "bin" / "clippy-driver").write_text("")
    return rustc


def test_the_compiler_on_the_path_is_taken_with_its_real_place(tmp_path):
    install(tmp_path / "toolchain")
    proxies = tmp_path / "proxies"
    proxies.mkdir()
    (proxies / "rustc").symlink_to(tmp_path / "toolchain" / "bin" / "rustc")
    found = find_toolchain(environ={"PATH": f"{proxies}:/usr/bin:/bin"})
    assert found.rustc == tmp_path / "toolchain" / "bin" / "rustc"
    assert found.clippy_driver == tmp_path / "toolchain" / "bin" / "clippy-driver"
    assert found.version == "rustc 1.99.0"


def test_without_path_the_homes_are_searched_and_stable_comes_first(tmp_path):
    install(tmp_path / "rustup" / "toolchains" / "nightly", version="rustc nightly")
    install(tmp_path / "rustup" / "toolchains" / "stable", version="rustc stable", clippy=False)
    found = find_toolchain(environ={"PATH": "/nonexistent", "RUSTUP_HOME": str(tmp_path / "rustup")})
    assert (found.version, found.clippy_driver) == ("rustc stable", None)


def test_a_broken_compiler_is_passed_over_for_one_that_works(tmp_path):
    install(tmp_path / "rustup" / "toolchains" / "a-stable", works=False)
    install(tmp_path / "rustup" / "toolchains" / "b-stable", version="rustc good")
    found = find_toolchain(environ={"PATH": "/nonexistent", "RUSTUP_HOME": str(tmp_path / "rustup")})
    assert found.version == "rustc good"


def test_the_one_asked_for_is_the_only_one_tried(tmp_path):
    install(tmp_path / "good")
    bad = install(tmp_path / "bad", works=False)
    with pytest.raises(InputError, match=r"broken.*RUSTEVAL_RUSTC"):
        find_toolchain(environ={"PATH": str(tmp_path / "good" / "bin"), "RUSTEVAL_RUSTC": str(bad)})


def test_none_at_all_is_one_line_with_the_remedy():
    with pytest.raises(InputError, match=r"no Rust compiler found; install Rust") as caught:
        find_toolchain(environ={"PATH": "/nonexistent", "HOME": "/nonexistent"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "exit code 3 without a word"),
        ("kill -SEGV $$", "ended by SIGSEGV"),
        ("exit 0", "exit code 0 without a word"),
        ("sleep 1000", r"no answer within 0\.5 s"),
        ("exec 2>&1; printf '\\377\\376'; exit 1", "does not work"),
    ],
)
def test_a_compiler_that_gives_no_answer_is_named_soon(tmp_path, script, message):
    rustc = tmp_path / "rustc"
    rustc.write_text(f"#!/bin/sh\n{script}\n")
    rustc.chmod(0o755)
    with pytest.raises(InputError, match=message) as caught:
        find_toolchain(environ={"PATH": "/usr/bin:/bin", "RUSTEVAL_RUSTC": str(rustc)}, timeout_s=0.5)
    assert str(caught.value).startswith(f"{rustc}: ")
