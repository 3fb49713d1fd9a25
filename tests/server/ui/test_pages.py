"""The pages in real Chromium: they load calmly, fit, renew themselves, and the order asks twice."""

import html
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server import stop_orders
from deskbound_server.database import Database
from deskbound_server.lock import FileLock
from deskbound_server.model_store import ModelStore
from deskbound_server.schema import RunState
from deskbound_strategies import dsse
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.dp_fedavg import Outcome, Progress
from deskbound_strategies.task import weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.browser import NARROW, visiting
from tests.helpers.released import RUN, TRIAL, write_counts, write_history, write_trial
from tests.helpers.server import new_plan
from tests.helpers.server_pages import FLEET, new_home, served

LIVE = "d4" * 16
ERRORS = ("error", "warning")


@pytest.fixture(scope="module")
def seen(house, chromium):
    """One visit for all: the letter opens once."""
    with visiting(chromium, house) as found:
        yield found


@pytest.fixture
def addresses(models):
    return ["/", f"/run/{RUN}", "/models", f"/models/{models[0]}", "/compare", "/fleet", "/stop"]


def test_every_page_loads_calmly_asks_nobody_else_and_fits(seen, addresses):
    for path in addresses:
        seen.said.clear()
        answer = seen.page.goto(seen.base + path)
        assert answer.status == 200, path
        assert seen.page.locator("h1").count() == 1
        seen.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        assert not seen.too_wide(), path
        seen.page.set_viewport_size({"width": 1280, "height": 900})
        assert [line for line in seen.said if line.startswith(ERRORS)] == [], path
    assert seen.strangers() == []


def test_a_model_names_the_counts_that_its_run_began_with_and_leads_there(tmp_path):
    made = new_home(tmp_path / "home")
    with closing(Database.open(made.database)) as database:
        store = ModelStore(made.models)
        counts = write_counts(database, store, weights_of(COUNTS.build_model(0)))
        first, _ = write_history(database, store, new_plan(start_from=counts))
    with served(made) as pages, closing(pages.entered()) as visitor:
        words = f"a network taught by private counts {counts[:12]}"
        shown = visitor.get(f"/models/{first}").text
        assert f'<a href="/models/{counts}">{words}</a>' in shown
        assert "<dd>fresh weights</dd>" in visitor.get(f"/models/{counts}").text


def test_what_a_private_evaluation_told_is_a_table_and_no_model(chromium, tmp_path):
    made = new_home(tmp_path / "home")
    with closing(Database.open(made.database)) as database:
        write_trial(database, ModelStore(made.models), noise=2.0)
    with served(made) as pages, visiting(chromium, pages) as visit:
        visit.page.goto(f"{visit.base}/run/{TRIAL}")
        table = visit.page.locator("section[aria-labelledby=hits] table")
        assert table.locator("tbody tr").count() == 3
        assert table.locator("tbody td").count() == 9
        assert "0.2" in table.locator("tbody td").first.inner_text()
        visit.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        assert not visit.too_wide()
        visit.page.goto(visit.base + "/models")
        assert TRIAL[:8] not in visit.page.content()
    assert [line for line in visit.said if line.startswith(ERRORS)] == []


def test_a_private_evaluation_whose_files_are_gone_says_so_and_shows_the_rest(tmp_path):
    made = new_home(tmp_path / "home")
    with closing(Database.open(made.database)) as database:
        write_trial(database, ModelStore(made.models), noise=2.0)
        (round_,) = database.rounds(TRIAL)
    ModelStore(made.models).path(round_.model_out).unlink()
    with served(made) as pages, closing(pages.entered()) as visitor:
        shown = visitor.get(f"/run/{TRIAL}")
    assert shown.status_code == 200
    assert f"There is no model {round_.model_out[:12]} here." in html.unescape(shown.text)
    assert "ε of a day so far" in shown.text


@pytest.fixture
def running(home):
    """A run that is conducted, with a round that is open: what a process at it writes down."""
    plan = new_plan(rounds=3, cohort=5, minimum_cohort=3)
    contract = plan.contract(
        run=LIVE, number=1, vocabulary_hash=VOCABULARY_HASH, model_hash="b" * 64, anchors="c" * 64,
        issued=2_000_000_000,
    )  # fmt: skip
    with closing(Database.open(home.database)) as database:
        database.add_run(LIVE, plan.to_bytes(), 1_999_999_000)
        database.set_run(LIVE, RunState.RUNNING)
        with FileLock(home.run / f"{LIVE}.lock") as lock:
            assert lock.held
            envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, Ed25519PrivateKey.generate())
            database.open_round(contract, envelope, b"a live leaf")
            yield database, contract.digest()


