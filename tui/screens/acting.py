"""What can be done with rows of a resource, the same on its list, its description and a screen of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ShoalError, UnavailableError
from core.resources.address import address
from tui.failures import explained
from tui.screens.screen import ConsoleScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.projects.service import Project
    from core.resources.resource import Action, Asking, Query, Resource


class Acting(ConsoleScreen):
    """The actions of a declaration, carried out on the rows that were chosen at the moment of the key."""

    resource: Resource[Any]

    @property
    def chosen_ids(self) -> Sequence[int]:
        """The ids of the rows that a key acts on."""
        raise NotImplementedError

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401 - a row of any resource
        """The row that a key acts on as it was last read, None where there is none."""
        raise NotImplementedError

    @property
    def shown_project(self) -> Project | None:
        """The project whose rows are shown, to which a new one is added; None for all."""
        return self.console.project

    def acted(self) -> None:
        """Take note that something was done with the chosen rows."""

    def refusal(self, action: str) -> str | None:
        """Return why a key cannot be used now."""
        if action.startswith("do("):
            return self._action_refusal(self._action(action.split("'")[1]))
        if action == "add":
            return self._adding_refusal()
        if action in ("edit", "describe", "json", "copy") and self.chosen_row is None:
            return "there is no row here"
        if action == "edit":
            return self._editing_refusal()
        return super().refusal(action)

    def _action(self, id_: str) -> Action[Any]:
        return next(each for each in self.resource.actions if each.id == id_)

    def _action_refusal(self, action: Action[Any]) -> str | None:
        row = self.chosen_row
        if row is None and action.requery is None:
            return "there is no row here"
        if reason := (self.write_refusal if action.changes else self.session.can)(action.permission):
            return reason
        if action.requery is not None:
            return None
        chosen = self.chosen_ids
        if not chosen:
            return "the marked rows are not among these: u unmarks them"
        if len(chosen) > 1:
            return None if action.many or action.address_of_many else f"{action.title} takes one row: unmark the others"
        is_of_cursor = chosen[0] == self.resource.key(row)
        return action.refuse(self.session, row) if action.refuse and is_of_cursor else None

    def _adding_refusal(self) -> str | None:
        form = self.resource.form
        if self.resource.adds:
            return self.write_refusal(self.resource.add_permission)
        if form is None or not form.can_add:
            return f"{self.resource.name} are not added by hand"
        return self.write_refusal(form.add_permission)

    def _editing_refusal(self) -> str | None:
        form = self.resource.form
        if form is None or not form.can_edit:
            return f"nothing of a {self.resource.singular} can be changed"
        return self.write_refusal(form.edit_permission)

    def action_do(self, id_: str) -> None:
        """Carry out an action of the declaration."""
        action = self._action(id_)
        if reason := self._action_refusal(action):
            self.console.warn(reason)
        elif action.requery is not None:
            self.turn(action.requery)
        else:
            self.work(self._do(action, [*self.chosen_ids]), group="ask")

    def turn(self, requery: Callable[[Query], Query]) -> None:
        """Show the same rows otherwise, where rows are listed."""

    async def _do(self, action: Action[Any], ids: Sequence[int]) -> None:
        # Read anew: what is asked and what is done is about the rows as they are, whatever was last painted.
        found = await self.read(self.resource.source.rows, self.session, ids)
        rows = [found[id_] for id_ in ids if id_ in found]
        if not rows:
            self.console.warn(f"the {self.resource.singular} is gone")
        elif action.address_of_many is not None and len(rows) > 1:
            self.console.go(action.address_of_many(rows))
        elif action.address is not None:
            self.console.go(action.address(rows[0]))
        else:
            await self._change(action, rows)

    async def _change(self, action: Action[Any], rows: Sequence[Any]) -> None:
        able = [row for row in rows if action.refuse is None or action.refuse(self.session, row) is None]
        if not able:
            reason = action.refuse(self.session, rows[0]) or "" if action.refuse else ""
            self.console.warn(f"none of the {len(rows)} marked rows: {reason}" if len(rows) > 1 else reason)
            return
        if action.asks is not None:
            answered = await self._answered(action.asks, able)
            if answered is None:
                return
            action = answered
        if action.consequence is not None:
            consequence = await self.read(action.consequence, self.session, able)
            if consequence is not None and not await self.console.decide(consequence):
                return
        self.finish(self.carry_out(action, able, left_alone=len(rows) - len(able)))

    async def _answered(self, asking: Asking[Any], rows: Sequence[Any]) -> Action[Any] | None:
        """Let one of the things be chosen that an action asks for; None where none was."""
        from tui.screens.choose_one import ChooseOne  # noqa: PLC0415 - opened when something is asked

        options = await self.read(asking.options, self.session, rows)
        if not options:
            self.console.warn(f"there is no other {asking.key}")
            return None
        chosen = await self.console.push_screen_wait(ChooseOne(asking.title, options))
        return None if chosen is None else asking.answered(options[chosen][0])

    async def carry_out(self, action: Action[Any], able: Sequence[Any], *, left_alone: int = 0) -> None:
        """Do it with one row after the other, and tell once what became of all."""
        done: list[str] = []
        failed: list[Exception] = []
        for number, row in enumerate(able, 1):
            try:
                done.append(await self._done(action, row, which=f"{number} of {len(able)}" if len(able) > 1 else ""))
            except Exception as error:  # noqa: BLE001 - how many are done is told, whatever stopped the rest
                failed.append(error)
                if isinstance(error, UnavailableError) or not isinstance(error, ShoalError):
                    break
        if failed:
            of_several = f" ({action.title}: {len(done)} of {len(able)} done)" if len(able) > 1 else ""
            self.console.warn(explained(failed[0]) + of_several)
            return
        left = f", {left_alone} left alone" if left_alone else ""
        self.console.tell((done[0] if len(done) == 1 else f"{action.title}: {len(done)} done") + left)
        if self.is_attached:
            self.acted()

    async def _done(self, action: Action[Any], row: Any, *, which: str) -> str:  # noqa: ANN401 - a row of any resource
        if action.run_slowly is not None:
            return await self.transfer(action.run_slowly, self.session, row, which=which)
        return "" if action.run is None else await self.act(action.run, self.session, row)

    def action_describe(self) -> None:
        """Show everything about the row."""
        self._go_to_row("describe")

    def action_json(self) -> None:
        """Show the row as JSON."""
        self._go_to_row("json")

    def _go_to_row(self, what: str) -> None:
        if reason := self.refusal(what):
            self.console.warn(reason)
            return
        self.console.go(address(what, self.resource.singular, id=str(self.resource.key(self.chosen_row))))

    def action_add(self) -> None:
        """Open what makes a new one."""
        if reason := self.refusal("add"):
            self.console.warn(reason)
        else:
            self.console.go(self._adding_address())

    def _adding_address(self) -> str:
        place = self.resource.adds or address("add", self.resource.singular)
        if not self.resource.scoped or self.shown_project == self.console.project:
            return place
        return f"{place} {address(project=self.shown_project.name if self.shown_project else '*')}"

    def action_edit(self) -> None:
        """Open the form of the row."""
        if reason := self.refusal("edit"):
            self.console.warn(reason)
        else:
            self.console.go(address("edit", self.resource.singular, id=str(self.resource.key(self.chosen_row))))

    def action_copy(self) -> None:
        """Copy what names the chosen rows."""
        self.work(self._copy([*self.chosen_ids]), group="copy")

    async def _copy(self, ids: Sequence[int]) -> None:
        found = await self.read(self.resource.source.rows, self.session, ids)
        self.console.copy("\n".join(self.resource.reference(found[id_]) for id_ in ids if id_ in found))
