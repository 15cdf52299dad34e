"""Everything about one execution, as somebody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.details import details
from core.resources.named_keys import with_keys, without_keys

if TYPE_CHECKING:
    from core.executions.execution import Execution
    from core.resources.resource import Pair
    from tests.enacted import Enacted


def facts(enacted: Enacted, execution: Execution) -> dict[str, Pair]:
    return {pair.label: pair for section in details(enacted.session, execution) for pair in section.pairs}


def test_a_failure_says_why_and_what_to_do(enacted: Enacted) -> None:
    told = facts(enacted, enacted.ends(enacted.start(enacted.create("train")), "error", "exit code 1"))
    assert told["status"].text == "✗ error — exit code 1"
    assert without_keys(told["next"].text).startswith("read its log, then run it again changed: with other code")
    keys = {"execution.log": "f7", "execution.change": "R"}
    assert with_keys(told["next"].text, keys.__getitem__).startswith(
        "read its log (f7), then run it again changed (R): with"
    )
    assert told["exit code"].text == "1"


def test_what_somebody_typed_names_no_keys(enacted: Enacted) -> None:
    execution = enacted.session.executions.set_title(enacted.create("train"), "{key:execution.log}")
    title, tags = (facts(enacted, execution)[name] for name in ("title", "tags"))
    assert not title.names_keys
    assert tags.names_keys


def test_what_waits_says_what_it_waits_for(enacted: Enacted) -> None:
    assert "the scheduler has not looked at it yet" in facts(enacted, enacted.create("train"))["status"].text


def test_inputs_lead_to_their_trace_and_the_code_can_be_looked_at(enacted: Enacted) -> None:
    made = enacted.keeps(enacted.create("train"), "model.npz", "x")
    user = enacted.create("evaluate", inputs={"model": [made]})
    told = facts(enacted, user)
    assert told["model/model.npz"].address == f"trace file={made.id}"
    assert made.sha256 in told["model/model.npz"].text
    assert told["ad-hoc code"].address == f"code execution={user.id}"
    assert told["environment"].address == "environment local"


def test_values_of_environment_variables_are_not_shown(enacted: Enacted) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(
        read_manifest(enacted.commit.yaml), "train", environment_variables={"TOKEN": "very-secret-value"}
    )
    execution = enacted.session.executions.create(enacted.project, enacted.commit, specification)
    assert "very-secret-value" not in repr(details(enacted.session, execution))
    assert facts(enacted, execution)["TOKEN"].text == "(set)"


def test_a_copy_leads_to_what_it_copies(enacted: Enacted) -> None:
    first = enacted.create("train")
    again = enacted.session.executions.copy(first)
    assert facts(enacted, again)["runs again"].address == f"execution id={first.id}"


def test_parameters_and_command_are_as_they_run(enacted: Enacted) -> None:
    execution = enacted.create("train", parameters={"epochs": "7"})
    sections = {section.title: section for section in details(enacted.session, execution)}
    assert [pair.text for pair in sections["Command"].pairs] == execution.command
    parameters = {pair.label: pair.text for pair in sections["Parameters"].pairs}
    assert parameters == {"epochs": "7", "learning_rate": "0.05", "activation": "tanh"}
