"""What the readings example computes: plain functions over a CSV file of `time,station,temperature`."""

import csv
from pathlib import Path
from statistics import fmean

HERE = Path(__file__).parent


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / Path(file).name).open(newline="") as lines:
        return list(csv.DictReader(lines))


def stations(file: str = "readings.csv") -> dict[str, list[str]]:
    """The stations of the file, in alphabetical order."""
    return {"stations": sorted({row["station"] for row in rows(file)})}


def summarise(file: str, station: str) -> dict[str, object]:
    """Count, lowest, mean and highest temperature (°C) of one station."""
    values = [float(row["temperature"]) for row in rows(file) if row["station"] == station]
    return {
        "station": station,
        "readings": len(values),
        "lowest": min(values),
        "mean": round(fmean(values), 2),
        "highest": max(values),
    }
