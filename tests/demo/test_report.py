"""The report: one page, no request to anywhere, every figure it was given."""

import re

from demo.outcome import SCORES
from demo.report import write_report


def a_summary():
    laptops = [
        {
            "name": f"{name}'s laptop",
            "persona": "analyst",
            "scores": {one: {"hit1": 0.1 + i / 100, "hit5": 0.5} for i, one in enumerate(SCORES)},
            "curve": [{"round": i, "hit1": i / 10, "hit5": i / 5} for i in range(3)],
            "budget": {
                "days": [{"day": "2026-11-20", "rounds": 2, "epsilon": 3.25}],
                "worst_epsilon": 3.25, "delta": 1e-5, "rounds": 2,
            },
            "sent": {"uploads": 2, "bytes": 230_608},
            "ledger": {"verified": name != "Cem", "entries": 7},
        }
        for name in ("Ada", "Ben", "Cem")
    ]  # fmt: skip
    return {
        "when": "today", "rounds": 2, "laptops": laptops, "score_names": SCORES,
        "floor": {"epsilon_day": 10.0, "words": "Profile <research>."}, "guarantee": "Unit: one.",
        "live": {
            "seconds": 20, "thumbnails": [[[7] * 64] * 36], "thumbnail_count": 1,
            "actions": [{"kind": "click", "at": 5}, {"kind": "type", "at": 9}],
            "canaries_searched": 6, "files_searched": 25, "canary_hits": 0,
        },
        "vocabulary_size": 423,
        "mean": {"after": 0.6, "rival": 0.2, "rival_name": "most frequent", "markov1": 0.5,
                 "markov2": 0.65, "own": 0.66, "personal": 0.67},
        "tamper": {"tried": 12, "found": 12},
        "audit": {
            "page": "privacy-team/report/report.html",
            "checks": [{"what": "Each <ledger> is whole.", "passed": True, "words": "3 of 3"}],
        },
        "round_rows": [
            {"round": 1, "state": "released", "cohort": 3, "admitted": 3, "issued": 10,
             "closed": 17, "model_out": "ab" * 32}
        ],
    }  # fmt: skip


def test_the_page_says_what_it_was_given(tmp_path):
    write_report(a_summary(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for said in (
        "Ada&#39;s laptop",
        "230,608",
        "3.25",
        "12 of 12",
        "does not verify",
        "abababababab",
    ):
        assert said in page
    assert page.count("<svg") == 4
    assert page.count("data:image/png") == 1


def test_the_page_asks_nobody_for_anything_and_escapes_what_it_shows(tmp_path):
    write_report(a_summary(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="(?!data:|#|privacy-team/report/)', page)
    assert "<script" not in page
    assert "Profile &lt;research&gt;." in page
