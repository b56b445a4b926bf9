"""How far an order of places depends on the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from meantime import text
from meantime.dataset.cube import Integers
from meantime.statistics.methods.concordance import kendall_tau, shared_best
from meantime.statistics.words.subject import Subject, named, number_word


def sensitivity_sentences(
    subject: Subject,
    names: Sequence[str],
    rank: Mapping[str, Integers],
    described: Mapping[str, str],
    *,
    methods: int,
    best: int,
    is_lower_better: bool,
) -> list[str]:
    """Say which places are first by every method, which moves most, and by which method the order is least alike.

    ``rank``: by method, the requested one first; ``described``: each in words.
    """
    if methods < 2 or len(names) < 2:
        return []
    together, requested = np.array(list(rank.values())), next(iter(rank.values()))
    nouns, described_methods = subject.nouns(names), f"each of the {number_word(methods)} methods"
    if (together == together[0]).all():
        places = f"the {len(names):,} {nouns}"
        return [f"In {subject}, {described_methods} gives the same order of {places}{subject.with_years()}."]
    side = "lowest" if is_lower_better else "highest"
    few = f"the {side}" if best == 1 else f"the {number_word(best)} {side}"
    order = np.argsort(requested, kind="stable").tolist()
    always = [named(names[index]) for index in order if (together[:, index] <= best).all()]
    what = f"{'' if best == 1 else 'among '}{few} for {subject} by {described_methods}"
    if always:
        verb = "is" if len(always) == 1 else "are"
        sentences = [f"{text.listed(always)} {verb} {what}, by their estimates{subject.with_years()}."]
    else:
        sentences = [f"No {subject.noun(names)} is {what}{subject.with_years()}."]
    most = int(np.ptp(together, axis=0).argmax())
    by_method = {method: int(each[most]) for method, each in rank.items()}
    least, greatest = (choose(by_method, key=by_method.__getitem__) for choose in (min, max))
    sentences.append(
        f"Depending on the method, {named(names[most])} ranks between {text.ordinal(by_method[least])} "
        f"({described[least]}) and {text.ordinal(by_method[greatest])} ({described[greatest]}) in {subject}, the "
        "largest shift."
    )
    tau = {method: kendall_tau(requested, each) for method, each in rank.items()}
    unlike = min(tau, key=tau.__getitem__)
    shared = shared_best(requested, rank[unlike], best=best)
    sentences.append(
        f"The order in {subject} that is least like the one requested is that of {described[unlike]}: Kendall's tau "
        f"{text.number(tau[unlike])}, with {number_word(shared)} of {few} in common."
    )
    return sentences
