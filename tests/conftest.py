"""What holds for every test: one computing thread, lanes, and nothing costly done twice."""

import functools
import gc
import os
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.daytime import zone_off_midnight
from tests.helpers.lanes import Lanes, place

if TYPE_CHECKING:
    from tests.helpers.cli import Desk

# Several workers share the processors; numpy and torch read this when they are first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Wherever this runs; what tests start inherits it. Those about zones set their own.
os.environ["TZ"] = zone_off_midnight(datetime.now(UTC)) or "UTC"
time.tzset()

# How long an example takes says how busy the machine is, and nothing about the code.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples every time, so that a change is judged by what it changed; `make test-slow`
# looks for new ones (--hypothesis-profile=search), and what that finds becomes an @example.
settings.register_profile("suite", _PATIENT, derandomize=True)
settings.register_profile("search", _PATIENT, max_examples=300, print_blob=True)
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Let no test wait while torch, Flower and thousands of tests are searched for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long lanes begin first."""
    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Lanes:
    """Deal the tests by lane."""
    config.option.loadscopereorder = False  # the order is ours
    return Lanes(config, log)


@pytest.fixture(scope="session", autouse=True)
def remembered_derivations() -> Iterator[None]:
    """Derive a key from a passphrase once, however often a test opens the same vault.

    It is the real derivation with the real settings, so other processes open these vaults too.
    """
    from deskbound_client.store import passphrase

    with pytest.MonkeyPatch.context() as patch:
        real = functools.lru_cache(maxsize=64)(passphrase.hash_secret_raw)
        patch.setattr(passphrase, "hash_secret_raw", real)
        yield


@pytest.fixture(scope="session")
def new_home(remembered_derivations: None, tmp_path_factory: pytest.TempPathFactory) -> "Desk":
    """A home as ``deskbound init`` makes it, to be copied; nobody changes it."""
    from tests.helpers.cli import quiet_desk

    with quiet_desk(tmp_path_factory.mktemp("new")) as made:
        return made
