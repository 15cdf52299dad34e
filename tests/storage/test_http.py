from __future__ import annotations

import hashlib
import resource
import threading
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from core.storage.drivers import http
from core.storage.stage import StagedInput, stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.session import Session
    from core.storage.stage import StagedFile
    from tests.storage.web_server import Request, WebServer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BACKOFF", (0, 0, 0))


@pytest.fixture
def download(system: Session, tmp_path: Path) -> Callable[..., StagedFile]:
    """Stages one URL into a directory of its own."""
    numbers = iter(range(1000))

    def download(url: str, *, bypass_cache: bool = False) -> StagedFile:
        directory = tmp_path / f"inputs-{next(numbers)}"
        wanted = [StagedInput("data", 0, url, "x.csv", None, None)]
        (staged,) = stage(system, wanted, directory, report=print, stopped=lambda: False, bypass_cache=bypass_cache)
        content = (directory / "data" / "x.csv").read_bytes()
        assert hashlib.sha256(content).hexdigest() == staged.sha256
        assert len(content) == staged.size
        return staged

    return download


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def incoming(session: Session) -> list[Path]:
    return list((session.home.cache / "inputs" / ".incoming").iterdir())


def test_redirects_are_followed(web: WebServer, download: Callable[..., StagedFile]) -> None:
    web.answers["/old"] = lambda request: request.reply(302, Location="/new")
    web.answers["/new"] = lambda request: request.reply(200, b"content")
    assert download(web.url("/old")).sha256 == sha256(b"content")


def test_a_circle_of_redirects_ends(web: WebServer, download: Callable[..., StagedFile]) -> None:
    web.answers["/x"] = lambda request: request.reply(302, Location="/x")
    with pytest.raises(UnavailableError, match="redirects"):
        download(web.url("/x"))


