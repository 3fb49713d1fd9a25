"""The archive that the page Settings hands out, as the server sends it."""

import asyncio
import io

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from deskbound_client.archive.age import is_encrypted
from deskbound_client.ui.app import make_app
from deskbound_client.ui.pages import settings
from deskbound_strategies.pages.guard import FORM
from tests.helpers.browser import Pages

WORDS = "three plain words"


def test_no_archive_stays_behind_when_the_visit_ends_before_it_was_sent(pages: Pages):
    form = ImmutableMultiDict({"passphrase": WORDS, "again": WORDS})
    scope = {"type": "http", "app": make_app(pages.desk), FORM: form}
    answer = settings.export(Request(scope))
    assert not list(pages.paths.run.glob("*export*"))  # and not a byte is sent yet

    async def sent():
        return b"".join([bytes(part) async for part in answer.body_iterator])

    assert is_encrypted(io.BytesIO(asyncio.run(sent())))
