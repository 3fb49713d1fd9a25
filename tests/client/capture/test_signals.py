import pytest

from deskbound_client.capture import signals


def test_every_signal_has_a_bit_and_a_name_of_its_own():
    bits = [signal.bit for signal in signals.SIGNALS]
    assert all(bit.bit_count() == 1 for bit in bits)
    assert len(set(bits)) == len(bits)
    assert [s.name for s in signals.SIGNALS] == [
        "keys", "pointer", "windows", "screen", "rhythm", "updates",
    ]  # fmt: skip


def test_every_signal_says_why_what_and_what_not():
    for signal in signals.SIGNALS:
        assert signal.purpose.endswith(".")
        assert signal.kept
        assert signal.never_kept
        assert signal.version >= 1


def test_taking_part_is_not_a_stream():
    assert "updates" not in {signal.name for signal in signals.STREAMS}
    assert len(signals.STREAMS) == 5


def test_masks_are_made_from_names():
    assert signals.mask_of([]) == 0
    assert signals.mask_of(["keys", "screen"]) == signals.KEYS | signals.SCREEN
    with pytest.raises(KeyError):
        signals.mask_of(["clipboard"])
    assert signals.signal_named("rhythm").bit == signals.RHYTHM
