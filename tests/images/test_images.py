"""The images that are made here, and the demo's steps run in one."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

import data
from core import demo_image
from core.errors import UnavailableError
from core.images import docker_images, recipes
from core.images.debian import download_packages
from core.images.root_file_system import RootFileSystem
from tests.images import busybox_image, python_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEMO = Path(data.__file__).parent / "demo"


def test_first_of_a_name_stays_and_usr_is_merged() -> None:
    archive = io.BytesIO()
    with RootFileSystem(archive) as root:
        root.add_file("./bin/tool", b"first", 0o755)
        root.add_link("usr/bin/tool", "busybox")
        root.add_file("usr/share/doc/tool/README", b"not wanted")
    archive.seek(0)
    with tarfile.open(fileobj=archive) as content:
        names = content.getnames()
        assert names.count("usr/bin/tool") == 1
        assert content.getmember("usr/bin/tool").mode == 0o755
        assert content.getmember("bin").linkname == "usr/bin"
        assert content.getmember("tmp").mode == 0o1777
        assert "usr/share/doc/tool/README" not in names
        assert {member.uid for member in content} == {0}


def test_without_apt_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="no Debian system"):
        download_packages(["busybox-static"], tmp_path / "apt")


def test_without_docker_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UnavailableError, match=r"Docker does not answer at unix://.*none\.sock .*start it"):
        demo_image.ensure_demo_image(print)


@pytest.mark.docker
def test_busybox_image_has_a_shell_and_is_made_once() -> None:
    image = busybox_image()
    assert run(image, ["sh", "-c", "echo $((6 * 7)); ls /bin/tail; id -u"]) == "42\n/bin/tail\n0\n"
    reports: list[str] = []
    assert recipes.busybox_image(reports.append) == image
    assert reports == []


@pytest.mark.docker
def test_python_image_speaks_tls_and_has_bash_and_numpy() -> None:
    code = """
