import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from rusteval.judging.judge import default_workers
from rusteval.judging.workplace import PREFIX, Workplace, clean_environment, remove_tree


def test_a_workplace_goes_with_everything_in_it(tmp_path):
    with Workplace(scratch=tmp_path) as workplace, ThreadPoolExecutor(8) as pool:
        directories = list(pool.map(lambda _: workplace.new_directory(), range(50)))
        assert len(set(directories)) == 50
        (directories[0] / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_up_and_what_a_living_one_has_is_not(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from rusteval.judging.workplace import Workplace\n"
        "Workplace(scratch=Path(sys.argv[1])).__enter__().new_directory(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert [path.name.startswith(PREFIX) for path in tmp_path.iterdir()] == [True]
    with Workplace(scratch=tmp_path) as living:
        kept = living.new_directory()
        with Workplace(scratch=tmp_path):
            assert kept.is_dir()
            assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


def test_runs_that_begin_at_the_same_time_leave_each_other_alone(tmp_path):
    def begin_and_end(_):
        with Workplace(scratch=tmp_path) as workplace:
            return workplace.new_directory().is_dir()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(begin_and_end, range(400)))


def test_a_tree_too_deep_and_closed_is_removed(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    deepen = "import os\nfor _ in range(1100):\n    os.mkdir('d' * 20)\n    os.chdir('d' * 20)\n    os.chmod('..', 0o300)"
    subprocess.run([sys.executable, "-c", deepen], cwd=root, check=True)
    assert root.exists()
    remove_tree(root)
    assert not root.exists()


def test_an_untrusted_command_gets_nothing_of_the_harness_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert clean_environment(temporary=tmp_path) == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "RUST_BACKTRACE": "0",
        "TMPDIR": str(tmp_path),
    }


def test_workers_leave_two_cores_of_a_small_machine():
    assert [default_workers(cores) for cores in (1, 2, 3, 8, 25, 26, 64)] == [1, 1, 1, 6, 23, 24, 24]
