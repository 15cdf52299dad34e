"""The real valohai-utils, in a real container, reads and writes the contract unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.images import python_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workbench import Workbench

pytestmark = pytest.mark.docker

PROGRAM = """
import json
import valohai

valohai.prepare(
    step="train",
    image="unused",
    default_parameters={"rate": 0.1, "name": "x", "layers": [1], "flag": False},
    default_inputs={"data": "", "many": ""},
)
seen = {
    "rate": valohai.parameters("rate").value,
    "name": valohai.parameters("name").value,
    "layers": valohai.parameters("layers").value,
    "flag": valohai.parameters("flag").value,
    "data": open(valohai.inputs("data").path()).read(),
    "many": sorted(open(path).read() for path in valohai.inputs("many").paths()),
}
with valohai.logger() as logger:
    for epoch in (1, 2):
        logger.log("epoch", epoch)
        logger.log("accuracy", 0.25 * epoch)
        logger.flush() if hasattr(logger, "flush") else None
with open(valohai.outputs().path("seen.json"), "w") as file:
    json.dump(seen, file)
with open(valohai.outputs("sub").path("live.txt"), "w") as file:
    file.write("live")
valohai.outputs("sub").live_upload("live.txt")
with valohai.output_properties() as properties:
    properties.add(file="seen.json", properties={"kind": "report", "valohai.tags": ["seen"], "valohai.alias": "report"})
try:
    valohai.set_status_detail("half way")
except Exception as error:
    print("status detail:", error)
"""

YAML = """
- step:
    name: train
    image: {image}
    command: python3 program.py {{parameter:rate}}
    parameters:
      - {{name: rate, type: float, default: 0.5}}
      - {{name: name, type: string, default: "it's"}}
      - {{name: layers, type: integer, multiple: repeat, default: [4, 8]}}
      - {{name: flag, type: flag, default: true}}
    inputs:
      - name: data
      - {{name: many, keep-directories: suffix}}
"""


def test_parameters_inputs_outputs_properties_and_metadata(workbench: Workbench, tmp_path: Path) -> None:
    files = []
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(f"content of {name}")
        files.append(workbench.session.files.upload(workbench.project, tmp_path / name))
    (workbench.directory / "program.py").write_text(PROGRAM)
    inputs = {"data": [files[0].uri], "many": [files[1].uri, files[2].uri]}
    execution = workbench.run(YAML.format(image=python_image()), "train", inputs=inputs)
    assert execution.status == "complete", workbench.printed(execution, "stderr")
    outputs = {file.name: file for file in workbench.outputs(execution)}
    assert set(outputs) == {"seen.json", "sub/live.txt"}
    assert json.loads(workbench.content(outputs["seen.json"])) == {
        "rate": 0.5,
        "name": "it's",
        "layers": [4, 8],
        "flag": True,
        "data": "content of a.txt",
        "many": ["content of b.txt", "content of c.txt"],
    }
    assert outputs["seen.json"].properties == {"kind": "report"}
    assert (outputs["seen.json"].tags, outputs["seen.json"].aliases) == (("seen",), ("report",))
    assert workbench.session.executions.metadata_latest(execution) == {"epoch": 2, "accuracy": 0.5}
