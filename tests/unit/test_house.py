from __future__ import annotations

from pathlib import Path

import meantime

PACKAGE = Path(meantime.__file__).parent
PLAN = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8").partition("## The house")[2]


def test_every_room_is_on_the_plan_of_the_house() -> None:
    rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")} - {"."}
    # data is kept in some folders that are packages only so that it is found
    rooms -= {room for room in rooms if not any(path.name != "__init__.py" for path in (PACKAGE / room).glob("*.py"))}
    assert rooms
    missing = {room for room in rooms if f"  {room}/ " not in PLAN}
    assert not missing