import os, ssl, sys, numpy, valohai
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert os.path.exists(numpy.__cached__) and os.path.exists(valohai.__cached__)
print(sys.version_info[:2] >= (3, 11), int(numpy.ones((3, 3)).sum()))
"""
    assert run(python_image(), ["python", "-c", code]) == "True 9\n"
    assert run(python_image(), ["bash", "-c", "echo 'x=5' > /tmp/x; source /tmp/x; echo $x; sh -c 'pwd'"]) == "5\n/\n"


@pytest.mark.docker
def test_an_image_that_does_not_work_is_not_made() -> None:
    with docker_images.docker_engine() as engine:
        with pytest.raises(UnavailableError, match=r"does not work: .*not found"):
            docker_images.extend(
                engine,
                busybox_image(),
                "shoal-broken:1",
                no_layer(),
                ["sh", "-c", "no-such-command"],
                "recipe",
            )
        assert docker_images.recipe_of(engine, "shoal-broken:1") is None


@pytest.mark.docker
def test_public_python_image_gets_the_same_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "PUBLIC_PYTHON", "shoal-test-public-python:1")
    packages, site = "/usr/lib/python3/dist-packages", "/usr/local/lib/python3.11/site-packages"
    bare = f"rm -r {packages}/* && echo {site} > {packages}/site.pth"
    images = [recipes.PUBLIC_PYTHON, "shoal-test-demo:1"]
    try:
        with docker_images.docker_engine() as engine:
            docker_images.extend(engine, python_image(), images[0], no_layer(), ["sh", "-c", bare], "other")
        assert docker_images.pull(images[0], print)
        assert recipes.public_python_image(images[1], print) == images[1]
        assert recipes.is_current(images[1])
        where = ["python", "-c", "import numpy, valohai; print(numpy.__path__, valohai.__path__)"]
        assert run(images[1], where) == f"['{site}/numpy'] ['{site}/valohai']\n"
    finally:
        with docker_images.docker_engine() as engine:
            for image in images:
                engine.remove_image(image, force=True)


@pytest.mark.docker
def test_demo_learns_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    first, again = run_demo(tmp_path / "first"), run_demo(tmp_path / "again")
    assert first == again
    metrics = json.loads((tmp_path / "first" / "evaluate" / "outputs" / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.95
    table = json.loads((tmp_path / "first" / "evaluate" / "outputs" / "confusion.json").read_text())
    assert table["species"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert sum(map(sum, table["birds"])) == 86


@pytest.mark.docker
def test_demo_prints_every_epoch_as_metadata(tmp_path: Path) -> None:
    preprocessed = run_step(tmp_path / "preprocess", "preprocess.py", PREPROCESS, {"penguins": [DEMO / "penguins.csv"]})
    assert metadata(preprocessed) == [{"birds": 342, "birds_dropped": 2, "birds_tested": 86}]
    sidecar = json.loads((tmp_path / "preprocess" / "outputs" / "train.npz.metadata.json").read_text())
    assert sidecar == {"valohai.tags": ["penguins", "train"], "valohai.alias": "penguins-train", "birds": 256}

    trained = run_step(
        tmp_path / "train",
        "train.py",
        TRAIN | {"epochs": 12, "activation": "relu"},
        {"train": [tmp_path / "preprocess" / "outputs" / "train.npz"]},
    )
    points = metadata(trained)
    assert [point["epoch"] for point in points] == list(range(1, 13))
    assert points[-1]["loss"] < points[0]["loss"] / 3
    properties = json.loads((tmp_path / "train" / "outputs" / "valohai.metadata.jsonl").read_text())
    assert properties["file"] == "model.npz"
    assert properties["metadata"]["valohai.alias"] == "penguins-model"


PREPROCESS: dict[str, Any] = {
    "test_share": 0.25,
    "features": "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g",
    "seed": 7,
}
TRAIN: dict[str, Any] = {"epochs": 40, "learning_rate": 0.05, "hidden_units": 16, "activation": "tanh", "seed": 7}


def run_demo(directory: Path) -> dict[str, str]:
    """Run the demo's three steps, each with the outputs of the former; return the hash of every output."""
    outputs = {step: directory / step / "outputs" for step in ("preprocess", "train", "evaluate")}
    run_step(directory / "preprocess", "preprocess.py", PREPROCESS, {"penguins": [DEMO / "penguins.csv"]})
    run_step(directory / "train", "train.py", TRAIN, {"train": [outputs["preprocess"] / "train.npz"]})
    inputs = {"model": [outputs["train"] / "model.npz"], "test": [outputs["preprocess"] / "test.npz"]}
    run_step(directory / "evaluate", "evaluate.py", {}, inputs)
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and "outputs" in path.parts]
    assert len(files) == 8
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run_step(
    directory: Path, script: str, parameters: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]]
) -> list[str]:
    """Run one of the demo's scripts in a container laid out as Valohai's; return its lines on stdout."""
    for name in ("config", "inputs", "outputs"):
        (directory / name).mkdir(parents=True)
    described: dict[str, Any] = {}
    for name, files in inputs.items():
        (directory / "inputs" / name).mkdir()
        for file in files:
            (directory / "inputs" / name / file.name).write_bytes(file.read_bytes())
        described[name] = {"files": [describe(file, name) for file in files]}
    (directory / "config" / "inputs.json").write_text(json.dumps(described))
    (directory / "config" / "parameters.json").write_text(json.dumps(parameters))
    binds = {str(directory / name): {"bind": f"/valohai/{name}"} for name in ("config", "inputs", "outputs")}
    binds[str(DEMO)] = {"bind": "/valohai/repository", "mode": "ro"}
    command = ["python", script, *(f"--{name}={value}" for name, value in parameters.items())]
    environment = {"VH_JOB_ID": "exec-test", "PYTHONDONTWRITEBYTECODE": "1"}
    return run(
        python_image(), command, volumes=binds, working_dir="/valohai/repository", environment=environment
    ).split("\n")


def describe(file: Path, name: str) -> dict[str, Any]:
    """Return a file's entry in inputs.json."""
    path = f"/valohai/inputs/{name}/{file.name}"
    return {"name": file.name, "path": path, "size": file.stat().st_size, "uri": "", "metadata": [], "checksums": {}}


def no_layer() -> io.BytesIO:
    """Return an archive with nothing in it."""
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w"):
        pass
    return io.BytesIO(empty.getvalue())


def run(image: str, command: Sequence[str], **options: Any) -> str:
    """Run a command in a container of the image, without network; return its stdout, raise where it fails."""
    client = docker.from_env()
    try:
        output: bytes = client.containers.run(image, list(command), network_mode="none", remove=True, **options)
        return output.decode()
    finally:
        client.close()


def metadata(lines: Sequence[str]) -> list[dict[str, Any]]:
    """Return the JSON objects among a step's lines."""
    return [json.loads(line) for line in lines if line.startswith("{")]
