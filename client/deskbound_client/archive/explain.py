"""The page inside every archive, for someone who finds it in ten years and has nothing else."""

import textwrap

from deskbound_client import __version__
from deskbound_client.archive.manifest import FORMAT
from deskbound_client.employee.words import words_of
from deskbound_client.store.rows import GAP_CAUSES
from deskbound_strategies.vocabulary import (
    APPS,
    GAP_BOUNDS_MS,
    GAP_UNKNOWN,
    TOKENS,
    VOCABULARY_HASH,
)

_TEXT = """\
What this file is
=================

Everything that Deskbound {version} had stored about one person on one computer. Deskbound keeps
which *kind* of step follows which when somebody works: "typed letters, 4-7 keys", "clicked top
left", "switched to mail". It never keeps characters, words, window titles, addresses or readable
pictures, so there are none in here.

The format is {format}: a zip file (deflate, ZIP64) of text files in UTF-8. A file
that ends in .jsonl holds one JSON object a line. If the zip was encrypted, it was in the age format
with a passphrase (age-encryption.org/v1); any age tool opens it.

Files
-----

README.txt                    this page
days/2026-11-20.actions.jsonl the gestures of a day, in the order in which they happened
days/2026-11-20.thumbs.jsonl  pictures of the active window: 64 x 36 points of 16 greys
days/2026-11-20.gaps.jsonl    stretches of time in which nothing was stored, and why
days/*.parquet                the same rows once more as Apache Parquet, if that was asked for
consent.jsonl                 every decision of the person: agreed or taken back, signed
forgotten.jsonl               receipts of what was erased: days and numbers of rows, signed
ledger.jsonl                  every budget charge, upload, refusal and erasure: a hash chain that
                              the device has signed; `deskbound-audit verify ledger.jsonl` reads it
budget.json                   what learning has cost each day of data
settings.json                 what the person had set
manifest.json                 length, SHA-256 and number of rows of every file above
signature.json                manifest.json inside a DSSE envelope, signed with the device's Ed25519
                              key; manifest.json names the public key. No private key is in here.

Columns of actions
------------------

at        wall clock, whole seconds since 1970-01-01 00:00 UTC
mono_s    seconds on a clock that cannot be set back, counted from the start of the computer
boot      a random number that tells one start of the computer from another
token     the kind of step: a line of the list of words below, counted from 0
app       category of the program: a line of the list of categories below, counted from 0
bucket    0, or a number for a program in no category; it means something on that computer only
gap       pause before the step:
{gaps}
stream    what it was kept for: 1 keys, 2 pointer, 4 windows, 8 screen, 16 rhythm, 0 not said
fx, fy    place in the window in sixteenths, -1 = none
source    0 captured, 1 made up by a generator, 2 imported
words, in the same as token and app, for people; a program should use the numbers

Columns of thumbs: at, mono_s, boot, app, source as above; pixels: base64 of 1152 bytes, two points
a byte (high half first), row by row from the top left, 0 black to 15 white.

Columns of gaps: started and ended (seconds as `at`), cause: one of
{causes}

Columns of consent: subject, version (of its meaning), granted, at, signature (Ed25519, hex) and
what else bound the decision to what was shown.

budget.json: for each block (a day of data) the rounds it took part in, their noisy steps, and
"curve": the Renyi divergences at Deskbound's public orders, little-endian float64, hex.

Categories of programs (app)
----------------------------

{apps}

Words (token), vocabulary {vocabulary}
----------------------

{tokens}
"""


def readme() -> str:
    """Return README.txt: the whole format with all its words, needing no other document."""
    bounds = ", ".join(
        f"{number} = at most {bound / 1000:g} s" for number, bound in enumerate(GAP_BOUNDS_MS)
    )
    return _TEXT.format(
        version=__version__,
        format=FORMAT,
        gaps=_wrapped(f"{bounds}, {len(GAP_BOUNDS_MS)} = longer, {GAP_UNKNOWN} = not known"),
        causes=_wrapped(", ".join(GAP_CAUSES)),
        apps="\n".join(f"{number:3} {name}" for number, name in enumerate(APPS)),
        vocabulary=VOCABULARY_HASH[:16],
        tokens="\n".join(
            f"{number:3} {token.name:26} {words_of(number)}" for number, token in enumerate(TOKENS)
        ),
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 88, initial_indent=" " * 10, subsequent_indent=" " * 10)
