"""What came of a run, line by line, as people read it beside other runs."""

from collections.abc import Callable

from deskbound_server.compare import Facts, Spread
from deskbound_server.words import byte_words, codes

NOTE = (
    "Epsilon is of one unit of a day that every contract could sample, add or remove one; "
    "laptops pay for each contract. Counts are laptops of a round, least to most."
)


def in_range(spread: Spread) -> str:
    """Return least to most, or the one number they both are."""
    if spread.least == spread.most:
        return str(spread.most)
    return f"{spread.least} to {spread.most}"


FACTS: tuple[tuple[str, Callable[[Facts], str]], ...] = (
    ("state", lambda one: one.state),
    ("rounds released", lambda one: f"{one.released} of {one.planned}"),
    ("contracts", lambda one: str(one.contracts)),
    ("laptops asked", lambda one: in_range(one.asked)),
    ("replies that count", lambda one: in_range(one.admitted)),
    ("silent", lambda one: in_range(one.silent)),
    ("refused", lambda one: codes(one.refused) or "none"),
    ("rejected", lambda one: codes(one.rejected) or "none"),
    ("epsilon (PRV)", lambda one: f"{one.epsilon:.3g} at delta {one.delta:g}"),
    ("bytes to laptops", lambda one: byte_words(one.bytes_down)),
    ("bytes of updates", lambda one: byte_words(one.bytes_up)),
    (
        "held-out loss",
        lambda one: (
            "not recorded" if one.held_out_loss is None else f"{one.held_out_loss:.3f} nats a unit"
        ),
    ),
)
