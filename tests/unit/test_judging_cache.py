import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from judging_support import RIGHT, WRONG, program
from rusteval.errors import InputError
from rusteval.judging.cache import FILE_NAME, VerdictCache, default_cache_directory
from rusteval.judging.program import Judgement, conditions_key, program_key

PASSED = Judgement(
    compile_ok=True, test_ok=True, outcome="passed", result="passed", tests_run=2, edition="2021"
)


def test_a_judgement_comes_back_whole_from_another_opening(tmp_path):
    with VerdictCache(tmp_path / "new" / "place") as cache:
        assert cache.get("key") is None
        cache.put("key", PASSED)
    with VerdictCache(tmp_path / "new" / "place") as cache:
        assert cache.get("key") == PASSED


def test_what_is_not_final_is_not_kept(tmp_path):
    with VerdictCache(tmp_path) as cache:
        cache.put("key", PASSED.model_copy(update={"final": False}))
        assert cache.get("key") is None


def test_a_damaged_row_is_judged_anew(tmp_path):
    with VerdictCache(tmp_path) as cache:
        cache.put("key", PASSED)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE judgements SET judgement = '{\"outcome\": 7}'")
    with VerdictCache(tmp_path) as cache:
        assert cache.get("key") is None


def test_many_openings_write_at_once(tmp_path):
    def fill(worker):
        with VerdictCache(tmp_path) as cache:
            for number in range(20):
                cache.put(f"{worker}-{number}", PASSED)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(8)))
    with VerdictCache(tmp_path) as cache:
        assert all(cache.get(f"{worker}-{number}") for worker in range(8) for number in range(20))


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / FILE_NAME).write_text("this is not a database, not at all\n" * 100)
    with pytest.raises(InputError, match=FILE_NAME):
        VerdictCache(tmp_path)


def test_the_cache_directory_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_directory() == tmp_path / "rusteval"


def test_the_key_depends_on_all_that_a_verdict_depends_on():
    def key(answer, **conditions):
        return program_key(program(answer), conditions=conditions_key(conditions))

    same = key(RIGHT, rustc="1", sandbox="a")
    assert same == key(RIGHT, sandbox="a", rustc="1")
    others = {
        key(WRONG, rustc="1", sandbox="a"),
        key(RIGHT, rustc="2", sandbox="a"),
        key(RIGHT, rustc="1", sandbox="b"),
        key(RIGHT + "\ud800", rustc="1", sandbox="a"),
        program_key(
            replace(program(RIGHT), refused="why"), conditions=conditions_key({"rustc": "1", "sandbox": "a"})
        ),
    }
    assert len(others | {same}) == 6


def test_a_file_of_another_layout_is_refused(tmp_path):
    VerdictCache(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(InputError, match="another version: layout 7"):
        VerdictCache(tmp_path)


def test_a_file_that_stays_locked_is_named_and_what_was_kept_stays(tmp_path):
    with VerdictCache(tmp_path, busy_timeout_s=0.05) as cache:
        cache.put("before", PASSED)
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match=rf"{FILE_NAME}.*locked"):
            cache.put("after", PASSED)
        other.execute("ROLLBACK")
        other.close()
        cache.put("after", PASSED)
        assert cache.get("before") == cache.get("after") == PASSED


def test_a_file_that_breaks_while_it_is_used_is_named(tmp_path):
    with VerdictCache(tmp_path) as cache:
        with sqlite3.connect(tmp_path / FILE_NAME) as connection:
            connection.execute("DROP TABLE judgements")
        with pytest.raises(InputError, match=FILE_NAME):
            cache.get("key")
