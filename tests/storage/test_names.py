from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.storage.names import COMPONENT_BYTES, NAME_BYTES, printable_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("model.npz", "model.npz"),
        ("2024-11-25/foo bar.txt", "2024-11-25/foo bar.txt"),
        ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
        ("/etc//passwd/", "etc/passwd"),
        ("a\x1b[31mb\nc", "a%1B[31mb%0Ac"),
        (os.fsdecode(b"caf\xe9"), "caf%E9"),
        ("\u202egpj.exe", "%E2%80%AEgpj.exe"),
        ("ä/ö.txt", "ä/ö.txt"),
        ("", "unnamed"),
        (".", "%2E"),
        (".hidden", ".hidden"),
    ],
)
def test_a_name_is_shown(given_name: str, shown: str) -> None:
    assert printable_name(given_name) == shown


def test_what_is_too_long_is_cut_and_stays_different() -> None:
    one, other = printable_name("x" * 300 + "1.csv"), printable_name("x" * 300 + "2.csv")
    assert one != other
    assert one.endswith(".csv")


@given(st.text(st.characters(exclude_categories=()), max_size=400))
def test_every_name_is_safe(name: str) -> None:
    shown = printable_name(name)
    assert shown.isprintable()
    assert len(shown.encode()) <= NAME_BYTES + COMPONENT_BYTES
    for part in shown.split("/"):
        assert part not in ("", ".", "..")
        assert len(part.encode()) <= COMPONENT_BYTES


@given(st.text(max_size=100))
def test_a_shown_name_is_shown_as_it_is(name: str) -> None:
    assert printable_name(printable_name(name)) == printable_name(name)
