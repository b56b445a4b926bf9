"""Bit flips in a state directory before a server starts on it, or under a running one."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from reliability.clients import Connection
from reliability.flips import State, made_state
from reliability.outcome import Outcome
from reliability.scene import ASKS, Front, closing, is_right

# What servers on one damaged state are asked before the next flip.
_LOOKS = 4


def flips_served(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Flip bits of a state directory before a server starts on it, or under it, and ask for everything."""
    state = made_state(front, folder)
    chance = random.Random(seed)  # noqa: S311 - the same flips each time
    sound = folder / "sound"
    shutil.copytree(state.folder, sound)
    violations: list[str] = []
    counts: Counter[str] = Counter()
    for _ in range(number):
        shutil.rmtree(state.folder)
        shutil.copytree(sound, state.folder)
        while_running = chance.random() < 0.5
        damage = _Damage(chance, state.folder)
        if not while_running:
            damage.do()
        try:
            server = front.start(state.table, state.folder)
        except AssertionError as error:
            counts["starts refused"] += 1
            if "Traceback" in str(error) or while_running:
                violations.append(f"{damage}: no start: {error}"[:500])
            continue
        with closing(server):
            server.ready()
            for _ in range(_LOOKS if while_running else 1):
                if while_running:
                    damage.do()
                _ask_everything(server.url, state, damage, violations, counts)
            if while_running and server.process.poll() is None:
                damage.undo()
            code = server.end() if server.process.poll() is None else server.wait()
            if code not in (0, 1) or "Traceback" in "".join(server.output):
                violations.append(f"{damage}: the server ended with {code}: {''.join(server.output)[-500:]}")
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    return Outcome(f"bit flips under servers, {front.name}", f"{number:,} servers: {told}", violations)


class _Damage:
    """One flipped bit of a file that a server reads."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        files = [path for path in folder.rglob("*") if path.is_file() and self._is_read(path, folder)]
        kinds = sorted({self._kind(path, folder) for path in files})
        kind = chance.choice(kinds)
        self._path = chance.choice(sorted(path for path in files if self._kind(path, folder) == kind))
        self._name = str(self._path.relative_to(folder))
        self._chance = chance
        self._sound = self._path.read_bytes()
        self._at: list[tuple[int, int]] = []

    @staticmethod
    def _is_read(path: Path, folder: Path) -> bool:
        return path.stat().st_size > 0 and path.name not in ("webserver.log", "lock") and path.parent != folder / "log"

    @staticmethod
    def _kind(path: Path, folder: Path) -> str:
        return re.sub(r"job_id_\d+|[0-9a-f]{64}", "", str(path.relative_to(folder)))

    def do(self) -> None:
        used = [at for at, byte in enumerate(self._sound) if byte]
        at, bit = self._chance.choice(used), self._chance.randrange(8)
        self._at = [(at, bit)]
        with suppress(FileNotFoundError), self._path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([self._sound[at] ^ (1 << bit)]))

    def undo(self) -> None:
        for at, _ in self._at:
            with suppress(FileNotFoundError), self._path.open("r+b") as file:
                file.seek(at)
                file.write(self._sound[at : at + 1])

    def __str__(self) -> str:
        return f"{self._name} at {self._at}"


def _ask_everything(url: str, state: State, damage: _Damage, violations: list[str], counts: Counter[str]) -> None:
    connection, question = Connection(url), quote(ASKS[0].question)
    try:
        for job_id, ask in state.jobs.items():
            status, answer = connection.ask("GET", f"/api/get_results/{job_id}")
            told = json.loads(answer)
            if status == 200 and told.get("status") == "done":
                counts["results right"] += 1
                if not is_right(state.table, ask, told["data"]):
                    violations.append(f"{damage}: {job_id} is wrong: {answer[:300]!r}")
            else:
                counts["results refused"] += 1
                _must_be_clear(status, answer, damage, violations)
        for target in (
            f"summary?by=location&question={question}",
            f"summary/rows?by=location&row=0&question={question}",
        ):
            status, answer = connection.ask("GET", f"/v1/statistics/{target}")
            counts[f"medians {status}"] += 1
            if status != 200:
                _must_be_clear(status, answer, damage, violations)
    except OSError:
        counts["servers ended"] += 1  # the damage was found under it; its exit code and output are looked at
    finally:
        connection.close()


def _must_be_clear(status: int, answer: bytes, damage: _Damage, violations: list[str]) -> None:
    is_declared = status in (200, 404, 503)
    if not is_declared or b"Traceback" in answer or str(damage).encode() in answer:
        violations.append(f"{damage}: answered {status} {answer[:300]!r}")
