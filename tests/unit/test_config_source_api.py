"""What `--check` says of the password file of the source-system API."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.adapters.source_api.settings import Codes, Dialect, SourceApiSection
from agent.config_source_api import missing_things


@pytest.mark.parametrize(
    ("dialect", "secret", "mode", "told"),
    [
        ("b", "mật khẩu\n", 0o600, None),
        ("b", "mật khẩu\n", 0o640, None),
        ("b", "mật khẩu\n", 0o644, "others on the box can read"),
        ("b", "\n", 0o600, "the first line of"),
        ("a", "123456\n", 0o600, None),
        ("a", "mat-khau\n", 0o600, "holds no number"),
        ("a", "٧٠\n", 0o600, "holds no number"),
        ("a", "9" * 19, 0o600, "holds no number"),
    ],
)
def test_a_password_file_that_others_read_or_that_logs_nobody_in_is_told(
    tmp_path: Path, dialect: Dialect, secret: str, mode: int, told: str | None
) -> None:
    file = tmp_path / "mat-khau"
    file.write_text(secret)
    file.chmod(mode)
    section = SourceApiSection(
        dialect=dialect,
        base_url="https://httn.example.vn",
        password_file=str(file),
        codes=Codes(log_start=1),
    )
    found = [str(one.text.en) for one in missing_things(section)]
    assert len(found) == (told is not None)
    assert all(told in one for one in found if told is not None)
