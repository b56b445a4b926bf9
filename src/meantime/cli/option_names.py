"""What is wrong with a request, in the words of the command line: its options, not the API's JSON."""

from __future__ import annotations

import re

from meantime.errors import Problem, RequestInvalid

_OPTIONS = ("question", "state", "dataset", "label")


def option(parameter: str) -> str:
    """Return how a parameter is typed.

    >>> option("question"), option("limit")
    ('--question', '-p limit')
    """
    return f"--{parameter}" if parameter in _OPTIONS else f"-p {parameter}"


def in_options(error: RequestInvalid, statistic: str) -> str:
    """Write what is wrong, a line for each problem."""
    return "\n".join(_sentence(problem, statistic) for problem in error.problems) or error.reason


def _sentence(problem: Problem, statistic: str) -> str:
    # A server's pointers begin at the submission, those of a check here at its parameters.
    pointer = problem.pointer.removeprefix("/parameters").removeprefix("/")
    parameter = pointer.partition("/")[0].replace("~1", "/").replace("~0", "~")
    if not parameter or problem.code == "unknown-statistic":
        return problem.detail
    typed = option(parameter)
    match problem.code:
        case "missing" if problem.detail.startswith(f'"{parameter}" is missing'):
            return f"{statistic} needs {typed if parameter in _OPTIONS else f'{typed}=VALUE'}."
        case "unknown-key" if problem.closest:
            return f"{statistic} does not take {typed}. Did you mean {' or '.join(map(option, problem.closest))}?"
        case "unknown-key":
            return f"{statistic} does not take {typed}."
        case "ambiguous":
            # The names that it fits, one below the other: questions are long.
            fits = re.match(r".* fits [\d,]+ names", problem.detail, re.DOTALL)
            told = fits[0] if fits else problem.detail
            return "".join([f"{typed}: {told}. Use more words:", *(f"\n  {name}" for name in problem.closest)])
        case _:
            return f"{typed}: {problem.detail}"
