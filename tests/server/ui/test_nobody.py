"""No page and no figure names a laptop: everything that could is looked for on all of them."""

from contextlib import closing

import pytest

from deskbound_server.database import Database
from deskbound_server.stopping import order_stop
from deskbound_server.ui.app import PAGES
from deskbound_server.ui.tokens import Role
from deskbound_strategies.stop_order import StopReason
from tests.helpers.released import RUN
from tests.helpers.server_pages import LAPTOPS, history


@pytest.fixture(scope="module")
def models(home):
    """A history that begins with an order to stop, which waits for every laptop."""
    with closing(Database.open(home.database)) as database:
        order_stop(home, database, StopReason.FAULT, 1_000.0)
        for _, _, _, anchor in LAPTOPS:
            database.show_head(anchor, 1)
    return history(home)


@pytest.fixture(scope="module")
def addresses(models):
    """All that can be asked for."""
    return [
        "/", f"/run/{RUN}", f"/live/run/{RUN}/now", f"/live/run/{RUN}/figures", "/live/runs",
        "/models", *(f"/models/{model}" for model in models), f"/compare?run={RUN}&run={RUN}",
        "/compare", "/fleet", "/live/fleet", "/stop", "/nothing", "/run/nothing", "/models/zz",
    ]  # fmt: skip


def forbidden() -> list[str]:
    """Names, and the beginnings by which a name could be told."""
    found = []
    for node, fingerprint, label, anchor in LAPTOPS:
        found += [str(node), f"{node:x}", fingerprint[:12], label, anchor[:12]]
    return found


def test_all_routes_are_looked_at(addresses):
    paths = {route.path for module in PAGES for route in module.routes}
    asked = {address.partition("?")[0] for address in addresses}
    for path in paths:
        begin = path.partition("{")[0]
        assert any(one.startswith(begin) for one in asked), path


def test_no_page_names_a_laptop(pages, addresses):
    visitor = pages.entered(Role.OPERATOR)
    for address in addresses:
        text = visitor.get(address).text.lower()
        assert [word for word in forbidden() if word in text] == [], address
    assert "of 3" in visitor.get("/fleet").text, "counted they are"


def test_no_figure_names_a_laptop(pages, addresses):
    bearer = {"authorization": f"Bearer {pages.token(Role.METRICS)}"}
    text = pages.client().get("/metrics", headers=bearer).text
    assert "deskbound_laptops_enrolled 3.0" in text
    assert [word for word in forbidden() if word in text.lower()] == []
    assert RUN[:8] not in text, "nor a run"
