"""What left, Budget and Personal model: what the pages say is what ledger and vault hold."""

import hashlib
import re

import pytest

from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.rows import StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_export import verify_export
from deskbound_strategies.policy import DEFAULT, PROFILES
from tests.helpers.browser import NARROW, served, visiting
from tests.helpers.cli import days_ago, noon
from tests.helpers.display import eventually
from tests.helpers.federation import fill
from tests.helpers.privacy import a_lattice, a_round
from tests.helpers.store import MemoryKeystore

UPDATE = b"an update"
ONE, TWO = days_ago(1), days_ago(2)


def new_home(root):
    paths = HomePaths(root / "home")
    paths.prepare()
    Control.create(paths.control).close()
    return paths, Vault.create(paths.home, MemoryKeystore(), today=days_ago(0))


def take_part(budget, number, *days, send=True):
    asked = a_round(number)
    assert budget.reserve(asked, dict.fromkeys(days, "cut"), a_lattice(asked)) is not None
    if send:
        budget.release(asked, UPDATE)


@pytest.fixture
def pages(tmp_path):
    """Two days; two rounds learned from one of them, one sent nothing; two requests refused."""
    paths, vault = new_home(tmp_path)
    vault.append([StoredAction(1, 1, 1, noon(day), stream=KEYS) for day in (TWO, ONE)])
    budget = Budget(LedgerStore(vault), DEFAULT)
    take_part(budget, 1, TWO)
    take_part(budget, 2, TWO, send=False)
    budget.refuse(RefusalCode.SIGMA_TOO_LOW, "ab" * 32)
    budget.refuse(RefusalCode.BUNDLE_UNKNOWN)
    with served(paths.home, vault) as found:
        yield found


@pytest.fixture
def visitor(pages):
    found = pages.entered()
    yield found
    found.close()


def test_every_upload_is_told_with_its_bytes_and_hash(visitor):
    text = visitor.get("/left").text
    assert "1 upload, 9 bytes in all" in text
    assert hashlib.sha256(UPDATE).hexdigest() in text
    assert "1,000 numbers" in text
    assert "Paid for, and never sent" in text


def test_refusals_are_counted_by_reason_in_words(visitor):
    text = visitor.get("/left").text
    assert "2 requests refused" in text
    assert "less noise" in text
    assert "only code installed here" in text


def test_the_ledger_handed_over_verifies_for_an_auditor(pages, visitor):
    answer = visitor.get("/left/ledger.jsonl")
    assert "attachment" in answer.headers["content-disposition"]
    device = re.search(
        r"Signed by this device</dt><dd><code>([0-9a-f]{64})", visitor.get("/left").text
    )
    summary = verify_export(answer.content, device[1])
    assert (summary.uploads, summary.bytes_out) == (1, len(UPDATE))
    assert pages.client().get("/left/ledger.jsonl").status_code == 403


def test_the_budget_shown_is_the_one_that_counts(pages, visitor):
    text = visitor.get("/budget").text
    with pages.desk.vault() as vault:
        one, two = Budget(LedgerStore(vault), DEFAULT).report([TWO, ONE])
    assert f"{one.epsilon_guaranteed:.2f} <small>of 4" in text
    assert f"{one.epsilon_guaranteed:.2f} counted of 4; {one.epsilon:.2f} spent" in text
    assert two.rounds == 0
    assert "0.00 counted of 4" in text
    assert "silent" in text
    assert "floor.toml" in text


def test_a_looser_floor_is_shown_and_accepted_on_the_page(pages, visitor):
    text = visitor.get("/budget").text
    assert "it was the first one" in text
    assert "A looser floor waits." not in text
    pages.desk.paths.floor.write_text('profile = "research"\n')
    text = visitor.get("/budget").text
    assert "A looser floor waits. It is not in force." in text
    assert "epsilon_day: 4 → 10 (looser)" in text
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', text)
    pages.desk.paths.floor.write_text('profile = "research"\nsteps_max = 400\n')
    said = pages.post(visitor, "/budget/accept", digest=digest).text
    assert "not the one you were shown" in said
    assert "of 4</small>" in visitor.get("/budget").text
    pages.desk.paths.floor.write_text('profile = "research"\n')
    pages.post(visitor, "/budget/accept", digest=digest)
    text = visitor.get("/budget").text
    assert "because you accepted it" in text
    assert "of 10</small>" in text


def test_a_tighter_floor_needs_nobody(pages, visitor):
    visitor.get("/budget")
    pages.desk.paths.floor.write_text('profile = "strict"\n')
    assert "of 2</small>" in visitor.get("/budget").text


def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(pages, visitor):
    visitor.get("/budget")
    pages.desk.paths.floor.write_text("clip_maximum = 3.0\n")
    text = visitor.get("/budget").text
    assert "clip_maximum" in text
    assert "What was in force stays in force" in text
    assert "of 4</small>" in text


def test_consent_to_updates_shows_its_floor(pages, visitor):
    pages.desk.paths.floor.write_text('profile = "strict"\n')
    text = visitor.get("/consent").text
    assert "Profile strict" in text
    pages.post(visitor, "/consent/grant", stream="updates")
    with pages.desk.vault() as vault:
        (receipt,) = consent.receipts(vault)
    assert receipt.floor == PROFILES["strict"].digest()


def test_without_a_model_there_is_nothing_to_measure(pages, visitor):
    assert "No shared model has been received" in visitor.get("/model").text
    assert "There is no shared model here yet" in pages.post(visitor, "/model/measure").text


@pytest.fixture
def trained(tmp_path):
    """Three complete days and a shared model."""
    from deskbound_strategies import codec
    from deskbound_strategies.canonical import canonical_bytes
    from deskbound_strategies.task import find_task, weights_of

    paths, vault = new_home(tmp_path)
    for back in (3, 2, 1):
        fill(vault, back, seed=back, count=60)
    task = find_task("next_action")
    paths.model_weights.write_bytes(codec.encode(weights_of(task.build_model(0)), task.layout()))
    card = {"run": "ab" * 16, "round": 3, "model_hash": "cd" * 32}
    paths.model_card.write_bytes(canonical_bytes(card))
    for file in (paths.model_weights, paths.model_card):
        file.chmod(0o600)
    with served(paths.home, vault) as found:
        yield found


def test_the_model_is_measured_at_a_click(chromium, trained):
    with visiting(chromium, trained, size=NARROW) as watched:
        page = watched.go("/model")
        page.click("text=Measure now")
        page.wait_for_selector("#right", timeout=240_000)
        shown = page.inner_text("main")
        assert "The shared model" in shown
        assert "After your last actions" in shown
        assert not watched.too_wide()
        for path in ("/left", "/budget"):
            watched.go(path)
            assert not watched.too_wide()
        assert (watched.said, watched.strangers()) == ([], [])


def test_measuring_can_be_stopped(trained):
    visitor = trained.entered()
    assert "Measuring" in trained.post(visitor, "/model/measure").text
    assert "Stopped measuring" in trained.post(visitor, "/model/stop").text
    assert "Measure now" in visitor.get("/live/model", headers={"hx-request": "true"}).text
    visitor.close()


def test_what_was_measured_of_rows_goes_when_any_are_forgotten(trained):
    visitor = trained.entered()
    trained.post(visitor, "/model/measure")
    eventually(
        lambda: "How often it is right" in visitor.get("/model").text, "the figures", seconds=240
    )
    trained.post(visitor, "/forget", scope="all")
    text = visitor.get("/model").text
    assert "How often it is right" not in text
    assert "Measure now" in text
