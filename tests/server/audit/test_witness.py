"""A witness: what it cosigns, what makes it stop, and what a kill at any line leaves."""

import os
import signal
import stat
from dataclasses import replace

import pytest

from deskbound_audit import witness as module
from deskbound_audit.witness import Witness, load_key, make_key
from deskbound_audit.witness_remote import Source
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.errors import (
    BusyError,
    ConfigError,
    NotFoundError,
    UnreachableError,
    VerificationError,
)
from deskbound_strategies.note import COSIGNATURE, Note, Verifier
from deskbound_strategies.release import manifest_name
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.crash import AtLine
from tests.helpers.log import History, a_manifest

KEY = signing_key()
NAME = "witness.example/1"


class FakeRemote:
    """A server's log, which takes cosignatures and may be cut off in between.

    Attributes:
        page: leaves it gives at once.
        answers: how many more answers it gives before the connection is lost.
    """

    def __init__(self, history, taken=None):
        self.history, self.page, self.answers = history, 3, 10**9
        self.signed = None
        self.taken = taken  # a file, for what a killed process handed over

    def _answer(self):
        self.answers -= 1
        if self.answers < 0:
            raise UnreachableError("The server's log does not answer.", "Try again.")

    def checkpoint(self):
        self._answer()
        return self.signed or self.history.note()

    def leaves(self, begin):
        self._answer()
        return self.history.leaves[begin : begin + self.page]

    def cosignature(self, note):
        self._answer()
        opened = Note.parse(note)
        signed = Note.parse(self.history.note()).with_signatures(opened.signatures)
        self.signed = signed.to_bytes()
        if self.taken is not None:
            with self.taken.open("a", encoding="utf-8") as stream:
                stream.write(f"{Checkpoint.parse(opened.text).size}\n")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "witness"
    make_key(made, NAME)
    return made


@pytest.fixture
def history():
    return grown(History(KEY), 1, 2)


def grown(history, *rounds, released="ab"):
    """Log whole rounds, five leaves each, as runs of their own."""
    for number in rounds:
        history.round(a_contract(run=f"{number:032x}"), released * 32)
    return history


def source(history):
    return Source("https://log/", "", history.verifier, KEY.public_key(), "token")


def watch(folder, history):
    return Witness(folder, source(history))


def cosigned(remote, witness):
    trust = Trust(remote.history.verifier, (witness.verifier,), 1)
    return trust.open(remote.signed)


def test_it_cosigns_what_keeps_to_the_rules_and_looks_at_each_leaf_once(folder, history):
    remote = FakeRemote(history)
    with watch(folder, history) as witness:
        assert witness.step(remote, now=lambda: 77)
        assert cosigned(remote, witness).size == witness.size == 10
        assert Note.parse(remote.signed).signed_at(witness.verifier) == 77
        assert not witness.step(remote), "nothing is new"
        grown(history, 3)
        remote.signed = None
        asked = remote.answers
        assert witness.step(remote)
        assert asked - remote.answers == 1 + 2 + 1, "head, two pages, cosignature"
        assert witness.rules.size == 15


def test_an_empty_log_is_cosigned_and_no_log_is_not(folder):
    remote = FakeRemote(History(KEY))
    with watch(folder, remote.history) as witness:
        remote.checkpoint = lambda: None
        assert not witness.step(remote)
        del remote.checkpoint
        assert witness.step(remote)
        assert cosigned(remote, witness).size == 0


def test_it_goes_on_from_its_own_copy(folder, history):
    with watch(folder, history) as witness:
        witness.step(FakeRemote(history))
    grown(history, 3)
    remote = FakeRemote(history)
    with watch(folder, history) as again:
        assert again.size == 10
        assert again.step(remote)
        assert again.size == 15
    assert (folder / "leaves").read_bytes() == b"".join(leaf + b"\n" for leaf in history.leaves)


def test_a_connection_lost_at_any_moment_leaves_no_hole(folder, history):
    """Leaves that were verified before the connection broke are in the copy, too."""
    grown(history, 3, 4)
    for answers in range(9):
        remote = FakeRemote(history)
        remote.answers = answers
        with watch(folder, history) as witness:
            with pytest.raises(UnreachableError):
                witness.step(remote)
            remote.answers = 10**9
            assert witness.step(remote)
        with watch(folder, history) as again:
            assert again.size == 20
        for name in ("head", "leaves"):
            (folder / name).unlink()


