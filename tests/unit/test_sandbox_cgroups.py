"""Control groups: where they are made, and what is read from them, in both versions of the kernel's interface."""

from pathlib import Path

from rusteval.judging.sandbox.cgroups import Group, _candidates


def a_process(directory: Path, *, groups: str, mounts: str) -> Path:
    directory.mkdir()
    (directory / "cgroup").write_text(groups)
    (directory / "mountinfo").write_text(mounts)
    return directory


def mount(*, root: str, point: Path, kind: str, options: str) -> str:
    return f"30 24 0:26 {root} {point} rw,nosuid shared:9 - {kind} cgroup rw,{options}\n"


def test_version_1_makes_groups_below_the_harness_s_own(tmp_path):
    names = {"memory": "memory", "pids": "pids", "cpu,cpuacct": "cpu"}
    process = a_process(
        tmp_path / "self",
        groups="7:memory:/job/7\n3:pids:/\n2:cpu,cpuacct:/job\n0::/\n",
        mounts="".join(
            mount(root="/", point=tmp_path / place, kind="cgroup", options=options)
            for options, place in names.items()
        ),
    )
    assert list(_candidates(process)) == [
        (tmp_path / "memory/job/7", tmp_path / "pids", tmp_path / "cpu/job")
    ]


def test_version_2_makes_groups_beside_the_harness_and_asks_for_the_controllers(tmp_path):
    own = tmp_path / "v2/user.slice/session.scope"
    own.mkdir(parents=True)
    (own / "cgroup.events").touch()
    (own.parent / "cgroup.subtree_control").write_text("pids")
    process = a_process(
        tmp_path / "self",
        groups="0::/user.slice/session.scope\n",
        mounts=mount(root="/", point=tmp_path / "v2", kind="cgroup2", options="nsdelegate"),
    )
    assert list(_candidates(process)) == [(own.parent,)]
    assert (own.parent / "cgroup.subtree_control").read_text() == "+memory"


def test_version_2_in_the_root_group_makes_them_below_it(tmp_path):
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2/cgroup.subtree_control").write_text("cpuset cpu memory pids")
    process = a_process(
        tmp_path / "self",
        groups="0::/\n",
        mounts=mount(root="/", point=tmp_path / "v2", kind="cgroup2", options="nsdelegate"),
    )
    assert list(_candidates(process)) == [(tmp_path / "v2",)]


def test_a_container_that_shows_a_part_of_the_tree(tmp_path):
    process = a_process(
        tmp_path / "self",
        groups="9:memory:/docker/abc\n8:pids:/docker/abc\n7:cpuacct:/elsewhere\n",
        mounts="".join(
            mount(root="/docker/abc", point=tmp_path / name, kind="cgroup", options=name)
            for name in ("memory", "pids", "cpuacct")
        ),
    )
    assert list(_candidates(process)) == []  # the last one is not where it can be seen


def test_times_are_read_in_both_versions(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    (first / "cpuacct.usage").write_text("2500000000\n")
    (second / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n")
    assert [Group(directories=(directory,)).cpu_s() for directory in (first, second)] == [2.5, 1.5]
