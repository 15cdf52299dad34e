"""The screen of one execution: its panes, what changes while it is shown, and what is edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.story import story

if TYPE_CHECKING:
    from tests.enacted import Enacted


async def test_details_lead_to_the_code_and_back(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.sees("✓ complete", "learning_rate", "python train.py", "~").on_row("ad-hoc code").presses("enter")
        await person.sees("1 files", "valohai.yaml").on_row("valohai.yaml").presses("enter").sees("name: preprocess")
        await person.presses("escape", "escape").sees("execution 2 details")


async def test_panes_are_reached_by_number_and_by_tab(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.presses("2").sees("execution 2 logs", "done")
        await person.presses("tab").sees("execution 2 metadata", "accuracy", "loss")
        await person.presses("4").sees("execution 2 outputs", "model.npz")
        await person.presses("5").sees("execution 2 events", "created: by", "started: on", "complete")
        await person.presses("tab").sees("execution 2 details")
        await person.presses("shift+tab").sees("execution 2 events")


async def test_an_output_is_described_and_traced(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 1 outputs") as person:
        await person.on_row("train.npz").presses("enter").sees("sha256", "Used by").presses("escape")
        await person.on_row("test.npz").presses("t").sees("trace", "penguins.csv", "evaluate")


async def test_what_happens_is_seen(finished: Enacted) -> None:
    execution = finished.create("train")
    async with story(finished.session, project=finished.project, address=f"execution {execution.counter}") as person:
        await person.sees("the scheduler has not looked at it yet", "◌ created")
        finished.start(execution)
        await person.sees("▶ started")
        finished.prints(execution, [b"hello from the container"])
        await person.presses("l").sees("hello from the container")
        finished.prints(execution, [b"and again"])
        await person.sees("and again").presses("1")
        finished.ends(execution, "error", "exit code 1")
        await person.sees("✗ error — exit code 1", "run it again changed (R)")


async def test_title_and_tags_are_changed_in_place(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.presses("e").types("The one").presses("enter").sees("title kept", "The one")
        await person.presses("#").types(", good").presses("enter").sees("demo, good")
        await person.presses("e").types(" not").presses("escape").does_not_see("The one not")
    execution = finished.session.executions.get(finished.project, 2)
    assert (execution.title, execution.tags) == ("The one", ("demo", "good"))


async def test_a_wrong_tag_is_said_and_nothing_is_lost(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.presses("#").pastes("x" * 130).presses("enter").sees("printable text of 1 to 128 characters")
    assert finished.session.executions.get(finished.project, 2).tags == ("demo",)


async def test_it_runs_again_and_is_stopped_after_a_question(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.presses("r").sees("#2 runs again as #4").goes("execution 4").sees("runs again")
        await person.presses("X").sees("Stop #4?").presses("n").sees("◌ created").presses("X", "y").sees("■ stopped")


async def test_executions_that_are_marked_are_drawn_together(finished: Enacted) -> None:
    finished.all_of("train")
    async with story(finished.session, size=(120, 40), project=finished.project) as person:
        await person.on_row("#4").presses("space").on_row("#2").presses("space", "P")
        await person.sees("execution 4 metadata", "#2", "#4", "loss")


async def test_an_execution_of_another_project_names_it(finished: Enacted) -> None:
    other = finished.session.projects.create("another")
    async with story(finished.session, project=other) as person:
        await person.goes("execution 2 project=penguins").sees("execution 2 details project=penguins", "✓ complete")


async def test_one_that_is_not_there_is_said(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.goes("execution 99").sees("no execution #99").goes("execution x").sees("no execution's number")
        await person.goes("execution 2 nonsense").sees("no pane 'nonsense'")


async def test_a_file_is_looked_at_and_its_page_has_the_keys_of_the_list(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="files") as person:
        await person.on_row("model.npz").presses("o").sees("train model.npz", "model.npz · 15 B").presses("escape")
        await person.on_row("model.npz").presses("enter").sees("Used by", "o Open", "t Trace", "D Download")
        await person.presses("t").sees("trace", "↑ came from")
