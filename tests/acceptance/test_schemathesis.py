"""The v1 API against its own OpenAPI document: whatever is sent, what comes back is declared.

Few cases here, always the same. ``make fuzz`` tries many; see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meantime.web.v1.routes import ENDPOINTS
from tests.support.server_process import environment, serving

# Per operation and phase. What `make check` may take is the measure: some twenty seconds of it.
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")
SEED = os.environ.get("FUZZ_SEED", "20261124")
# Longer than either takes by far; a server that hangs shall end the test.
PATIENCE_S = 300 if "FUZZ_EXAMPLES" not in os.environ else 24 * 3600


@pytest.mark.thorough
def test_every_answer_is_one_that_the_document_declares(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with serving(state_dir=tmp_path / "state") as server:
        server.ready()
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
                *("run", f"{server.url}/v1/openapi.json", "--seed", SEED, "--max-examples", EXAMPLES),
                # Its answer has no end; test_v1.py reads it.
                *("--exclude-operation-id", "follow_jobs"),
                *("--continue-on-failure", "--report", "json", "--report-json-path", str(report)),
            ],
            # It keeps what it has found in the folder that it runs in.
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        print(ran.stdout)  # noqa: T201 - for `make fuzz`, and where it fails
        assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2000:]
        # It lives, and has not said that something went wrong.
        assert server.client.get("/livez").status_code == 200
        assert not [line for line in server.output if "unforeseen" in line or "trouble" in line]
    results = json.loads(report.read_text())
    # All but the one above and the document itself, which it has asked for already.
    assert results["operations"]["tested"] >= len(ENDPOINTS) - 2
    print(results["test_cases"], "seed", SEED)  # noqa: T201 - likewise
