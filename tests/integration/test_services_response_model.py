"""Do three people who move one item in any order meet the same states and refusals as in a model of twenty lines?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.fakes import DATABASES, entry, opened_works, starter
from triage.domain.errors import AlreadyClaimed, NotPermitted, Refusal
from triage.domain.mentions import Disposition
from triage.services import response
from triage.services.response import Closing

LEASE = timedelta(minutes=15)
PEOPLE = st.integers(0, 2)
QUEUES = ("review", "press", "care")


@dataclass(frozen=True)
class Place:
    """Where the model's item stands."""

    state: str = "open"
    owner: int | None = None
    queue: str = "review"
    disposition: str | None = None
    until: Any = None


@dataclass
class Step:
    """A move that the model's trail holds."""

    actor: int | None
    before: Place
    undone: bool = False


@dataclass
class Model:
    """The item as its rules are written down in the reference, without a database."""

    place: Place = field(default_factory=Place)
    trail: list[Step] = field(default_factory=list)
    undos: int = 0

    def free_for(self, who: int, now: Any) -> bool:
        mine = self.place.owner == who or (self.place.until is not None and self.place.until <= now)
        return self.place.state == "open" or (self.place.state == "claimed" and mine)

    def refusal(self) -> type[Refusal]:
        return AlreadyClaimed if self.place.state == "claimed" else NotPermitted

    def move(self, who: int | None, after: Place) -> None:
        self.trail.append(Step(who, self.place))
        self.place = after

    def claim(self, who: int, now: Any) -> type[Refusal] | None:
        if self.place.state == "claimed" and self.place.owner == who:
            self.place = replace(self.place, until=now + LEASE)
        elif self.free_for(who, now):
            self.move(who, replace(self.place, state="claimed", owner=who, until=now + LEASE))
        else:
            return self.refusal()
        return None

    def release(self, who: int) -> type[Refusal] | None:
        if self.place.state == "open":
            return None
        if self.place.state != "claimed" or self.place.owner != who:
            return self.refusal()
        self.move(who, replace(self.place, state="open", owner=None, until=None))
        return None

    def close(self, who: int, disposition: str, now: Any) -> type[Refusal] | None:
        if (self.place.state, self.place.owner, self.place.disposition) == ("closed", who, disposition):
            return None
        if not self.free_for(who, now):
            return self.refusal()
        self.move(who, replace(self.place, state="closed", owner=who, until=None, disposition=disposition))
        return None

    def reassign(self, who: int, queue: str, now: Any) -> type[Refusal] | None:
        if (self.place.state, self.place.queue) == ("open", queue):
            return None
        if not self.free_for(who, now):
            return self.refusal()
        self.move(who, replace(self.place, state="open", owner=None, until=None, queue=queue))
        return None

    def undo(self, who: int, now: Any) -> type[Refusal] | None:
        standing = [step for step in self.trail if not step.undone]
        own = [step for step in standing if step.actor == who]
        if not own or own[-1] is not standing[-1]:
            return NotPermitted
        own[-1].undone = True
        self.undos += 1
        before = own[-1].before
        self.place = replace(before, until=now + LEASE) if before.owner == who and before.state == "claimed" else before
        return None

    def return_expired(self, now: Any) -> None:
        if self.place.state == "claimed" and self.place.until <= now:
            self.move(None, replace(self.place, state="open", owner=None, until=None))


def machine_on(works, items):
    """A state machine that plays with the next of `items`, by three new people each time."""

    class Moves(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.item = next(items)
            self.people = [works.person(name) for name in ("Ana", "Ben", "Eve")]
            self.model = Model()

        def check(self, expected: type[Refusal] | None, act: Any) -> None:
            if expected is None:
                act()
                return
            with pytest.raises(expected) as refused:
                act()
            if isinstance(refused.value, AlreadyClaimed):
                assert refused.value.owner == self.people[self.model.place.owner].name

        @rule(who=PEOPLE)
        def claim(self, who):
            expected = self.model.claim(who, works.clock.now)
            self.check(expected, lambda: response.claim(works.store, self.item, self.people[who]))

        @rule(who=PEOPLE)
        def release(self, who):
            expected = self.model.release(who)
            self.check(expected, lambda: response.release(works.store, self.item, self.people[who]))

        @rule(who=PEOPLE, disposition=st.sampled_from([Disposition.ANSWERED, Disposition.SPAM]))
        def close(self, who, disposition):
            expected = self.model.close(who, disposition, works.clock.now)
            self.check(
                expected, lambda: response.close(works.store, self.item, self.people[who], Closing(disposition, ""))
            )

        @rule(who=PEOPLE, queue=st.sampled_from(QUEUES))
        def reassign(self, who, queue):
            expected = self.model.reassign(who, queue, works.clock.now)
            act = lambda: response.reassign(works.store, self.item, self.people[who], queue, starter().process)  # noqa: E731
            self.check(expected, act)

        @rule(who=PEOPLE)
        def undo(self, who):
            expected = self.model.undo(who, works.clock.now)
            self.check(expected, lambda: response.undo(works.store, self.people[who]))

        @rule(minutes=st.sampled_from([1, 8, 16]))
        def time_passes(self, minutes):
            works.clock.wind(minutes=minutes)

        @rule()
        def sweep(self):
            self.model.return_expired(works.clock.now)
            response.return_expired_claims(works.store)

        @invariant()
        def the_item_stands_where_the_model_says(self):
            (row,) = works.rows(
                "SELECT state, owner_id, queue, CASE WHEN state = 'closed' THEN disposition END FROM item WHERE id = :id",
                id=self.item,
            )
            place = self.model.place
            owner = None if place.owner is None else self.people[place.owner].id
            assert tuple(row) == (
                place.state,
                owner,
                place.queue,
                place.disposition if place.state == "closed" else None,
            )

        @invariant()
        def i7_every_change_has_one_audit_row(self):
            actions = works.actions("item", self.item)
            assert len(actions) == 1 + len(self.model.trail) + self.model.undos

    return Moves


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def test_i6_i7_any_order_of_moves_by_three_people_ends_where_the_model_ends(works):
    works.tell(*(entry(number) for number in range(60)))
    items = iter(works.column("SELECT id FROM item ORDER BY id"))
    spare = itertools.chain(items, (works.item() for _ in itertools.count()))
    run_state_machine_as_test(
        machine_on(works, spare),
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
