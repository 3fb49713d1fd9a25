import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from deskbound_client.store.files import (
    check_private,
    create_private,
    make_private_folder,
    read_private,
    replace_private,
)
from deskbound_strategies.errors import NotFoundError, PermissionsError


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_what_is_made_is_private_whatever_the_umask(tmp_path, umask):
    make_private_folder(tmp_path / "vault")
    create_private(tmp_path / "vault" / "file", b"x")
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "vault" / "file").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_open_to_others_is_refused_with_the_mend(tmp_path, mode):
    path = tmp_path / "file"
    create_private(path, b"x")
    path.chmod(mode)
    with pytest.raises(PermissionsError) as caught:
        read_private(path)
    assert "chmod 600" in caught.value.mend


def test_a_folder_open_to_others_is_refused(tmp_path):
    (tmp_path / "vault").mkdir(mode=0o755)
    (tmp_path / "vault").chmod(0o755)
    with pytest.raises(PermissionsError) as caught:
        make_private_folder(tmp_path / "vault")
    assert "chmod 700" in caught.value.mend


def test_links_and_devices_are_refused(tmp_path):
    create_private(tmp_path / "real", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "dangling", "pipe"):
        with pytest.raises(PermissionsError):
            check_private(tmp_path / name)


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionsError):
        make_private_folder(tmp_path / "link")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path):
    create_private(tmp_path / "file", b"x")
    os.chown(tmp_path / "file", 12_345, -1)
    with pytest.raises(PermissionsError):
        check_private(tmp_path / "file")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(NotFoundError) as caught:
        check_private(tmp_path / "file")
    assert "deskbound init" in caught.value.mend


def test_create_never_writes_through_a_planted_link(tmp_path):
    (tmp_path / "file").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "file", b"secret")
    assert not (tmp_path / "target").exists()


def test_replace_swaps_the_whole_content_and_leaves_nothing_else(tmp_path):
    replace_private(tmp_path / "file", b"long first content")
    (tmp_path / "file.next").write_bytes(b"left by a crash")
    replace_private(tmp_path / "file", b"short")
    assert read_private(tmp_path / "file") == b"short"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_writers_of_the_same_file_take_turns(tmp_path):
    path = tmp_path / "file"
    contents = {bytes([letter]) * 100_000 for letter in b"abc"}

    def write(content):
        for _ in range(60):
            replace_private(path, content)
            assert read_private(path) in contents

    with ThreadPoolExecutor(3) as writers:
        for done in [writers.submit(write, content) for content in contents]:
            done.result()
    assert [left.name for left in tmp_path.iterdir()] == ["file"]


def test_replace_never_writes_through_a_planted_link(tmp_path):
    (tmp_path / "file.next").symlink_to(tmp_path / "target")
    with pytest.raises(PermissionsError):
        replace_private(tmp_path / "file", b"secret")
    assert not (tmp_path / "target").exists()
