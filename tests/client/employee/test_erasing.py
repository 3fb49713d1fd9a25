"""``leave --erase``: nothing of ours is left, and nothing opens what was copied before."""

import shutil
import sys
import time
from pathlib import Path

import pytest

from deskbound_client.config import write_default
from deskbound_client.employee import autostart, erasing
from deskbound_client.paths import HomePaths
from deskbound_client.store.keystore import SERVICE, choose_keystore, entry_of
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import DeskboundError, KeystoreError, NotFoundError
from tests.client.store.test_keystore import SECRET_SERVICE, backend
from tests.helpers.store import action

PASSPHRASE = "four unrelated plain words"


class Bin:
    """A system's keystore that can also delete, and remembers what was ever kept."""

    def __new__(cls):
        made = backend(SECRET_SERVICE)
        made.ever = []
        keep = made.set_password

        def set_password(service, username, password):
            made.ever.append(password)
            keep(service, username, password)

        made.set_password = set_password
        made.delete_password = lambda service, username: made.kept.pop((service, username))
        return made


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def by_passphrase(home: Path):
    return choose_keystore(home, lambda: PASSPHRASE, kind="passphrase")


def a_home(path: Path, keystore_of=by_passphrase):
    paths = HomePaths(path)
    paths.prepare()
    write_default(paths.config)
    with Vault.create(paths.home, keystore_of(paths.home)) as vault:
        vault.append([action(at=int(time.time())) for _ in range(20)])
    for folder in (paths.server, paths.run, paths.flwr, paths.model):
        inside = folder / "something"
        inside.touch(mode=0o600)
        inside.write_bytes(b"x")
    return paths


def opens(home: Path, keystore) -> bool:
    try:
        with Vault.open(home, keystore) as vault:
            return bool(list(vault.days()))
    except DeskboundError:
        return False


def test_a_system_keystore_forgets_and_no_copy_of_the_disk_opens(tmp_path):
    store = Bin()
    backends = lambda: [store]  # noqa: E731
    paths = a_home(tmp_path / "home", lambda home: choose_keystore(home, backends=backends))
    copy = tmp_path / "copy"
    shutil.copytree(paths.home, copy)
    assert opens(copy, choose_keystore(copy, backends=backends)), "the copy was good before"
    done = erasing.erase(paths, backends=backends)
    assert done.complete
    assert done.keys == 2
    assert not paths.home.exists()
    assert store.kept == {}
    assert not opens(copy, choose_keystore(copy, backends=backends))
    # The last thing that was written into the entry was not the key.
    assert store.ever[-1] != store.ever[-2]


def test_a_keystore_that_is_locked_is_named_and_the_files_go_all_the_same(tmp_path):
    store = Bin()
    backends = lambda: [store]  # noqa: E731
    paths = a_home(tmp_path / "home", lambda home: choose_keystore(home, backends=backends))
    entry = entry_of(paths.home)

    def locked(*_):
        raise RuntimeError("the keystore's words")

    store.get_password = locked
    done = erasing.erase(paths, backends=backends)
    assert not done.complete
    assert done.keystore_entry == f"{SERVICE} / {entry}"
    assert not paths.home.exists()


def test_a_passphrase_vault_goes_without_its_passphrase(tmp_path):
    paths = a_home(tmp_path / "home")
    done = erasing.erase(paths, backends=list)
    assert (done.complete, done.keys) == (True, 2)
    assert not paths.home.exists()


def test_sealed_files_are_overwritten_before_they_go(tmp_path, monkeypatch):
    paths = a_home(tmp_path / "home")
    names = ("root.sealed", "vault.keys")
    second_names = {}
    for name in names:  # a second name of the same bytes on the disk
        second_names[name] = tmp_path / f"second-{name}"
        second_names[name].hardlink_to(paths.home / name)
    before = {name: path.read_bytes() for name, path in second_names.items()}
    erasing.erase(paths, backends=list)
    for name, path in second_names.items():
        assert path.read_bytes() != before[name]
        assert before[name][:16] not in path.read_bytes()


