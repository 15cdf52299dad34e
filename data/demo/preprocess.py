"""Turn the table of penguins into arrays: a part to learn from and a part to test on."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

INPUTS = Path("/valohai/inputs/penguins")
OUTPUTS = Path("/valohai/outputs")


def main() -> None:
    """Read the input, write train.npz and test.npz with their tags and aliases."""
    arguments = parse_arguments()
    features = arguments.features.split(",")
    table, labels, dropped = read_birds(next(INPUTS.iterdir()), features)
    species = sorted(set(labels))
    answers = np.array([species.index(label) for label in labels])
    is_test = choose_test(answers, arguments.test_share, np.random.default_rng(arguments.seed))
    mean = table[~is_test].mean(axis=0) if arguments.standardize else np.zeros(len(features))
    scale = table[~is_test].std(axis=0) if arguments.standardize else np.ones(len(features))
    for part, chosen in (("train", ~is_test), ("test", is_test)):
        path = OUTPUTS / f"{part}.npz"
        x = (table[chosen] - mean) / scale
        np.savez(path, x=x, y=answers[chosen], species=species, features=features, mean=mean, scale=scale)
        properties = {
            "valohai.tags": ["penguins", part],
            "valohai.alias": f"penguins-{part}",
            "birds": int(chosen.sum()),
        }
        path.with_name(f"{path.name}.metadata.json").write_text(json.dumps(properties))
    print(json.dumps({"birds": len(labels), "birds_dropped": dropped, "birds_tested": int(is_test.sum())}))


def parse_arguments() -> argparse.Namespace:
    """Return the step's parameters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test_share", type=float, required=True)
    parser.add_argument("--features", required=True, help="column names, separated by commas")
    parser.add_argument("--standardize", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, required=True)
    return parser.parse_args()


def read_birds(path: Path, features: list[str]) -> tuple[np.ndarray, list[str], int]:
    """Return the measurements (birds by features), the species of each bird, and how many were not fully measured."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    whole = [row for row in rows if all(row[feature] not in ("", "NA") for feature in features)]
    table = np.array([[float(row[feature]) for feature in features] for row in whole])
    return table, [row["species"] for row in whole], len(rows) - len(whole)


def choose_test(answers: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return a mask that takes the same share of every species."""
    is_test = np.zeros(len(answers), dtype=bool)
    for answer in np.unique(answers):
        birds = random.permutation(np.flatnonzero(answers == answer))
        is_test[birds[: round(len(birds) * share)]] = True
    return is_test


if __name__ == "__main__":
    main()
