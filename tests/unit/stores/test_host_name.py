from __future__ import annotations

from pathlib import Path

from meantime.stores.host_name import host_name


def test_a_name_is_kept_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    name = host_name(tmp_path)
    assert host_name(tmp_path) == name
    (tmp_path / "host-name").write_text("nonsense")
    other = host_name(tmp_path)
    assert other != name
    assert host_name(tmp_path) == other