def damage(paths):
    for name in ("vault.keys", "vault.db", "control", "keystore.json", "config.toml"):
        (paths.home / name).touch()
        (paths.home / name).write_bytes(b"\xff" * 10)


def lose_keys(paths):
    (paths.home / "root.sealed").unlink()
    (paths.home / "vault.keys").unlink()


@pytest.mark.parametrize("harm", [damage, lose_keys])
def test_what_cannot_be_opened_can_be_erased(tmp_path, harm):
    paths = a_home(tmp_path / "home")
    harm(paths)
    assert erasing.erase(paths, backends=list).complete
    assert not paths.home.exists()


def test_what_is_not_ours_stays_and_is_named(tmp_path):
    paths = a_home(tmp_path / "home")
    foreign = paths.home / "thesis.odt", paths.run / "notes.txt", paths.home / "mine" / "a"
    foreign[2].parent.mkdir()
    for path in foreign:
        path.write_text("years of work")
        path.chmod(0o644)
    target = tmp_path / "elsewhere"
    target.write_text("not here")
    (paths.run / "link").symlink_to(target)
    done = erasing.erase(paths, backends=list)
    assert set(done.remaining) == {*foreign, paths.run / "link"}
    assert not done.complete
    assert all(path.read_text() == "years of work" for path in foreign)
    assert target.read_text() == "not here"


@pytest.mark.parametrize("names", [(), ("server/main.py", "model/weights.bin", "run/now")])
def test_a_folder_that_is_no_home_is_not_touched(tmp_path, names):
    folder = tmp_path / "project"
    folder.mkdir(mode=0o700)
    for name in names:
        (folder / name).parent.mkdir(mode=0o700)
        (folder / name).touch(mode=0o600)
    with pytest.raises(NotFoundError, match="no vault"):
        erasing.erase(HomePaths(folder), backends=list)
    assert all((folder / name).exists() for name in names)


def test_a_run_that_was_cut_short_can_be_repeated(tmp_path, monkeypatch):
    paths = a_home(tmp_path / "home")
    real = erasing._unlink
    left = [0]

    class Killed(BaseException):
        pass

    def cut(path):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return real(path)

    monkeypatch.setattr(erasing, "_unlink", cut)
    for limit in range(1, 200, 5):
        left[0] = limit
        try:
            erasing.erase(paths, backends=list)
        except Killed:
            continue
        except NotFoundError:
            pass
        break
    assert not paths.home.exists()


def test_the_autostart_entry_goes_too_but_not_that_of_another_home(tmp_path):
    first, second = a_home(tmp_path / "one"), a_home(tmp_path / "two")
    for paths in (first, second):
        paths.config.write_text('passphrase_file = "/somewhere"\n')
    autostart.switch_on(second)
    done = erasing.erase(first, backends=list)
    assert done.passphrase_file == "/somewhere"
    assert autostart.state(second).on
    erasing.erase(second, backends=list)
    assert not autostart.entry_path().exists()


def test_it_needs_no_room(tmp_path):
    """On a full disk nothing can be created; erasing creates nothing."""
    paths = a_home(tmp_path / "home")
    made = []

    def watch(event, arguments):
        if active and event == "open" and str(paths.home) in str(arguments[0]):
            flags = arguments[2]
            if isinstance(flags, int) and flags & 0o100:  # O_CREAT
                made.append(arguments[0])

    active = True
    sys.addaudithook(watch)
    assert erasing.erase(paths, backends=list).complete
    active = False
    assert made == []


def test_a_keystore_says_when_it_cannot_destroy(tmp_path):
    store = Bin()
    backends = lambda: [store]  # noqa: E731
    keystore = choose_keystore(tmp_path / "home", backends=backends)
    keystore.replace(b"k" * 32)
    store.delete_password = lambda *_: None  # says yes and does nothing
    with pytest.raises(KeystoreError):
        keystore.destroy()
    assert keystore.load() != b"k" * 32, "overwritten at least"
