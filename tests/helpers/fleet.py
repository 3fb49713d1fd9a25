"""A small fleet's papers: a server's log and its laptops' ledgers, all signed and in order."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deskbound_strategies.contract import RoundContract
from deskbound_strategies.ledger import LedgerEntry, append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import AT, a_body, a_contract, signing_key
from tests.helpers.log import History

CONTRACT_KEY = signing_key(200)


@dataclass
class Papers:
    """The ledger of one laptop, entry by entry.

    Attributes:
        seed: of its key.
        days: how many days of data its rounds charge.
        entries: what the ledger says so far; it begins with a floor that nobody knows.
    """

    seed: int
    days: int
    entries: list[LedgerEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = signing_key(self.seed)
        if not self.entries:
            self.add(LedgerKind.GENESIS)
            self.add(LedgerKind.POLICY)

    def add(self, kind: LedgerKind, **changes: Any) -> int:
        """Append an entry; return its number."""
        last = self.entries[-1] if self.entries else None
        self.entries.append(append(last, kind, a_body(kind) | changes, self.key, at=AT))
        return self.entries[-1].seq

    def pay(self, contract: RoundContract) -> int:
        """Charge a round to all days."""
        blocks = [f"{self.seed:02x}{day:02x}".rjust(32, "0") for day in range(self.days)]
        return self.add(
            LedgerKind.RESERVE,
            contract=contract.digest(),
            round=contract.round,
            blocks=blocks,
        )

    def answer(self, contract: RoundContract, size: int = 4040) -> None:
        """Charge a round and send its update."""
        paid = self.pay(contract)
        self.add(LedgerKind.RELEASE, contract=contract.digest(), reserve=paid, bytes=size)

    def write(self, folder: Path, name: str = "") -> Path:
        """Export the ledger as it is now."""
        path = folder / (name or f"laptop-{self.seed}.jsonl")
        path.write_bytes(b"".join(export(self.entries, self.key)))
        return path


@dataclass
class Fleet:
    """A log, and the ledgers of laptops that took part in its rounds."""

    log: History
    laptops: list[Papers]

    def write(self, folder: Path) -> list[Path]:
        """Write all files; the log is the first."""
        log = folder / "log.jsonl"
        log.write_bytes(self.log.export())
        return [log, *(one.write(folder) for one in self.laptops)]


def a_fleet(laptops: int = 6, rounds: int = 3) -> Fleet:
    """A fleet whose laptop ``i`` has ``i`` days, and answered all rounds.

    A further round was asked for and stayed unreleased: one laptop answered, and its receipt is
    missing in the log; another paid and never sent. The first laptop refused two requests.
    """
    log = History(CONTRACT_KEY, laptops)
    papers = [Papers(seed, seed) for seed in range(1, laptops + 1)]
    model = "cd" * 32
    for number in range(1, rounds + 1):
        after = f"{number:064x}"
        contract = log.round(a_contract(round=number, model_hash=model), after)
        model = after
        for one in papers:
            one.answer(contract)
    last = log.ask(a_contract(round=rounds + 1, model_hash=model))
    papers[0].answer(last)
    papers[-1].pay(last)
    papers[0].add(LedgerKind.REFUSE)
    papers[0].add(LedgerKind.REFUSE, code="log-proof", contract=None)
    return Fleet(log, papers)
