"""Let the model name the birds of the test part, and count how often it is right."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

INPUTS = Path("/valohai/inputs")
OUTPUTS = Path("/valohai/outputs")


def main() -> None:
    """Read model and test part, write confusion.json and metrics.json, print the same as metadata."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", default="")
    label = parser.parse_args().label
    model = np.load(next((INPUTS / "model").iterdir()))
    test = np.load(next((INPUTS / "test").iterdir()))
    species = [str(name) for name in model["species"]]
    confusion = np.zeros((len(species), len(species)), dtype=int)
    np.add.at(confusion, (test["y"], predict(model, test["x"])), 1)
    metrics = {"accuracy": round(float(np.trace(confusion) / confusion.sum()), 6), **f1_scores(confusion, species)}
    table = {
        "species": species,
        "rows": "what the bird is",
        "columns": "what the model said",
        "birds": confusion.tolist(),
    }
    (OUTPUTS / "confusion.json").write_text(json.dumps(table, indent=2))
    (OUTPUTS / "metrics.json").write_text(json.dumps({"label": label, **metrics}, indent=2))
    print_table(confusion, species)
    print(json.dumps({**metrics, "confusion": confusion.tolist()}))


def predict(model: np.lib.npyio.NpzFile, x: np.ndarray) -> np.ndarray:
    """Return the number of the likeliest species of each bird."""
    drive = x @ model["w1"] + model["b1"]
    hidden = np.tanh(drive) if model["activation"] == "tanh" else np.maximum(drive, 0)
    return (hidden @ model["w2"] + model["b2"]).argmax(axis=1)


def f1_scores(confusion: np.ndarray, species: list[str]) -> dict[str, float]:
    """Return each species' F1 score: the harmonic mean of precision and recall."""
    said, was = confusion.sum(axis=0), confusion.sum(axis=1)
    scores = 2 * confusion.diagonal() / np.maximum(said + was, 1)
    return {f"f1_{name.lower()}": round(float(score), 6) for name, score in zip(species, scores, strict=True)}


def print_table(confusion: np.ndarray, species: list[str]) -> None:
    """Show the confusion matrix to whoever reads the log."""
    print(" " * 12 + "".join(f"{name:>12}" for name in species))
    for name, row in zip(species, confusion, strict=True):
        print(f"{name:>12}" + "".join(f"{count:>12}" for count in row))


if __name__ == "__main__":
    main()
