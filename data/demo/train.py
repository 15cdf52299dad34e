"""Train a network of one hidden layer by gradient descent with momentum, on softmax cross-entropy."""

from __future__ import annotations

import numpy as np
import valohai

BATCH_SIZE = 16
MOMENTUM = 0.9
VALIDATION_SHARE = 0.2


def main() -> None:
    """Read the training part, print loss and accuracy of every epoch, write the best model."""
    data = np.load(valohai.inputs("train").path())
    random = np.random.default_rng(valohai.parameters("seed").value)
    order = random.permutation(len(data["y"]))
    held_back = round(len(order) * VALIDATION_SHARE)
    validation, training = order[:held_back], order[held_back:]
    network = Network(
        data["x"].shape[1],
        valohai.parameters("hidden_units").value,
        len(data["species"]),
        valohai.parameters("activation").value,
        random,
    )
    best: tuple[float, dict[str, np.ndarray]] = (float("inf"), network.weights)
    for epoch in range(1, valohai.parameters("epochs").value + 1):
        for batch in np.array_split(random.permutation(training), max(1, len(training) // BATCH_SIZE)):
            network.learn(data["x"][batch], data["y"][batch], valohai.parameters("learning_rate").value)
        loss, accuracy = network.score(data["x"][training], data["y"][training])
        validation_loss, validation_accuracy = network.score(data["x"][validation], data["y"][validation])
        if validation_loss < best[0]:
            best = (validation_loss, {name: weight.copy() for name, weight in network.weights.items()})
        with valohai.logger() as logger:
            logger.log(epoch=epoch, loss=round(loss, 6), accuracy=round(accuracy, 6))
            logger.log(validation_loss=round(validation_loss, 6), validation_accuracy=round(validation_accuracy, 6))

    about = {name: data[name] for name in ("species", "features", "mean", "scale")}
    np.savez(valohai.outputs().path("model.npz"), activation=network.activation, **best[1], **about)
    with valohai.output_properties() as properties:
        properties.add(
            file="model.npz",
            properties={"valohai.alias": "penguins-model", "valohai.tags": ["penguins"], "validation_loss": best[0]},
        )


class Network:
    """Two layers of weights; everything is float64, so the same seed gives the same model to the last bit."""

    def __init__(self, features: int, hidden: int, classes: int, activation: str, random: np.random.Generator) -> None:
        self.activation = activation
        self.weights = {
            "w1": random.normal(0, features**-0.5, (features, hidden)),
            "b1": np.zeros(hidden),
            "w2": random.normal(0, hidden**-0.5, (hidden, classes)),
            "b2": np.zeros(classes),
        }
        self._velocity = {name: np.zeros_like(weight) for name, weight in self.weights.items()}

    def learn(self, x: np.ndarray, y: np.ndarray, rate: float) -> None:
        """Take one step down the gradient of a batch: x is birds by features, y the number of each bird's species."""
        hidden, chances = self._forward(x)
        error = chances
        error[np.arange(len(y)), y] -= 1
        error /= len(y)
        back = (error @ self.weights["w2"].T) * self._slope(hidden)
        gradients = {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}
        for name, gradient in gradients.items():
            self._velocity[name] = MOMENTUM * self._velocity[name] - rate * gradient
            self.weights[name] += self._velocity[name]

    def score(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Return the mean cross-entropy and the share of birds named rightly."""
        _, chances = self._forward(x)
        loss = -np.log(np.maximum(chances[np.arange(len(y)), y], 1e-12)).mean()
        return float(loss), float((chances.argmax(axis=1) == y).mean())

    def _forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drive = x @ self.weights["w1"] + self.weights["b1"]
        hidden = np.tanh(drive) if self.activation == "tanh" else np.maximum(drive, 0)
        scores = hidden @ self.weights["w2"] + self.weights["b2"]
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        return hidden, chances / chances.sum(axis=1, keepdims=True)

    def _slope(self, hidden: np.ndarray) -> np.ndarray:
        return 1 - hidden**2 if self.activation == "tanh" else (hidden > 0).astype(float)


if __name__ == "__main__":
    main()
