"""An evaluation by the device that made the images, for data sets whose table names it (BUS-BRA).

    python benchmarks/subgroups.py --cases OUT/cases.csv --table BUS-BRA/bus_data.csv --output_dir OUT

Class and size stand in the table that ``evaluation`` writes. A metric that a device's cases do not define is a dash.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from bundle_runs import COLUMNS, CaseTable

from scripts.reporting.evaluation_bootstrap import Bootstrap, NotComputable
from scripts.reporting.evaluation_metrics import METRICS
from scripts.reporting.study_tables import write_study


def told(table: CaseTable, metric: str) -> str | None:
    """A metric with its interval where there are groups enough for one; None if the cases do not define it."""
    try:
        result = METRICS[metric](table, Bootstrap())
    except NotComputable:
        return None
    text = f"{result['value']:.3f}"
    return text + " ({:.3f} to {:.3f})".format(*result["interval"]) if "interval" in result else text


def main() -> None:
    """Write ``devices.md`` and ``devices.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="cases.csv of an evaluation")
    parser.add_argument("--table", type=Path, required=True, help="bus_data.csv, with ID and Device")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    with arguments.table.open(newline="", encoding="utf-8") as file:
        devices = {row["ID"]: row["Device"] for row in csv.DictReader(file)}
    cases = CaseTable.read(arguments.cases)
    device = np.array([devices.get(Path(image).stem, "") for image in cases["image"]])
    rows = []
    for name in sorted(set(device) - {""}):
        chosen = cases.select(device == name)
        row: dict[str, object] = {"device": name, "lesions": int(chosen.is_lesion.sum())}
        rows.append(row | {column: told(chosen, metric) for column, (metric, of) in COLUMNS.items() if not of})
    write_study(arguments.output_dir, "devices", rows)
    print((arguments.output_dir / "devices.md").read_text())


if __name__ == "__main__":
    main()
