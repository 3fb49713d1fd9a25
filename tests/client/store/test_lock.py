import threading

import pytest

from deskbound_client.store.lock import VaultLock
from deskbound_strategies.errors import BusyError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vault.lock"


def test_shared_holders_do_not_wait_for_each_other(path):
    one, two = VaultLock(path, patience=0.0), VaultLock(path, patience=0.0)
    with one.shared(), two.shared():
        pass


@pytest.mark.parametrize(("mine", "theirs"), [("alone", "shared"), ("shared", "alone")])
def test_alone_means_alone(path, mine, theirs):
    one, two = VaultLock(path, patience=0.0), VaultLock(path, patience=0.0)
    with getattr(one, mine)(), pytest.raises(BusyError), getattr(two, theirs)():
        pass
    with two.alone():
        pass


def test_one_who_holds_it_alone_may_take_it_again(path):
    one, two = VaultLock(path, patience=0.0), VaultLock(path, patience=0.0)
    with one.alone():
        with one.alone(), one.shared():
            pass
        with pytest.raises(BusyError), two.shared():
            pass


def test_a_shared_lock_never_grows(path):
    one = VaultLock(path)
    with one.shared(), pytest.raises(BusyError), one.alone():
        pass


def test_threads_of_one_process_take_turns(path):
    lock, inside, most = VaultLock(path), [], []

    def hold():
        for _ in range(30):
            with lock.alone():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 120
    assert max(most) == 1


def test_it_is_let_go_after_an_error(path):
    one, two = VaultLock(path, patience=0.0), VaultLock(path, patience=0.0)
    with pytest.raises(ZeroDivisionError), one.alone():
        raise ZeroDivisionError
    with two.alone():
        pass
