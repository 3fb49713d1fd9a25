"""What the log's interface answers, and to whom."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deskbound_server import log_service as module
from deskbound_server import pki
from deskbound_server.database import Database
from deskbound_server.gate import LOG_PREFIX
from deskbound_server.home import ServerHome, Settings
from deskbound_server.log import cosigned_by
from deskbound_server.log_service import TOKEN_HEADER, LogService
from deskbound_strategies.checkpoint import Checkpoint
from deskbound_strategies.note import MAX_NOTE_BYTES, Note, cosign
from tests.helpers.log import witness

HEAD_ROOT = bytes(range(32))


class Client:
    """Calls an application as uvicorn does, each time in a loop of its own."""

    def __init__(self, app):
        self._app = app

    def _ask(self, *arguments, **options):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://log") as client:
                return await client.request(*arguments, **options)

        return asyncio.run(ask())

    def get(self, path, headers=None):
        return self._ask("GET", path, headers=headers)

    def post(self, path, content, headers):
        return self._ask("POST", path, content=content, headers=headers)


async def in_chunks():
    yield b"x"


class Service:
    """A server's home with a head of 1,500 leaves, and who asks about it."""

    def __init__(self, root):
        self.home = ServerHome(root)
        pki.init(self.home, Settings("127.0.0.1", 8443, "test"))
        self.database = Database.open(self.home.database)
        self.database.add_leaves([b"leaf %d" % number for number in range(1_500)])
        self.head = Checkpoint(pki.log_verifier(self.home).name, 1_500, HEAD_ROOT)
        self.client = Client(LogService(self.home).app)
        self.token = self.home.witness_token.read_text("ascii")

    def sign(self, head=None):
        head = head or self.head
        note = head.signed(pki.log_key(self.home))
        self.database.keep_checkpoint(head.size, note.to_bytes())

    def admit(self, *numbers):
        lines = "".join(f"{witness(number)[1]}\n" for number in numbers)
        self.home.witnesses.write_text(lines)

    def get(self, what, token=None):
        headers = {TOKEN_HEADER: self.token if token is None else token}
        return self.client.get(LOG_PREFIX + what, headers=headers)

    def post(self, body, token=None):
        headers = {TOKEN_HEADER: self.token if token is None else token}
        return self.client.post(LOG_PREFIX + "cosignature", content=body, headers=headers)

    def cosigned(self, number, head=None, at=7):
        key, verifier = witness(number)
        text = (head or self.head).text
        return Note(text, (cosign(text, verifier.name, key, at),))

    def kept(self):
        return Note.parse(self.database.checkpoint(1_500))


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path / "home")
    yield made
    made.database.close()


def test_without_the_token_nothing_is_told(service):
    service.sign()
    for token in ("", "0" * 64, service.token[:-1], service.token + "0", "\xff"):
        headers = {TOKEN_HEADER: token.encode("latin-1")}
        for path in ("checkpoint", "entries?begin=0"):
            answer = service.client.get(LOG_PREFIX + path, headers=headers)
            assert (answer.status_code, answer.content) == (403, b"")
        answer = service.client.post(LOG_PREFIX + "cosignature", content=b"x", headers=headers)
        assert (answer.status_code, answer.content) == (403, b"")
    assert service.client.get(LOG_PREFIX + "checkpoint").status_code == 403


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_or_missing_token_lets_nobody_in(service, content):
    service.sign()
    service.home.witness_token.unlink()
    if content is not None:
        service.home.witness_token.write_bytes(content)
    assert service.get("checkpoint", "").status_code == 403
    assert service.get("checkpoint").status_code == 403


def test_the_largest_head_is_given(service):
    assert service.get("checkpoint").status_code == 404
    service.sign(Checkpoint(service.head.origin, 12, HEAD_ROOT))
    service.sign()
    answer = service.get("checkpoint")
    assert answer.content == service.database.checkpoint(1_500)


def test_leaves_come_in_pages(service):
    first = service.get("entries?begin=0").content.split(b"\n")[:-1]
    assert first == [b"leaf %d" % number for number in range(module.ENTRIES_AT_ONCE)]
    rest = service.get(f"entries?begin={len(first)}").content.split(b"\n")[:-1]
    assert rest[-1] == b"leaf 1499"
    assert service.get("entries?begin=1500").content == b""
    assert service.get(f"entries?begin={10**17}").content == b""


