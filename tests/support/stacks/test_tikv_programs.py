"""What a TiKV stack is started from is found, asked what it is, and named when it stands in for something."""

import sys
from pathlib import Path

import pytest

from support.machine import programs
from support.stacks.tikv_programs import find_binaries, native, stand_ins
from support.verdict import BrokenBed

ROOT = Path(__file__).parents[3]
NAMES = ("pd-server", "tikv-server")


def install(directory, name, script):
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def real(directory, *names, version="v8.5.7"):
    for name in names:
        install(directory, name, f"echo 'TiKV'; echo 'Release Version:   {version}'")


def shim(directory, *, times=None):
    """Programs that have the names of the real ones and start the stand-ins."""
    scale = f"STANDIN_TIME_SCALE={times} " if times else ""
    for name in NAMES:
        module = f"systems.tikv.{name.replace('-', '_')}"
        install(directory, name, f'cd {ROOT}; {scale}exec {sys.executable} -m {module} "$@"')


def test_real_binaries_stand_in_for_nothing(tmp_path):
    real(tmp_path, *NAMES)
    found = native({"PATH": str(tmp_path)}, None)
    assert (found.pd_server, found.tikv_server) == (
        (str(tmp_path / "pd-server"),),
        (str(tmp_path / "tikv-server"), f"--capacity={10 * 1024**3}B"),
    )
    assert (found.substitutes, found.times, found.capacity, dict(found.environment)) == ((), 1, None, {})


@pytest.mark.parametrize(("times", "named"), [(None, ()), (20, ("times ×20",))])
def test_a_stand_in_under_another_name_does_not_pass_for_the_real_thing(tmp_path, times, named):
    shim(tmp_path, times=times)
    found = native({"PATH": str(tmp_path)}, None)
    assert found.substitutes == ("stand-in PD", "stand-in TiKV", *named)
    assert found.times == (times or 1)


def test_one_stand_in_beside_a_real_program_is_named_alone(tmp_path):
    shim(tmp_path, times=20)
    real(tmp_path, "pd-server")
    found = native({}, tmp_path)
    assert (found.substitutes, found.times) == (("stand-in TiKV",), 1)


def test_of_a_tiup_directory_the_newest_release_is_taken(tmp_path):
    for version in ("v8.5.10", "v8.5.9", "v7.5.0"):
        real(tmp_path / "pd" / version, "pd-server", version=version)
        real(tmp_path / "tikv" / version, "tikv-server", version=version)
    found = find_binaries({}, tmp_path)
    assert [each.version for each in found.values()] == ["v8.5.10"] * 2


def test_a_directory_that_is_named_is_not_made_up_for_by_the_path(tmp_path):
    real(tmp_path / "path", *NAMES)
    real(tmp_path / "named", "pd-server")
    with pytest.raises(BrokenBed, match=f"no tikv-server in {tmp_path / 'named'}\ntry: tiup install"):
        find_binaries({"PATH": str(tmp_path / "path")}, tmp_path / "named")


def test_a_program_that_does_not_say_what_it_is_is_refused(tmp_path):
    real(tmp_path, "pd-server")
    install(tmp_path, "tikv-server", "echo 'cannot load libz.so' >&2; exit 127")
    with pytest.raises(BrokenBed, match=r"ended with status 127 and said: cannot load libz\.so"):
        find_binaries({"PATH": str(tmp_path)}, None)


def test_the_doctor_names_releases_and_stand_ins(tmp_path):
    assert programs.tikv({"PATH": str(tmp_path)}).seen == "no pd-server on the PATH"
    shim(tmp_path)
    real(tmp_path, "pd-server")
    seen = programs.tikv({"PATH": str(tmp_path)}).seen
    assert seen == (f"v8.5.7, {tmp_path / 'pd-server'}; v8.5.7 (a stand-in), {tmp_path / 'tikv-server'}")


def test_the_stand_ins_are_named_with_their_times():
    assert stand_ins().substitutes == ("stand-in PD", "stand-in TiKV", "times ×20")
    assert stand_ins(1).substitutes == ("stand-in PD", "stand-in TiKV")
