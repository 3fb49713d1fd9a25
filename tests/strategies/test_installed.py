"""Installed code read as bytes: every byte counts, and compiled files must be their source's."""

import importlib.metadata
import marshal
import py_compile
import shutil
import struct
from importlib.util import cache_from_source, find_spec
from pathlib import Path

import pytest

from deskbound_strategies import installed
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.installed import check_record, folder_of, read_package, record_digest
from deskbound_strategies.release import PACKAGES, Change, Kind, Release, differences

NAME = "deskbound_strategies"


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """Copies of our packages as an installer lays them down."""
    place = tmp_path_factory.mktemp("site-packages")
    for name in PACKAGES:
        shutil.copytree(folder_of(name), place / name, ignore=shutil.ignore_patterns("__pycache__"))
        information = place / f"{name}-9.9.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {name.replace('_', '-')}\nVersion: 9.9\n")
    return place


@pytest.fixture
def compiled(install):
    """The same, with compiled files beside the sources of one package."""
    for source in (install / NAME).rglob("*.py"):
        py_compile.compile(str(source), doraise=True)
    yield install / NAME / "__pycache__"
    shutil.rmtree(install / NAME / "__pycache__")


@pytest.fixture(scope="module")
def release(install):
    return Release(tuple(read_package(name, install) for name in PACKAGES))


def changes(release, install):
    return differences(release, [read_package(name, install) for name in PACKAGES])


def flipped(path: Path) -> bytes:
    """Change one byte in the middle of a file; return what it held."""
    data = path.read_bytes()
    at = len(data) // 2
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if data else b"x")
    return data


def test_an_install_is_read_as_it_is(install, release):
    assert changes(release, install) == ()
    for package in release.packages:
        assert package.version == "9.9"
        assert not [path for path in package.files if "__pycache__" in path]
        own = {
            path.relative_to(folder_of(package.name)).as_posix()
            for path in folder_of(package.name).rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        assert set(package.files) == own


def test_one_changed_byte_in_any_file_is_found(install, release):
    """Each installed file once: the whole of both packages, templates and style sheets too."""
    for package in release.packages:
        for name in package.files:
            path = install / package.name / name
            before = flipped(path)
            found = differences(release, [read_package(package.name, install)])
            path.write_bytes(before)
            assert Change(Kind.CHANGED, f"{package.name}/{name}") in found
    assert changes(release, install) == ()


def test_what_python_itself_compiles_is_no_difference(compiled, install, release):
    assert len(list(compiled.iterdir())) > 25
    assert changes(release, install) == ()


def test_one_changed_byte_in_any_compiled_code_is_found(compiled, install, release):
    """Among its instructions. A wrong header makes Python compile anew, and of what follows some
    bits mean nothing to Python, so that no difference is found where only they changed."""
    paths = sorted(compiled.glob("*.pyc"))
    before = [path.read_bytes() for path in paths]
    for path, data in zip(paths, before, strict=True):
        instructions = marshal.loads(data[16:]).co_code
        at = data.index(instructions) + len(instructions) // 2
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    found = changes(release, install)
    for path, data in zip(paths, before, strict=True):
        path.write_bytes(data)
    folder = f"{NAME}/{compiled.name}"
    assert found == tuple(Change(Kind.EXTRA, f"{folder}/{path.name}") for path in paths)


def test_compiled_code_of_another_source_is_found_however_well_dated(compiled, install, release):
    """The attack on compiled files: other code under the time and size of the honest source."""
    source = install / NAME / "shell.py"
    honest = Path(cache_from_source(str(source)))
    before, kept = source.read_bytes(), honest.read_bytes()
    source.write_bytes(before.replace(b"EXIT_INTERNAL = 70", b"EXIT_INTERNAL = 71"))
    evil = Path(py_compile.compile(str(source), doraise=True)).read_bytes()
    source.write_bytes(before)
    honest.write_bytes(kept[:16] + evil[16:])
    assert struct.unpack("<II", kept[8:16]) == struct.unpack("<II", honest.read_bytes()[8:16])
    name = f"{NAME}/{honest.relative_to(install / NAME).as_posix()}"
    assert changes(release, install) == (Change(Kind.EXTRA, name),)


@pytest.mark.parametrize(
    "name",
    [
        "evil.py", "evil.pyc", "evil.so", "evil.abi3.so", "evil/__init__.py", "data.txt",
        "__pycache__/evil.cpython-311.pyc", "__pycache__/shell.cpython-999.pyc", ".hidden",
    ],
)  # fmt: skip
def test_whatever_is_there_in_addition_is_found(compiled, install, release, name):
    path = install / NAME / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"pass")
    found = changes(release, install)
    path.unlink()
    assert found == (Change(Kind.EXTRA, f"{NAME}/{name}"),)
    if path.parent.name == "evil":
        path.parent.rmdir()


def test_links_are_found_in_place_of_files_and_folders(install, release, tmp_path):
    shutil.copy(install / NAME / "shell.py", tmp_path / "shell.py")
    path = install / NAME / "shell.py"
    path.rename(tmp_path / "kept")
    path.symlink_to(tmp_path / "shell.py")  # the same bytes, until somebody changes them
    (install / NAME / "more").symlink_to(tmp_path)
    found = {(change.kind, change.path) for change in changes(release, install)}
    path.unlink()
    (tmp_path / "kept").rename(path)
    (install / NAME / "more").unlink()
    assert (Kind.CHANGED, f"{NAME}/shell.py") in found
    assert (Kind.EXTRA, f"{NAME}/more") in found


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFoundError):
        read_package(NAME, tmp_path)
    with pytest.raises(NotFoundError):
        folder_of("deskbound_nothing")
    with pytest.raises(NotFoundError):
        record_digest("deskbound-nothing")


def test_reading_imports_nothing(install, monkeypatch):
    (install / "unheard_of").mkdir()
    (install / "unheard_of" / "__init__.py").write_text("raise SystemExit('was imported')")
    monkeypatch.syspath_prepend(str(install))
    assert folder_of("unheard_of") == install / "unheard_of"
    shutil.rmtree(install / "unheard_of")


def test_a_library_is_what_its_list_says(tmp_path, monkeypatch):
    """A copy of a real, small library with its list; then one byte of each listed file."""
    real = importlib.metadata.distribution("opacus")
    for file in real.files:
        if ".." not in file.parts and file.locate().exists():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), tmp_path / file)
    copied = importlib.metadata.PathDistribution(tmp_path / real._path.name)
    monkeypatch.setattr(installed.metadata, "distribution", lambda _: copied)
    digest = record_digest("opacus")
    assert check_record("opacus") == ()
    listed = [one for one in copied.files if one.hash and ".dist-info" not in str(one)]
    assert len(listed) > 50
    for one in listed:
        before = flipped(one.locate())
        assert check_record("opacus") == (Change(Kind.CHANGED, f"opacus/{one.as_posix()}"),)
        one.locate().write_bytes(before)
    assert digest == record_digest("opacus")


def test_a_rewritten_list_is_another_digest(monkeypatch):
    before = record_digest("opacus")
    real = installed._record("opacus")
    name = next(iter(real))
    monkeypatch.setattr(
        installed, "_record", lambda _: real | {name: ("sha256", "other", real[name][2])}
    )
    assert record_digest("opacus") != before


def test_the_packages_of_this_checkout_are_found():
    assert folder_of(NAME) == Path(find_spec(NAME).origin).parent