def test_a_page_of_large_leaves_is_bounded_and_has_one_at_least(service, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES_AT_ONCE", 2_500)
    service.database.add_leaves([b"%d" % number * 1_000 for number in range(6)])
    sizes = []
    begin = 1_500
    while leaves := service.get(f"entries?begin={begin}").content.split(b"\n")[:-1]:
        sizes.append(len(leaves))
        begin += len(leaves)
    assert sizes == [2, 2, 2]
    monkeypatch.setattr(module, "MOST_BYTES_AT_ONCE", 10)
    assert service.get("entries?begin=1503").content == b"3" * 1_000 + b"\n"


@pytest.mark.parametrize("begin", ["", "-1", "1.0", "x", "9" * 19, "9" * 5000, "0x1"])
def test_an_index_that_is_none(service, begin):
    assert service.get(f"entries?begin={begin}").status_code == 400


def test_a_known_witness_cosigns(service):
    service.sign()
    service.admit(1, 2)
    assert service.post(service.cosigned(1).to_bytes()).status_code == 204
    assert service.post(service.cosigned(2).to_bytes()).status_code == 204
    both = [witness(number)[1] for number in (1, 2)]
    assert cosigned_by(service.database, 1_500, both) == both
    assert service.kept().is_signed_by(pki.log_verifier(service.home)), "the log's own line stays"


def test_a_witness_that_signs_again_and_again_has_one_line(service):
    service.sign()
    service.admit(1)
    for at in range(100):
        assert service.post(service.cosigned(1, at=at).to_bytes()).status_code == 204
    assert len(service.kept().signatures) == 2
    assert service.kept().signed_at(witness(1)[1]) == 99


def test_two_witnesses_at_the_same_moment_both_count(service):
    service.sign()
    numbers = range(1, 9)
    service.admit(*numbers)
    notes = [service.cosigned(number).to_bytes() for number in numbers]
    with ThreadPoolExecutor(len(notes)) as pool:
        assert [answer.status_code for answer in pool.map(service.post, notes)] == [204] * 8
    known = [witness(number)[1] for number in numbers]
    assert cosigned_by(service.database, 1_500, known) == known


def test_an_unknown_witness_does_not(service):
    service.sign()
    assert service.post(service.cosigned(1).to_bytes()).status_code == 403
    service.admit(2)
    assert service.post(service.cosigned(1).to_bytes()).status_code == 403
    assert len(service.kept().signatures) == 1


def test_a_line_in_a_known_witness_s_name_that_it_did_not_sign(service):
    """It must never get onto the head: readers refuse a note with such a line."""
    service.sign()
    service.admit(1)
    name, blob = service.cosigned(1).signatures[0]
    forged = Note(service.head.text, ((name, blob[:-1] + bytes([blob[-1] ^ 1])),))
    assert service.post(forged.to_bytes()).status_code == 403
    both = Note(service.head.text, (*service.cosigned(1).signatures, *forged.signatures))
    assert service.post(both.to_bytes()).status_code == 403
    assert len(service.kept().signatures) == 1


def test_lines_of_strangers_are_left_out(service):
    service.sign()
    service.admit(1)
    lines = (*service.cosigned(1).signatures, *service.cosigned(5).signatures)
    assert service.post(Note(service.head.text, lines).to_bytes()).status_code == 204
    assert len(service.kept().signatures) == 2


def test_a_head_that_is_not_ours_is_told_apart(service):
    service.sign()
    service.admit(1)
    for head in (
        Checkpoint(service.head.origin, 1_499, HEAD_ROOT),
        Checkpoint(service.head.origin, 1_500, bytes(32)),
        Checkpoint("elsewhere", 1_500, HEAD_ROOT),
        Checkpoint(service.head.origin, 2**62, HEAD_ROOT),
    ):
        assert service.post(service.cosigned(1, head).to_bytes()).status_code == 409


@pytest.mark.parametrize("body", [
    b"", b"\n", b"x\ny\n\n", b"\xff" * 40, b"a\n1500\nb\n\n\xe2\x80\x94 w AAAAAAA=\n" * 2,
    "o\n-5\nr\n\n\u2014 w AAAAAAA=\n".encode(), b"o\n" + b"9" * 5000 + b"\nr\n\n",
])  # fmt: skip
def test_a_body_that_is_no_head(service, body):
    service.sign()
    assert service.post(body).status_code in {400, 409}
    assert len(service.kept().signatures) == 1


def test_a_body_without_an_honest_length_is_not_read(service):
    service.sign()
    assert service.post(b"x" * (MAX_NOTE_BYTES + 1)).status_code == 413
    assert service.post(in_chunks()).status_code == 413, "in chunks"
    for length in ("", "-1", "x", "9" * 30, "\u0661"):
        headers = {TOKEN_HEADER: service.token, "content-length": length.encode("utf-8")}
        answer = service.client.post(LOG_PREFIX + "cosignature", content=b"x", headers=headers)
        assert answer.status_code == 413


def test_a_database_that_cannot_be_read_is_an_error_and_no_words(service):
    service.sign()
    service.admit(1)
    service.home.witnesses.write_text("nonsense\n")
    answer = service.post(service.cosigned(1).to_bytes())
    assert (answer.status_code, answer.content) == (500, b"")