def alarms(folder, history, remote, words):
    """It stops without a cosignature, keeps what it saw, and does not start again by itself."""
    shown = remote.checkpoint()
    before = (folder / "head").read_bytes()
    with watch(folder, history) as witness:
        with pytest.raises(VerificationError, match=words) as caught:
            witness.step(remote)
        assert caught.value.exit_code == 50
    assert remote.signed is None
    assert (folder / "head").read_bytes() == before
    assert (folder / "alarm").read_bytes() == shown
    with pytest.raises(VerificationError, match="not what it had been"):
        watch(folder, history)


@pytest.fixture
def watched(folder, history):
    """A witness that has cosigned two rounds."""
    with watch(folder, history) as witness:
        witness.step(FakeRemote(history))
    return folder


def test_a_log_that_shrank(watched, history):
    alarms(watched, history, FakeRemote(grown(History(KEY), 1)), "shorter")


def test_a_log_that_was_rewritten_at_the_same_size(watched, history):
    other = grown(History(KEY), 1, 3)
    alarms(watched, history, FakeRemote(other), "not those of its signed head")


def test_a_log_that_was_rewritten_and_grew(watched, history):
    other = grown(History(KEY), 3, 2, 1, released="cd")
    alarms(watched, history, FakeRemote(other), ".")


def test_a_log_whose_old_leaves_changed_under_new_ones(watched, history):
    """The new leaves alone are in order; the root is of another past."""
    remote = FakeRemote(grown(History(KEY), 1, 2, 3))
    other = grown(History(KEY), 5, 6)
    for leaf in remote.history.leaves[10:]:
        other.tree.append(leaf)
    remote.checkpoint = other.note
    alarms(watched, history, remote, "not those of its signed head")


def test_a_leaf_that_breaks_a_rule(watched, history):
    remote = FakeRemote(grown(History(KEY), 1, 2))
    remote.history.append(remote.history.leaves[0])
    alarms(watched, history, remote, "Leaf 10: a contract is there twice")


def test_fewer_leaves_than_the_head_says(watched, history):
    remote = FakeRemote(grown(History(KEY), 1, 2, 3))
    remote.history.leaves.pop()
    alarms(watched, history, remote, "fewer leaves")


def test_a_cosignature_in_its_name_that_it_did_not_make(watched, history):
    remote = FakeRemote(grown(History(KEY), 1, 2, 3))
    forged = Note.parse(remote.history.note())
    _, key = load_key(watched)
    line = (NAME, Verifier(NAME, COSIGNATURE, key.public_key()).key_id + bytes(72))
    remote.checkpoint = lambda: forged.with_signatures([line]).to_bytes()
    with watch(watched, history) as witness:
        assert witness.step(remote), "its head is new, so its own line takes that one's place"
    with watch(watched, history) as witness, pytest.raises(VerificationError):
        witness.step(remote)


def test_a_log_that_is_gone_is_an_alarm(watched, history):
    remote = FakeRemote(history)
    remote.checkpoint = lambda: None
    with watch(watched, history) as witness, pytest.raises(VerificationError, match="no head"):
        witness.step(remote)


@pytest.mark.parametrize("changes", [{"origin": "elsewhere"}, {"key": signing_key(9)}])
def test_a_head_that_another_log_signed_is_never_cosigned(watched, history, changes):
    remote = FakeRemote(grown(History(KEY, **changes), 1, 2, 3))
    with watch(watched, history) as witness, pytest.raises(VerificationError):
        witness.step(remote)
    assert remote.signed is None


def test_contracts_of_another_server_are_never_cosigned(folder, history):
    stranger = replace(source(history), contract_key=signing_key(9).public_key())
    remote = FakeRemote(history)
    with Witness(folder, stranger) as witness, pytest.raises(VerificationError, match="Leaf 0"):
        witness.step(remote)
    assert remote.signed is None


def test_it_is_one_process_at_a_time(folder, history):
    with watch(folder, history), pytest.raises(BusyError):
        watch(folder, history)
    with watch(folder, history):
        pass


@pytest.mark.parametrize("spoil", [
    lambda f: (f / "leaves").write_bytes((f / "leaves").read_bytes()[:-1]),
    lambda f: (f / "leaves").write_bytes((f / "leaves").read_bytes().replace(b"a", b"b", 1)),
    lambda f: (f / "leaves").write_bytes(b""),
    lambda f: (f / "leaves").unlink(),
    lambda f: (f / "head").write_bytes((f / "head").read_bytes().replace(b"\n10\n", b"\n5\n")),
    lambda f: (f / "head").write_bytes(b""),
])  # fmt: skip
def test_a_copy_that_somebody_changed_is_noticed(watched, history, spoil):
    spoil(watched)
    for _ in range(2):
        with pytest.raises(VerificationError):
            watch(watched, history)


