"""Results go from host to host: each answers for the files that it has, and asks their owners for others, or the shelf.

A request names its job and proves that its sender knows the secret in the database; whoever overhears it learns nothing
that lets him ask for another result. What comes is compared with the receipt by whoever asked.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import httpx

from meantime.engine.ports import ResultStore
from meantime.errors import MeantimeError, StorePaused
from meantime.model import JobRecord, Receipt
from meantime.stores.postgres.store import PostgresJobStore

if TYPE_CHECKING:
    from meantime.stores.postgres.result_shelf import ResultShelf

PROOF_HEADER = "Meantime-Host-Proof"
PATH = "/hosts/results/"
# Longer than any file of results takes in one network; then its owner is taken for one that does not answer.
_TIMEOUT_S = 10.0


class PostgresResults:
    """The results of all hosts, as this one sees them."""

    def __init__(
        self,
        store: PostgresJobStore,
        results: ResultStore,
        *,
        shelf: ResultShelf | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._store = store
        self._results = results
        self._shelf = shelf
        self._client = httpx.Client(timeout=_TIMEOUT_S, transport=transport, trust_env=False)

    def fetch(self, record: JobRecord) -> bytes | None:
        """Ask the owner of a result for it, then look on the shelf; see ``ResultsElsewhere``."""
        try:
            body = self._from_owner(record)
        except StorePaused:
            if (body := self._from_shelf(record)) is None:
                raise
        return self._from_shelf(record) if body is None else body

    def _from_shelf(self, record: JobRecord) -> bytes | None:
        if self._shelf is None or record.receipt is None:
            return None
        return self._shelf.get(record, record.receipt)

    def _from_owner(self, record: JobRecord) -> bytes | None:
        host, receipt = record.host, record.receipt
        if host is None or receipt is None or host == self._store.me or self._store.is_lost(host):
            return None
        owner = self._store.address_of(host)
        if owner is None or not owner.address:
            return None
        try:
            answer = self._client.get(
                f"{owner.address}{PATH}{record.id}",
                headers={PROOF_HEADER: _proof(owner.secret, record.number, receipt)},
            )
        except httpx.HTTPError as error:
            reason = f"The host that has the result of {record.id} does not answer. Try again later."
            raise StorePaused(reason).for_operator(f"{reason} It is {owner.address}: {error}.") from error
        return answer.content if answer.status_code == httpx.codes.OK else None

    def read(self, number: int, proof: str) -> bytes | None:
        """Return a result of this host to another one; None if it is not here, or the proof is not right.

        Raises:
            StorePaused: it cannot be looked up for the moment.
        """
        record = self._store.get(number)
        if record is None or record.receipt is None or self._store.me is None:
            return None
        owner = self._store.address_of(self._store.me)
        if owner is None or not hmac.compare_digest(
            proof.encode(), _proof(owner.secret, number, record.receipt).encode()
        ):
            return None
        return self._open(number, record.receipt)

    def close(self) -> None:
        """Put on the shelf what others may need of this host, which works no more; close the connections to them."""
        if self._shelf is not None:
            self._shelf.keep(self._store.jobs, self._open)
        self._client.close()

    def _open(self, number: int, receipt: Receipt) -> bytes | None:
        try:
            return self._results.open(number, receipt)
        except StorePaused:
            raise
        except MeantimeError:
            return None


def _proof(secret: str, number: int, receipt: Receipt) -> str:
    return hmac.new(secret.encode(), f"{number}:{receipt.checksum}".encode(), hashlib.sha256).hexdigest()
