"""The citation: enough to find the same number again, and nothing that changes by itself."""

from __future__ import annotations

from typing import Any

from meantime.formats import citation


def suggested(**parameters: Any) -> str:
    return citation.suggest(
        statistic="state_mean",
        parameters=parameters,
        dataset="cdc",
        fingerprint="f1",
        method_version=2,
        synthetic=False,
    )


def test_a_long_question_is_whole_and_a_longer_list_is_cut() -> None:
    question = "Percent of adults who " + "x" * 200
    assert f'question "{question}"' in suggested(question=question)
    cut = suggested(locations=["Utah"] * 100)
    assert "Utah" in cut
    assert "…" in cut
    assert len(cut) < 500


def test_parameters_that_say_nothing_are_left_out_but_not_zero_or_false() -> None:
    text = suggested(state=None, strata=[], first_year=0, ascending=False)
    assert text.startswith("state_mean (method version 2; first_year 0, ascending false)")


def test_a_data_set_that_is_made_up_says_so_before_all_else() -> None:
    text = citation.suggest_for_dataset(name="sample", title="A sample", fingerprint="f1", synthetic=True)
    assert text == 'SYNTHETIC DATA, NOT REAL FIGURES: A sample (data set "sample"), fingerprint f1. Read by Meantime.'
