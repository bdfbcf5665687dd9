"""`mainspring demo`: its figures against a calculation of its own, and how it ends when a run fails."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from tests.acceptance.server import descendants, is_running, until
from tests.services.environment import child_environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "weather_sales"


def _demo(example: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mainspring_cli", "demo", str(example), *arguments],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_a_demo_that_is_killed_leaves_nothing_running() -> None:
    command = [sys.executable, "-m", "mainspring_cli", "demo", str(EXAMPLE), "--keep"]
    with subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("API ")
        below = descendants(demo.pid)
        demo.kill()
        until(lambda: not any(map(is_running, below)), "the end of all that it started")
    assert below


def _outputs(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  ([a-z_.]+) = (.*)$", text, flags=re.MULTILINE))


def _expected() -> Mapping[str, float]:
    """The same figures from the files, by Gram-Schmidt instead of the normal equations."""
    with (EXAMPLE / "data" / "sales.csv").open(newline="") as file:
        units: dict[str, float] = {}
        for row in csv.DictReader(file):
            if re.fullmatch(r"\d+", row["units"]):
                units.setdefault(row["date"], float(row["units"]))
    days = []
    with (EXAMPLE / "data" / "seattle-weather.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            day = date(*map(int, row["date"].split("/")))
            if (key := str(day)) in units:
                weekend = 1.0 if f"{day:%a}" in ("Sat", "Sun") else 0.0
                days.append((day.year, [1.0, float(row["temp_max"]), float(row["precipitation"]), weekend], units[key]))
    weights = _gram_schmidt([x for year, x, _ in days if year < 2015], [y for year, _, y in days if year < 2015])
    tested = [(sum(w * a for w, a in zip(weights, x, strict=True)), y) for year, x, y in days if year == 2015]
    mean = sum(y for _, y in tested) / len(tested)
    return {
        "days_joined": len(days),
        **dict(
            zip(
                [f"coefficients.{name}" for name in ("base", "per_degree", "per_mm_of_rain", "on_weekends")],
                weights,
                strict=True,
            )
        ),
        "mean_absolute_error": sum(abs(y - guess) for guess, y in tested) / len(tested),
        "r_squared": 1 - sum((y - guess) ** 2 for guess, y in tested) / sum((y - mean) ** 2 for _, y in tested),
    }


def _gram_schmidt(rows: list[list[float]], targets: list[float]) -> list[float]:
    """Least squares by QR: orthogonalise the columns one by one, then solve the triangle."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    size = len(columns)
    triangle = [[0.0] * size for _ in range(size)]
    residual, shares = list(targets), [0.0] * size
    for i in range(size):
        square = sum(value * value for value in columns[i])
        for j in range(i + 1, size):
            triangle[i][j] = sum(a * b for a, b in zip(columns[i], columns[j], strict=True)) / square
            columns[j] = [b - triangle[i][j] * a for a, b in zip(columns[i], columns[j], strict=True)]
        shares[i] = sum(a * b for a, b in zip(columns[i], residual, strict=True)) / square
        residual = [b - shares[i] * a for a, b in zip(columns[i], residual, strict=True)]
    for i in reversed(range(size)):
        shares[i] -= sum(triangle[i][j] * shares[j] for j in range(i + 1, size))
    return shares


@pytest.mark.parametrize("executor", ["thread", "local"])
def test_the_figures_follow_from_the_input(executor: str) -> None:
    answer = _demo(EXAMPLE, "--executor", executor)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    shown = _outputs(answer.stdout)
    for name, value in _expected().items():
        assert float(shown[name]) == pytest.approx(value, rel=1e-3), name
    assert shown["summary"].startswith("units = 119.4 +6.48 per degree")


def test_every_task_is_shown_from_start_to_success() -> None:
    answer = _demo(EXAMPLE)
    for task_id in ("fetch_weather", "fetch_sales", "clean_weather", "clean_sales", "join", "train", "report"):
        assert re.search(rf"^  {task_id} +success +\d", answer.stdout, flags=re.MULTILINE), answer.stdout


def test_a_failing_run_ends_non_zero_and_shows_the_end_of_the_failing_log(tmp_path: Path) -> None:
    example = tmp_path / "weather_sales"
    shutil.copytree(EXAMPLE, example)
    (example / "data" / "sales.csv").write_text("date,units\n1999-01-01,5\n")
    source = (example / "dag.yaml").read_text().replace("retries: 2", "retries: 0")
    (example / "dag.yaml").write_text(source)

    answer = _demo(example)

    assert answer.returncode == 1
    assert "join failed at try 1" in answer.stdout
    assert "weather and sales have no day in common" in answer.stdout
    assert json.dumps("fetch_sales")[1:-1] in answer.stdout


def test_a_folder_without_a_dag_is_named() -> None:
    answer = _demo(ROOT / "docs")
    assert answer.returncode == 78
    assert "no dag.yaml there" in answer.stderr
