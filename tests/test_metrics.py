"""Metrics, scraped for real and read by the parsers of those who scrape."""

from __future__ import annotations

import os
import socket
import stat
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from core.environments.loads import Load, loads
from core.metrics import publishing as module
from core.metrics.families import exposition
from core.metrics.publishing import Figures, Metrics, read_address
from core.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.session import Session
    from tests.enacted import Enacted


def _free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def publish(system: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Metrics]]:
    """Publish at once, however little time has passed."""
    monkeypatch.setattr(module, "PUBLISH_EVERY", -1.0)
    metrics = Metrics(system)

    def publish() -> Metrics:
        metrics.publish()
        return metrics

    yield publish
    metrics.close()


def _scraped(address: str, path: str = "/metrics", **headers: str) -> tuple[str, str]:
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def _samples(text: str, parse: Any = parse_openmetrics) -> dict[tuple[str, ...], float]:
    return {(sample.name, *sample.labels.values()): sample.value for family in parse(text) for sample in family.samples}


def _refused(address: str, path: str, **headers: str) -> int:
    with pytest.raises(urllib.error.HTTPError) as error:
        _scraped(address, path, **headers)
    return error.value.code


def test_it_is_off_by_default_and_imports_nothing(
    publish: Callable[[], Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("core.metrics_", "prometheus_client"))]:
        monkeypatch.delitem(sys.modules, name)
    publish()
    assert not [name for name in sys.modules if name.startswith(("core.metrics_", "prometheus_client"))]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_what_is_scraped_is_what_is(
    session: Session, enacted: Enacted, publish: Callable[[], Metrics], host: str
) -> None:
    address = f"{host}:{_free_port(host.strip('[]'))}"
    session.settings.set("metrics_address", address)
    enacted.ends(enacted.start(enacted.create("train")), "error")
    enacted.start(enacted.create("train"))
    for _ in range(3):
        enacted.create("train")
    metrics = publish()
    for seconds in (0.0005, 0.001, 0.3, 100.0):
        metrics.ticked(seconds)
    metrics.failed("tick")
    publish()
    text, kind = _scraped(address, Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    found = _samples(text)
    assert found["shoal_executions_waiting", "local"] == 3
    assert found["shoal_executions_running", "local"] == 1
    assert found["shoal_machines", "local", "busy"] == 1
    assert found["shoal_machines", "local", "idle"] == 1
    assert found["shoal_executions_ended_total", "error"] == 1
    assert found["shoal_executions_ended_total", "complete"] == 0
    assert found["shoal_machine_launches_total",] == 2
    assert found["shoal_failures_total", "tick"] == 1
    assert found["shoal_failures_total", "launch"] == 0
    assert found["shoal_tick_seconds_count",] == 4
    assert found["shoal_tick_seconds_bucket", "0.001"] == 2
    assert found["shoal_tick_seconds_bucket", "0.5"] == 3
    assert found["shoal_tick_seconds_bucket", "+Inf"] == 4
    assert found["shoal_tick_seconds_sum",] == pytest.approx(100.3015)
    assert found["shoal_oldest_wait_seconds", "local"] > 0
    assert found["shoal_scheduler_up",] == 1
    text, kind = _scraped(address, path="/")
    assert kind.startswith("text/plain")
    assert _samples(text, parse_text)["shoal_executions_waiting", "local"] == 3


def test_only_who_calls_it_by_its_name_is_answered(session: Session, publish: Callable[[], Metrics]) -> None:
    address = f"127.0.0.1:{_free_port()}"
    session.settings.set("metrics_address", address)
    publish()
    assert _refused(address, "/metrics", Host="evil.example") == 403
    assert _refused(address, "/metrics", Host="evil.example:9465") == 403
    assert _refused(address, "/other") == 404
    assert "shoal" in _scraped(address, Host=f"localhost:{address.partition(':')[2]}")[0]


def test_a_setting_acts_without_a_new_scheduler(session: Session, publish: Callable[[], Metrics]) -> None:
    first, second = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    for address in (first, second):
        session.settings.set("metrics_address", address)
        publish()
        assert "shoal_scheduler_up" in _scraped(address)[0]
    for address in (first, second):
        session.settings.set("metrics_address", "")
        publish()
        with pytest.raises(urllib.error.URLError):
            _scraped(address)


def test_a_port_in_use_is_told_once_and_tried_again(
    session: Session, publish: Callable[[], Metrics], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        session.settings.set("metrics_address", address)
        for _ in range(3):
            publish()
        assert [record.message for record in caplog.records] == [
            f"metrics are not served at {address}: [Errno 98] Address already in use"
        ]
    publish()
    assert "shoal" in _scraped(address)[0]


def test_a_file_is_whole_and_readable_by_others(
    session: Session, publish: Callable[[], Metrics], tmp_path: Path
) -> None:
    for name, parse in (("shoal.om", parse_openmetrics), ("shoal.prom", parse_text)):
        path = tmp_path / name
        session.settings.set("metrics_file", str(path))
        publish()
        publish()
        assert _samples(path.read_text(), parse)["shoal_executions_waiting", "local"] == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["shoal.om", "shoal.prom"]


def test_a_file_that_cannot_be_written_ends_nothing(
    session: Session, publish: Callable[[], Metrics], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").mkdir()
    session.settings.set("metrics_file", str(tmp_path / "taken"))
    publish()
    session.settings.set("metrics_file", str(tmp_path / "none" / "metrics"))
    publish()
    publish()
    assert [record.message.partition(": ")[0] for record in caplog.records] == [
        f"metrics are not written to {tmp_path}/taken",
        f"metrics are not written to {tmp_path}/none/metrics",
    ]
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == []


@pytest.mark.parametrize("name", ["thesis.txt", "pipe"])
def test_a_file_that_holds_something_else_is_left_alone(
    name: str, session: Session, publish: Callable[[], Metrics], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    os.mkfifo(tmp_path / "pipe")
    session.settings.set("metrics_file", str(tmp_path / name))
    publish()
    assert [record.message for record in caplog.records] == [
        f"metrics are not written to {tmp_path}/{name}: it holds something else"
    ]
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "pipe").is_fifo()


def test_whatever_is_wrong_with_figures_ends_no_scheduler(
    session: Session,
    publish: Callable[[], Metrics],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session.settings.set("metrics_file", str(tmp_path / "metrics"))
    with monkeypatch.context() as broken:
        broken.setattr(module, "loads", lambda _: 1 / 0)
        publish()
        publish()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["no metrics are published"]
    publish()
    assert (tmp_path / "metrics").exists()


def test_publishing_is_seldom(system: Session, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    session.settings.set("metrics_file", str(path))
    metrics = Metrics(system)
    metrics.publish()
    path.unlink()
    metrics.publish()
    assert not path.exists()


def test_no_name_can_break_the_format(system: Session) -> None:
    (load,) = loads(system)
    slug = 'a"} 7\n# EOF\nshoal_executions_waiting{environment="b\\'
    hostile = replace(load.environment, slug=slug)
    figures = Figures(1.0, [Load(hostile, waiting=3)], {}, 0, 0.0, 0.0, [0] * (len(module.TICK_BOUNDS) + 1), 0.0, {})
    for as_text, parse in ((False, parse_openmetrics), (True, parse_text)):
        found = _samples(exposition(figures, as_text=as_text).decode(), parse)
        assert found["shoal_executions_waiting", slug] == 3
        assert sum(key[0] == "shoal_executions_waiting" for key in found) == 1


@pytest.mark.parametrize("text", ["127.0.0.1:9465", "[::1]:1", "127.0.0.1:65535"])
def test_loopback_is_allowed(text: str) -> None:
    host, port = read_address(text)
    assert f"{port}" in text
    assert host in ("127.0.0.1", "::1")
    assert SETTINGS["metrics_address"].fits(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:9465",
        "[::]:9465",
        "192.168.1.5:80",
        "localhost:80",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:9465\n",
        "[::ffff:10.0.0.1]:80",
        "127.0.0.2:80",
        "::1:80",
        "127.0.0.1:٣",
        7,
        None,
        [],
    ],
)
def test_anything_else_is_refused(text: Any) -> None:
    assert not SETTINGS["metrics_address"].fits(text)


@pytest.mark.parametrize("path", ["metrics", "/a\nb", 7])
def test_a_file_has_an_absolute_path(path: Any) -> None:
    assert not SETTINGS["metrics_file"].fits(path)
