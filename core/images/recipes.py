"""How Shoal's own images are made: which packages, which Python packages, and how one sees that they work."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import TYPE_CHECKING

import core.images
import data
from core.images import debian, docker_images, wheels
from core.images.root_file_system import RootFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

PUBLIC_PYTHON = "python:3.11-slim"
BUSYBOX_REPOSITORY = "shoal-busybox"
PYTHON_REPOSITORY = "shoal-python"
REQUIREMENTS = Path(data.__file__).parent / "images" / "python.txt"

_SHELL_PACKAGES = ("busybox-static",)
_PYTHON_PACKAGES = (
    "base-files",
    "bash",
    "busybox-static",
    "ca-certificates",
    "dash",
    "libstdc++6",
    "netbase",
    "python3",
    "tzdata",
)
_NOT_NEEDED = ("debconf", "dpkg", "perl-base", "tar")
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"

# The run that shows that the image works also leaves the byte code of what it imports, so that no step compiles it.
_PROOF = """\
import bz2, csv, ctypes, decimal, hashlib, json, lzma, multiprocessing, pathlib
import sqlite3, ssl, subprocess, uuid, zoneinfo
import numpy, numpy.linalg, numpy.random, valohai, valohai_yaml
assert abs(numpy.linalg.det(numpy.eye(3)) - 1) < 1e-9
assert zoneinfo.ZoneInfo("Europe/Helsinki")
"""


def busybox_image(report: Callable[[str], None]) -> str:
    """Return the name of an image with a shell and its usual commands only, made now where it is not here yet."""
    image = f"{BUSYBOX_REPOSITORY}:{_recipe('busybox', *_SHELL_PACKAGES)}"
    with docker_images.docker_engine() as engine, _made_once(image):
        if docker_images.recipe_of(engine, image) is None:
            _import_debian(engine, image, _SHELL_PACKAGES, "sh", report)
    return image


def python_image(report: Callable[[str], None]) -> str:
    """Return the name of an image with Python, NumPy and valohai-utils from Debian's packages, made where it is not."""
    image = f"{PYTHON_REPOSITORY}:{_python_recipe()}"
    with docker_images.docker_engine() as engine, _made_once(image):
        if docker_images.recipe_of(engine, image) is None:
            base = f"{image}-base"
            version = _import_debian(engine, base, _PYTHON_PACKAGES, "python3", report)
            _add_python_packages(engine, base, image, ("usr/lib/python3/dist-packages", version or "3.11"), report)
            engine.remove_image(base)
    return image


def public_python_image(image: str, report: Callable[[str], None]) -> str:
    """Make `image` on the public Python image, which must be here, unless it was made by this recipe before."""
    with docker_images.docker_engine() as engine, _made_once(image):
        if docker_images.recipe_of(engine, image) != _python_recipe():
            place = ("usr/local/lib/python3.11/site-packages", "3.11")
            _add_python_packages(engine, PUBLIC_PYTHON, image, place, report)
    return image


def is_current(image: str) -> bool:
    """Tell whether a local image was made by the present recipe for Python, on either base."""
    with docker_images.docker_engine() as engine:
        return docker_images.recipe_of(engine, image) == _python_recipe()


def _python_recipe() -> str:
    return _recipe("python", *_PYTHON_PACKAGES, REQUIREMENTS.read_text(), _PROOF)


def _recipe(*parts: str) -> str:
    """Return the short hash that names a recipe: what goes in, and the code that puts it there."""
    code = (path.read_text() for path in sorted(Path(core.images.__file__).parent.glob("*.py")))
    return hashlib.sha256("\0".join([*parts, *code]).encode()).hexdigest()[:12]


@contextmanager
def _made_once(image: str) -> Iterator[None]:
    """Let one process at a time make an image: the others wait, then find it made."""
    path = Path(tempfile.gettempdir(), f"shoal-images-{os.getuid()}-{image.replace('/', '-')}.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        flock(lock, LOCK_EX)
        yield
    finally:
        os.close(lock)


def _import_debian(
    engine: docker.APIClient, image: str, packages: Sequence[str], command: str, report: Callable[[str], None]
) -> str | None:
    """Import an image of Debian packages; return the version of the Python among them."""
    report("downloading Debian packages")
    with tempfile.TemporaryDirectory(prefix="shoal-image-") as scratch:
        archives = debian.download_packages(packages, Path(scratch) / "apt")
        wanted = [path for path in archives if path.name.partition("_")[0] not in _NOT_NEEDED]
        report(f"unpacking {len(wanted)} packages")
        root_path = Path(scratch) / "root.tar"
        with root_path.open("wb") as archive, RootFileSystem(archive) as files:
            _fill(files, wanted)
        report(f"importing {image}")
        with root_path.open("rb") as root:
            docker_images.import_root(engine, root, image, command, image.rpartition(":")[2].removesuffix("-base"))
    versions = [re.match(r"python(3\.\d+)_", path.name) for path in archives]
    return next((match.group(1) for match in versions if match), None)


def _fill(files: RootFileSystem, packages: Sequence[Path]) -> None:
    certificates = [pair for package in packages for pair in files.add_package(package)]
    if certificates:
        files.add_directory("etc/ssl")
        files.add_directory("etc/ssl/certs")
        files.add_file(_CERTIFICATES, b"".join(body for _, body in sorted(certificates)))
    for applet in _applets(packages):
        files.add_link(f"usr/bin/{applet}", "busybox")
    if any(package.name.startswith("python3_") for package in packages):
        files.add_link("usr/bin/python", "python3")


def _applets(packages: Sequence[Path]) -> list[str]:
    """Return the commands that the busybox among the packages can be."""
    package = next(path for path in packages if path.name.startswith("busybox-static_"))
    with tempfile.TemporaryDirectory(prefix="shoal-busybox-") as scratch:
        subprocess.run(["dpkg-deb", "--extract", package, scratch], check=True)
        busybox = next(path for path in Path(scratch).rglob("busybox") if path.is_file() and path.parent.name == "bin")
        output = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout
    return [applet for applet in output.split() if applet != "busybox"]


def _add_python_packages(
    engine: docker.APIClient, base: str, image: str, place: tuple[str, str], report: Callable[[str], None]
) -> None:
    directory, version = place
    with tempfile.TemporaryDirectory(prefix="shoal-wheels-") as scratch:
        report("downloading Python packages")
        wheels.install_wheels(REQUIREMENTS, version, Path(scratch) / "packages")
        layer_path = Path(scratch) / "layer.tar"
        with tarfile.open(layer_path, "w") as layer:
            layer.add(Path(scratch) / "packages", directory, filter=_owned_by_root)
        report(f"making {image}")
        with layer_path.open("rb") as layer_file:
            docker_images.extend(
                engine, base, image, layer_file, ["python3", "-W", "ignore", "-c", _PROOF], _python_recipe()
            )


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
