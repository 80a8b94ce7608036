"""How is a difference between two response processes told? One sentence per field, in one table per kind of thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from triage.domain.process_words import chain, hours, listed, span

if TYPE_CHECKING:
    from collections.abc import Callable


class ChangeKind(StrEnum):
    """What sort of thing changed; pages group by it."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CONDITION = "condition"
    QUEUE = "queue"
    TARGET = "target"
    ROLES = "roles"
    ACTIONS = "actions"
    APPROVAL = "approval"
    RAISES = "raises"
    THRESHOLD = "threshold"
    HOURS = "hours"
    ALERTING = "alerting"
    ADVICE = "advice"
    WORDING = "wording"
    EXAMPLES = "examples"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a full sentence, its kind, and what it is about (`category question`, `queue care`)."""

    sentence: str
    kind: ChangeKind
    subject: str


@dataclass(frozen=True, slots=True)
class Line:
    """How one field is told: `said` holds {name}, {new} and {old}, or {change} for a list.

    `word` makes text of a value.
    """

    field: str
    kind: ChangeKind
    said: str
    word: Callable[..., str] = str

    def told(self, name: str, old: object, new: object) -> str:
        """Return the sentence about a value that changed."""
        if "{change}" in self.said:
            return self.said.format(name=name, change=_came_and_went(old, new))
        return self.said.format(name=name, new=self.word(new), old=self.word(old))


def _came_and_went(old: object, new: object) -> str:
    """Return what two lists of names do not share, or the new order of those that they do."""
    before, after = (list(names) if isinstance(names, tuple) else [] for names in (old, new))
    came = [name for name in after if name not in before]
    went = [name for name in before if name not in after]
    said = [
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {what}"
        for names, what in ((came, "new"), (went, "gone"))
        if names
    ]
    return "; ".join(said) or f"the order is {listed(after)}"


def _or_none(value: object) -> str:
    return "nobody" if value is None else str(value)


def _yes(said: str, otherwise: str) -> Callable[[bool], str]:
    return lambda value: said if value else otherwise


def _days(value: int | None) -> str:
    return "as long as everything" if value is None else f"{value:,} days"


FILE: Final = (
    Line("version", ChangeKind.VERSION, "Version {new} instead of {old}."),
    Line("actions", ChangeKind.ACTIONS, "Actions that a queue may offer: {change}."),
    Line("response_considerations", ChangeKind.ADVICE, "The list above the reply box: {change}."),
    Line("crisis_causes", ChangeKind.WORDING, "Causes of a crisis: {change}."),
)
CATEGORY: Final = (
    Line("queue", ChangeKind.QUEUE, 'Category "{name}" goes to queue {new} instead of {old}.'),
    Line("roles", ChangeKind.ROLES, 'Roles for category "{name}": {change}.'),
    Line("actions", ChangeKind.ACTIONS, 'Actions for category "{name}": {change}.'),
    Line("needs_approval", ChangeKind.APPROVAL, 'Text for "{name}" is cleared by {new} instead of {old}.', _or_none),
    Line(
        "public_reply",
        ChangeKind.APPROVAL,
        '"{name}" is {new}; before it was {old}.',
        _yes("answered in public", "not answered in public"),
    ),
    Line(
        "raises",
        ChangeKind.RAISES,
        'Category "{name}" raises {new} instead of {old}.',
        lambda level: level or "nothing",
    ),
    Line(
        "raises_at_any_relevance",
        ChangeKind.RAISES,
        'Category "{name}" raises {new}; before: {old}.',
        _yes("at any relevance", "only from the relevance threshold on"),
    ),
)
QUEUE: Final = (
    Line("owner", ChangeKind.ROLES, 'Queue "{name}" is owned by {new} instead of {old}.'),
    Line("calendar", ChangeKind.HOURS, 'The targets of queue "{name}" run on calendar {new} instead of {old}.'),
    Line(
        "awaiting_action",
        ChangeKind.QUEUE,
        'Mentions in queue "{name}" {new}; before they {old}.',
        _yes("wait for an answer", "wait for nothing"),
    ),
    Line(
        "sample_for_review",
        ChangeKind.QUEUE,
        'Of queue "{name}" {new} is shown to a person instead of {old}.',
        "{:.3%}".format,
    ),
    Line("keep_days", ChangeKind.QUEUE, 'Mentions in queue "{name}" are kept {new} instead of {old}.', _days),
)
CALENDAR: Final = (
    Line("zone", ChangeKind.HOURS, 'Calendar "{name}" runs on {new} instead of {old}.'),
    Line("week", ChangeKind.HOURS, 'Calendar "{name}" is open {new} instead of {old}.', hours),
)
LEVEL: Final = (
    Line("notify", ChangeKind.ROLES, 'Told by level "{name}": {change}.'),
    Line(
        "ack_within_seconds",
        ChangeKind.TARGET,
        'Level "{name}" is to be acknowledged within {new} instead of {old}.',
        span,
    ),
    Line(
        "reraise_after_ack_seconds",
        ChangeKind.TARGET,
        'Level "{name}" pages again {new} after an acknowledgement instead of {old}.',
        span,
    ),
    Line(
        "activates",
        ChangeKind.ALERTING,
        'Level "{name}" starts the plan {new} instead of {old}.',
        lambda plan: plan or "none",
    ),
)
NOTIFICATION: Final = (
    Line("group_by", ChangeKind.ALERTING, "One notice is sent per {new} instead of per {old}.", listed),
    Line("group_wait_seconds", ChangeKind.ALERTING, "The first notice waits {new} instead of {old}.", span),
    Line("group_interval_seconds", ChangeKind.ALERTING, "Notices of a group are {new} apart instead of {old}.", span),
    Line("repeat_interval_seconds", ChangeKind.ALERTING, "A notice is repeated after {new} instead of {old}.", span),
    Line("keep_firing_seconds", ChangeKind.ALERTING, "An alarm ends after {new} of quiet instead of {old}.", span),
    Line(
        "max_pages_per_person_per_hour",
        ChangeKind.ALERTING,
        "A person gets at most {new} pages an hour instead of {old}.",
    ),
)
ESCALATION: Final = (
    Line("steps", ChangeKind.ALERTING, 'Escalation "{name}" pages {new}; before: {old}.', chain),
    Line("repeat", ChangeKind.ALERTING, 'Escalation "{name}" repeats {new} times instead of {old}.'),
    Line(
        "skip_empty_step",
        ChangeKind.ALERTING,
        'Escalation "{name}" {new} a step whose role nobody holds; before it {old} it.',
        _yes("skips", "waits at"),
    ),
    Line(
        "if_nobody_to", ChangeKind.ALERTING, 'When nobody answers escalation "{name}", it tells {new} instead of {old}.'
    ),
    Line(
        "banner",
        ChangeKind.ALERTING,
        'When nobody answers escalation "{name}", there is {new} on every page; before: {old}.',
        _yes("a banner", "no banner"),
    ),
)
CLUSTER: Final = (
    Line("types", ChangeKind.ADVICE, 'Crisis types in cluster "{name}": {change}.'),
    Line("responsibility", ChangeKind.ADVICE, 'Responsibility in cluster "{name}" is {new} instead of {old}.'),
    Line("base", ChangeKind.ADVICE, 'Advised first in cluster "{name}": {change}.'),
    Line("then", ChangeKind.ADVICE, 'Advised next in cluster "{name}": {change}.'),
    Line("deny_ok_for", ChangeKind.ADVICE, 'Types of cluster "{name}" that may be denied: {change}.'),
)
SCCT: Final = (
    Line(
        "up_if_crisis_history",
        ChangeKind.ADVICE,
        "A similar crisis before {new}; before it {old}.",
        _yes("moves one cluster up", "moves nothing"),
    ),
    Line(
        "up_if_negative_prior_reputation",
        ChangeKind.ADVICE,
        "A bad name before {new}; before it {old}.",
        _yes("moves one cluster up", "moves nothing"),
    ),
    Line(
        "never_mix",
        ChangeKind.ADVICE,
        "Never mixed are {new}; before: {old}.",
        lambda pairs: listed(" with ".join(pair) for pair in pairs),
    ),
)