def test_a_redirect_leads_to_no_file(web: WebServer, download: Callable[..., StagedFile]) -> None:
    web.answers["/x"] = lambda request: request.reply(302, Location="file:///etc/passwd")
    with pytest.raises(UnavailableError, match="file://"):
        download(web.url("/x"))
    assert web.counts["/x"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_is_refused_is_asked_for_once(web: WebServer, download: Callable[..., StagedFile], status: int) -> None:
    web.answers["/x"] = lambda request: request.reply(status, b"<html>no</html>")
    with pytest.raises(UnavailableError, match=str(status)) as caught:
        download(web.url("/x"))
    assert web.url("/x") in caught.value.message
    assert web.counts["/x"] == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_is_asked_again(web: WebServer, download: Callable[..., StagedFile], status: int) -> None:
    def answer(request: Request) -> None:
        request.reply(status if request.number < 3 else 200, b"content")

    web.answers["/x"] = answer
    assert download(web.url("/x")).sha256 == sha256(b"content")
    assert web.counts["/x"] == 3


def test_a_server_that_always_fails_is_given_up(
    web: WebServer, system: Session, download: Callable[..., StagedFile]
) -> None:
    web.answers["/x"] = lambda request: request.reply(500)
    with pytest.raises(UnavailableError, match="500 Internal Server Error"):
        download(web.url("/x"))
    assert web.counts["/x"] == 4
    assert incoming(system) == []


def test_a_connection_that_is_cut_is_no_file(
    web: WebServer, system: Session, download: Callable[..., StagedFile]
) -> None:
    def cut(request: Request) -> None:
        request.reply(200, b"half of ", Content_Length="16")
        request.close_connection = True

    web.answers["/x"] = cut
    with pytest.raises(UnavailableError, match="could not be downloaded"):
        download(web.url("/x"))
    assert incoming(system) == []

    def cut_once(request: Request) -> None:
        cut(request) if request.number == 1 else request.reply(200, b"half of the rest")

    web.answers["/y"] = cut_once
    assert download(web.url("/y")).sha256 == sha256(b"half of the rest")


def test_no_server_is_said(web: WebServer, download: Callable[..., StagedFile]) -> None:
    url = web.url("/x")
    web.stop()
    with pytest.raises(UnavailableError, match="could not be downloaded"):
        download(url)


def test_bytes_are_kept_as_they_are_sent(web: WebServer, download: Callable[..., StagedFile]) -> None:
    web.answers["/x"] = lambda request: request.reply(200, b"\x1f\x8b packed", Content_Encoding="gzip")
    assert download(web.url("/x")).sha256 == sha256(b"\x1f\x8b packed")


@pytest.mark.parametrize("header", [{"ETag": '"1"'}, {"Last_Modified": "Tue, 24 Nov 2026 16:00:00 GMT"}])
def test_what_did_not_change_is_not_sent_again(
    web: WebServer, download: Callable[..., StagedFile], header: dict[str, str]
) -> None:
    current = {"content": b"one", "header": header}
    asked: list[str | None] = []

    def answer(request: Request) -> None:
        asked.append(request.headers.get("If-None-Match") or request.headers.get("If-Modified-Since"))
        if asked[-1] in header.values() and current["content"] == b"one":
            request.reply(304)
        else:
            request.reply(200, current["content"], **header)  # type: ignore[arg-type]

    web.answers["/x"] = answer
    one = download(web.url("/x"))
    assert download(web.url("/x")) == one
    assert asked == [None, next(iter(header.values()))]
    current["content"] = b"two"
    assert download(web.url("/x")).sha256 == sha256(b"two")


def test_without_a_validator_it_is_fetched_again(web: WebServer, download: Callable[..., StagedFile]) -> None:
    web.answers["/x"] = lambda request: request.reply(200, str(request.number).encode())
    assert [download(web.url("/x")).sha256 for _ in range(2)] == [sha256(b"1"), sha256(b"2")]


def test_the_cache_can_be_bypassed(web: WebServer, system: Session, download: Callable[..., StagedFile]) -> None:
    web.answers["/x"] = lambda request: request.reply(200, b"content", ETag='"1"')
    for _ in range(2):
        assert download(web.url("/x"), bypass_cache=True).sha256 == sha256(b"content")
    assert web.counts["/x"] == 2
    assert list((system.home.cache / "inputs").glob("??/*")) == []
    assert incoming(system) == []


def test_a_damaged_content_of_the_cache_is_fetched_again(
    web: WebServer, system: Session, download: Callable[..., StagedFile]
) -> None:
    def answer(request: Request) -> None:
        request.reply(304) if request.headers.get("If-None-Match") else request.reply(200, b"content", ETag='"1"')

    web.answers["/x"] = answer
    download(web.url("/x"))
    (cached,) = (system.home.cache / "inputs").glob("??/*")
    cached.chmod(0o644)
    cached.write_bytes(b"CHANGED")
    assert download(web.url("/x")).sha256 == sha256(b"content")


def test_a_large_file_passes_through_little_memory(web: WebServer, system: Session, tmp_path: Path) -> None:
    piece, pieces = bytes(1024 * 1024), 150

    def answer(request: Request) -> None:
        request.reply(200, b"", Content_Length=str(len(piece) * pieces))
        for _ in range(pieces):
            request.wfile.write(piece)

    web.answers["/x"] = answer
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen: list[tuple[int, int]] = []
    wanted = [StagedInput("data", 0, web.url("/x"), "x.csv", None, None)]
    (staged,) = stage(
        system,
        wanted,
        tmp_path / "inputs",
        report=print,
        stopped=lambda: False,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert staged.size == len(piece) * pieces
    assert seen[-1] == (staged.size, staged.size)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "KiB"


def test_two_stagings_at_once_download_once(web: WebServer, system: Session, tmp_path: Path) -> None:
    everybody_waits = threading.Event()

    def answer(request: Request) -> None:
        everybody_waits.wait(20)
        request.reply(200, b"content")

    web.answers["/x"] = answer
    wanted = [StagedInput("data", 0, web.url("/x"), "x.csv", None, None)]
    started = threading.Barrier(2, action=everybody_waits.set)
    results: list[str] = []

    def run(number: int) -> None:
        # Both ask whether to stop, again and again, while the one answer is held back.
        looks = iter(range(10**9))

        def stopped() -> bool:
            if next(looks) == 2:
                started.wait(20)
            return False

        directory = tmp_path / str(number)
        results.extend(each.sha256 for each in stage(system, wanted, directory, report=print, stopped=stopped))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sha256(b"content")] * 2
    assert web.counts["/x"] == 1


def test_what_the_disk_cannot_hold_is_refused_at_once(
    web: WebServer, download: Callable[..., StagedFile], system: Session
) -> None:
    web.answers["/x"] = lambda request: request.reply(200, b"x", Content_Length=str(10**18))
    with pytest.raises(UnavailableError, match=r"it has 1000\.0 PB, and the disk of Shoal's home only .* free"):
        download(web.url("/x"))
    assert web.counts["/x"] == 1
    assert incoming(system) == []


def test_a_download_that_stands_still_fails(
    web: WebServer, download: Callable[..., StagedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stall(request: Request) -> None:
        request.reply(200, b"x", Content_Length="100")
        web.closing.wait()

    monkeypatch.setattr(http, "READ_TIMEOUT", 0.1)
    web.answers["/x"] = stall
    with pytest.raises(UnavailableError, match=r"not one byte came for 0\.1 s"):
        download(web.url("/x"))
    assert web.counts["/x"] == 4
