"""Code that only one laptop is to run: with no signature in the log, the real agent is silent."""

import base64
from dataclasses import replace

import pytest

from deskbound_client.employee.alarm import alarm_of
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.files import replace_private
from deskbound_strategies import installed, wire
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.floor_file import to_toml
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import release_leaf
from deskbound_strategies.release import PACKAGES, Release, manifest_name, sign_release
from tests.helpers.federation import new_desk
from tests.helpers.log import REVIEWER, REVIEWER_HEX, a_manifest
from tests.helpers.patience import until

pytestmark = pytest.mark.federation


@pytest.fixture
def reviewed(world, tmp_path):
    """A laptop whose floor names a reviewer, and the manifest of what is installed."""
    desk = new_desk(tmp_path / "desk")
    key = base64.b64encode(bytes.fromhex(REVIEWER_HEX)).decode("ascii")
    floor = replace(PROFILES["research"], profile="custom", reviewers=(key,))
    replace_private(desk.paths.floor, to_toml(floor))
    manifest = sign_release(Release(tuple(map(installed.read_package, PACKAGES))), REVIEWER)
    replace_private(desk.paths.release, manifest)
    world.fleet.enroll(desk)
    yield desk, manifest
    desk.stop()


def test_only_a_contract_for_the_release_that_runs_is_worked_on(world, reviewed):
    desk, manifest = reviewed
    server, other = world.server, a_manifest()
    for one in (manifest, other):
        server.log.append(release_leaf(one, REVIEWER_HEX))
    desk.start()
    until(lambda: desk.node in world.fleet.online(), "it is online")
    named = server.contract(releases=manifest_name(manifest))
    assert isinstance(server.ask(desk, server.request(named)), wire.Reply)
    hidden = server.contract(releases=manifest_name(other))
    server.send(server.request(hidden), desk)
    until(lambda: "executor silent" in desk.codes(), "it is silent")
    until(lambda: desk.node not in world.fleet.online(), "it is offline")
    assert desk.codes().count("supernode reply-sent") == 1
    desk.stop()
    kinds = [entry.kind for entry in desk.ledger()]
    assert kinds.count(LedgerKind.RESERVE) == kinds.count(LedgerKind.RELEASE) == 1, (
        "it cost nothing"
    )
    assert desk.ledger()[-1].body == {
        "code": RefusalCode.RELEASE_NOT_LOGGED,
        "contract": hidden.digest(),
    }
    with desk.vault() as vault:
        assert alarm_of(vault.database, LedgerStore(vault)) is RefusalCode.RELEASE_NOT_LOGGED