def test_what_no_head_covers_is_dropped(watched, history):
    with (watched / "leaves").open("ab") as stream:
        stream.write(b"half a lea")
    with watch(watched, history) as witness:
        assert witness.size == 10
        grown(history, 3)
        assert witness.step(FakeRemote(history))
    with watch(watched, history) as again:
        assert again.size == 15


def test_a_kill_at_any_line_never_promised_more_than_is_on_the_disk(tmp_path, history):
    """Real processes, really killed, while they catch up on a second round of work."""
    grown(history, 3)
    short = grown(History(KEY), 1)
    other = grown(History(KEY), 5, 6, 7, 8)

    def live(folder, n, taken):
        child = os.fork()
        if child == 0:
            with AtLine(module.__file__, n, lambda: os.kill(os.getpid(), signal.SIGKILL)) as seen:
                for log in (short, history):
                    with watch(folder, history) as witness:
                        witness.step(FakeRemote(log, taken))
            (folder / "lines").write_text(" ".join(map(str, sorted(seen.last.values()))))
            os._exit(0)
        return os.waitpid(child, 0)[1]

    counted = tmp_path / "counted"
    make_key(counted, NAME)
    assert live(counted, None, tmp_path / "all") == 0
    assert (tmp_path / "all").read_text() == "5\n15\n"
    moments = [int(one) for one in (counted / "lines").read_text().split()]
    assert len(moments) > 60
    for n in moments:
        folder, taken = tmp_path / f"at-{n}", tmp_path / f"taken-{n}"
        make_key(folder, NAME)
        assert live(folder, n, taken) == signal.SIGKILL
        promised = int(taken.read_text().split()[-1]) if taken.exists() else 0
        with watch(folder, history) as witness:
            assert witness.size >= promised
        if promised:
            fork = FakeRemote(other)
            with watch(folder, history) as witness, pytest.raises(VerificationError):
                witness.step(fork)
            assert fork.signed is None
            (folder / "alarm").unlink()
        with watch(folder, history) as witness:
            honest = FakeRemote(history)
            assert witness.step(honest)
            assert cosigned(honest, witness).size == 15


def test_a_key_is_made_once_and_nobody_else_reads_it(tmp_path):
    folder = tmp_path / "witness"
    verifier = make_key(folder, "privacy.example.org")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "witness.key").stat().st_mode) == 0o600
    name, key = load_key(folder)
    assert Verifier(name, COSIGNATURE, key.public_key()) == verifier
    with pytest.raises(BusyError):
        make_key(folder, "another.example.org")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "zw\u00f6lf", "a\nb", "x" * 200])
def test_a_name_that_cannot_stand_in_a_note(tmp_path, name):
    with pytest.raises(ConfigError):
        make_key(tmp_path / "witness", name)
    assert not (tmp_path / "witness").exists()


def test_a_folder_without_a_sound_key(tmp_path, folder):
    with pytest.raises(NotFoundError):
        load_key(tmp_path)
    (folder / "witness.key").write_bytes(NAME.encode() + b"\n-----BEGIN NONSENSE")
    with pytest.raises(ConfigError):
        load_key(folder)


def test_a_contract_for_a_release_that_nobody_sees_is_an_alarm(folder, history):
    """Code that only one laptop is to run: signed by a reviewer, and kept out of the log."""
    hidden = manifest_name(a_manifest())
    terms = a_contract(run="9" * 32, releases=hidden)
    history.ask(terms)
    with (
        watch(folder, history) as witness,
        pytest.raises(VerificationError, match="a release that is not in the log"),
    ):
        witness.step(FakeRemote(history))
    assert (folder / "alarm").exists()


def test_releases_of_any_size_are_followed_and_read_back(folder, history):
    history.review(a_manifest(files=4_000))
    history.ask(a_contract(run="9" * 32, releases=manifest_name(a_manifest(files=4_000))))
    with watch(folder, history) as witness:
        assert witness.step(FakeRemote(history))
    with watch(folder, history) as witness:
        assert witness.size == len(history.leaves)
        assert len(witness.rules.releases) == 1
