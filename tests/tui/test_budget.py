"""What the console may cost, in bytes, counts and CPU seconds: these are the same on every machine, times are not."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.tui.opened import opened

if TYPE_CHECKING:
    from tests.enacted import Enacted

HEAVY = (
    "docker",
    "httpx",
    "requests",
    "valohai_yaml",
    "jsonschema",
    "yaml",
    "sqlite_utils",
    "pip",
    "numpy",
    "boto3",
    "cryptography",
    "keyring",
)
IMPORTED = """
import json, sys
import cli.console, cli.opened, tui.app, tui.screens.resource_list, core.resources.executions
print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))
"""


def test_an_idle_console_sends_nothing(finished: Enacted) -> None:
    with finished.session.write("execution.edit") as connection:  # ages that do not move with the seconds
        connection.execute("UPDATE executions SET created_at = created_at - 9000")
    with opened(finished.session.home, columns=120, rows=40) as terminal:
        terminal.wait_for("preprocess", "live")
        terminal.settle(1.5)
        cost = terminal.watch(3.0)
    assert cost.bytes == 0
    assert cost.cpu_share < 0.03, "some things are done over and over although nothing happens"


def test_a_cursor_key_a_page_and_another_screen(finished: Enacted) -> None:
    for _ in range(40):
        finished.create("train")
    with opened(finished.session.home, "--read-only", columns=120, rows=40) as terminal:
        terminal.wait_for("train", "live")
        terminal.settle(1.0)
        cursor = [terminal.answer_to(key).bytes for key in ["down"] * 5]
        page = [terminal.answer_to(key).bytes for key in ["pagedown", "pageup"]]
        screen = [terminal.answer_to(key, quiet=0.3).bytes for key in ["enter", "escape"]]
    assert 0 < statistics.median(cursor) <= 1_200
    assert statistics.median(page) <= 20_000
    assert statistics.median(screen) <= 20_000


def test_a_live_queue(finished: Enacted) -> None:
    executions = [finished.create("train") for _ in range(30)]
    stop = threading.Event()

    def change() -> None:
        for number in range(1_000):
            if stop.wait(0.1):
                return
            finished.session.executions.set_title(executions[number % 30], f"e{number}")

    writer = threading.Thread(target=change)
    with opened(finished.session.home, "--read-only", columns=120, rows=40) as terminal:
        terminal.wait_for("train", "live")
        writer.start()
        terminal.wait_for("(e9)")
        cost = terminal.watch(2.5)
        stop.set()
        writer.join()
    assert 0 < cost.bytes_per_second <= 3_500


def test_it_is_there_at_once(finished: Enacted) -> None:
    cpu, sizes = [], []
    for _ in range(2):
        with opened(finished.session.home) as terminal:
            terminal.wait_for("preprocess")
            cpu.append(terminal.cpu_seconds())
            sizes.append(terminal.memory())
    assert min(cpu) < 1.5, "three times what it takes"
    assert min(sizes) < 80


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    printed = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True).stdout
    assert not set(json.loads(printed)) & set(HEAVY)