def test_a_round_in_progress_is_renewed_without_loading_the_page(seen, running):
    database, digest = running
    seen.go(f"/run/{LIVE}")
    seen.page.get_by_text("nobody was asked yet").wait_for()
    seen.page.evaluate("window.still = true")
    database.note_progress(digest, Progress(asked=4, admitted=1, refused=2, rejected=0))
    seen.page.get_by_text("Fewer than five laptops were asked").wait_for(timeout=60_000)
    assert "Refused" not in seen.page.locator("#now").inner_text()
    database.note_progress(digest, Progress(asked=5, admitted=1, refused=2, rejected=0))
    seen.page.get_by_text("Not heard yet").wait_for(timeout=60_000)
    facts = " ".join(seen.page.locator("#now dl").inner_text().split())
    assert "Asked 5" in facts
    assert "Refused 2" in facts
    assert "Not heard yet 2" in facts
    outcome = Outcome(5, 3, {"sigma-too-low": 2}, {}, 0, None)
    database.close_round(digest, outcome, 2_000_000_030)
    database.set_run(LIVE, RunState.FAILED, "too-few-replies")
    seen.page.get_by_role("heading", name="Failed").wait_for(timeout=60_000)
    seen.page.locator("#figures .badge", has_text="failed").wait_for(timeout=60_000)
    assert seen.page.evaluate("window.still"), "the page was not loaded anew"


def test_models_are_tried_while_one_looks_and_shown_beside_the_baselines(seen):
    seen.go(f"/run/{RUN}")
    seen.page.get_by_text("the plan has no held-out data").wait_for(timeout=60_000)
    assert seen.page.locator("#figures svg.curve").count() == 2, "loss and epsilon are there"


def test_figures_that_nobody_renews_do_not_look_as_if_they_were_of_now(seen, house):
    seen.go("/")
    session = next(iter(house.office.sessions._open.values()))
    house.office.sessions.end(session)
    seen.page.get_by_text("You are not in any more").wait_for(timeout=60_000)
    secret = house.office.sessions.begin(session.role, None, session.user)
    cookie = {"name": "deskbound", "value": secret, "url": seen.base, "sameSite": "Strict"}
    seen.page.context.add_cookies([cookie])
    seen.page.locator("#stale").wait_for(state="detached", timeout=60_000)


def test_the_order_to_stop_asks_for_the_fleets_name(tmp_path, chromium):
    with served(new_home(tmp_path / "home")) as pages, visiting(chromium, pages) as seen:
        seen.go("/fleet")
        seen.page.get_by_role("link", name="Stop every laptop").click()
        seen.page.get_by_role("button", name="Stop every laptop").click()
        assert seen.page.url.endswith("/stop"), "the browser itself asks for the name"
        seen.page.locator("#confirm").fill("everybody")
        seen.page.get_by_role("button", name="Stop every laptop").click()
        seen.page.get_by_text("Nothing was stopped.").wait_for()
        with pages.office.database() as database:
            assert stop_orders.latest(database) is None
        seen.go("/stop")
        seen.page.locator("#reason").select_option("security")
        seen.page.locator("#confirm").fill(FLEET)
        seen.page.get_by_role("button", name="Stop every laptop").click()
        seen.page.get_by_text("signed and logged").wait_for()
        with pages.office.database() as database:
            assert stop_orders.latest(database).order.reason.value == "security"
        seen.page.get_by_role("button", name="Leave").click()
        seen.page.get_by_role("heading", name="You have left").wait_for()


def test_where_there_is_nothing_yet_the_next_step_is_said(tmp_path, chromium):
    with served(new_home(tmp_path / "home")) as pages, visiting(chromium, pages) as seen:
        assert "deskbound-server run plan.toml" in seen.page.locator("main").inner_text()
        for path in ("/models", "/compare"):
            assert "run plan.toml" in seen.go(path).locator("main").inner_text()
