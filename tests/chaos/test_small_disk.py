"""The disk that a kill trial fills: full is full, and free again afterwards."""

import errno
import subprocess
from pathlib import Path

import pytest

from tests.chaos.small_disk import LACKS, SmallDisk
from tests.conformance.executors import confined
from tests.services.environment import child_environment


@pytest.mark.parametrize("lacking", LACKS)
def test_a_disk_is_full_until_it_is_drained(lacking: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if not confined.is_inside():
        return confined.run_with_own_mounts(request, tmp_path)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=50", "tmpfs", str(tmp_path)],
        env=child_environment(),
        check=True,
    )
    disk = SmallDisk(tmp_path)
    (tmp_path / "earlier").write_bytes(bytes(50_000))
    disk.fill(lacking)
    (tmp_path / "earlier").unlink()
    disk.fill(lacking)
    with pytest.raises(OSError, match="No space left") as caught:
        (tmp_path / "later").write_bytes(bytes(50_000))
    assert caught.value.errno == errno.ENOSPC
    disk.drain()
    (tmp_path / "later").write_bytes(bytes(50_000))
    return None
