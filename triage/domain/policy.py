"""May this person send this text on this channel? The participation policy as plain values, and its check of a draft.

Nothing here reads a file: `config.process.policy` turns YAML into a `Policy` and refuses what does not hold together.
Everybody may draft. A draft may be sent when the policy has no finding: nothing confidential in it, nothing sensitive
that is not theirs to answer, the disclosure line in place, the policy acknowledged and the training current. Source of
the rules: response process reference §6, requirement R1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from triage.domain.process import KNOWN_SOURCE_KINDS
from triage.domain.queries import Document, find
from triage.domain.text import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from triage.domain.queries import Query, Span

DEFAULT_CHANNEL: Final = "default"
KNOWN_CHANNELS: Final = frozenset({DEFAULT_CHANNEL, "mastodon", "bluesky", "email", *KNOWN_SOURCE_KINDS})
"""Where an answer can be given; a channel without its own line uses that of `default`."""


@dataclass(frozen=True, slots=True)
class ConfidentialTopic:
    """What must not leave; any of `terms` in a draft stops it, and only `approver` may let it pass, with a reason."""

    name: str
    what: str
    terms: tuple[Query, ...]
    approver: str


@dataclass(frozen=True, slots=True)
class SensitiveTopic:
    """What only some may answer: `owner` takes it, `responders` may write, `approver` clears (None = nobody need)."""

    name: str
    what: str
    terms: tuple[Query, ...]
    owner: str
    responders: tuple[str, ...]
    approver: str | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """A course that a person must have done; no `valid_for_seconds` = once is enough, no `roles` = everybody."""

    module: str
    what: str
    valid_for_seconds: int | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One validated participation policy. `version` is what people acknowledge; `digest` identifies the text.

    `disclosure` maps a channel to its line, None where none is needed; `default` is always there. An acknowledgement
    holds for `acknowledged_for_seconds`, None = until the next version.
    """

    version: int
    digest: str
    statement: str
    confidential: tuple[ConfidentialTopic, ...]
    sensitive: tuple[SensitiveTopic, ...]
    disclosure: Mapping[str, str | None]
    acknowledged_for_seconds: int | None
    training: tuple[Training, ...]

    @property
    def version_label(self) -> str:
        """Short name for stored decisions: the file's own number and the start of its digest."""
        return f"{self.version}-{self.digest[:12]}"

    @property
    def topics(self) -> tuple[ConfidentialTopic | SensitiveTopic, ...]:
        """All topics, the confidential ones first."""
        return (*self.confidential, *self.sensitive)

    def disclosure_on(self, channel: str) -> str | None:
        """Return the line that an answer on this channel must hold, None when it needs none."""
        return self.disclosure.get(channel, self.disclosure[DEFAULT_CHANNEL])


@dataclass(frozen=True, slots=True)
class Person:
    """What the policy asks about who writes: roles, policy versions acknowledged and courses done, each with its time.

    The times are aware UTC.
    """

    roles: frozenset[str]
    acknowledged: Mapping[int, datetime] = field(default_factory=dict)
    trained: Mapping[str, datetime] = field(default_factory=dict)


class Effect(StrEnum):
    """What a finding does to a draft."""

    BLOCK = "block"  # may not leave; the approver may let it pass with a reason
    ROUTE = "route"  # somebody else answers this: hand it to the owner
    APPROVE = "approve"  # the approver clears it first
    ADD = "add"  # the line in `add` is missing
    DRAFT_ONLY = "draft_only"  # this person may draft, not send


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a draft may not be sent as it is: which rule, why, and the way on.

    `subject` is the topic, channel, course or policy version. `roles` are those who can lift it: the approver of a
    block or of an approval, the owner and then the responders of a route. `spans` are the places in the draft.
    """

    effect: Effect
    subject: str
    sentence: str
    fix: str
    roles: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    add: str = ""


def check_draft(policy: Policy, text: str, channel: str, person: Person, now: datetime) -> tuple[Finding, ...]:
    """Return every reason why this draft may not be sent as it is; nothing = it may."""
    draft = Document("", text)
    return (
        *_confidential(policy.confidential, draft, text),
        *_sensitive(policy.sensitive, draft, text, person.roles),
        *_disclosed(policy.disclosure_on(channel), channel, draft),
        *_acknowledged(policy, person, now),
        *_trained(policy.training, person, now),
    )


def topics_in(policy: Policy, document: Document) -> tuple[str, ...]:
    """Return the names of the confidential and then the sensitive topics that a text touches."""
    return tuple(topic.name for topic in policy.topics if _spans(topic.terms, document))


def sensitive_topics_in(policy: Policy, document: Document) -> tuple[SensitiveTopic, ...]:
    """Return the sensitive topics that a mention touches, in the order of the file: the first owner takes it."""
    return tuple(topic for topic in policy.sensitive if _spans(topic.terms, document))


def _spans(terms: Sequence[Query], document: Document) -> tuple[Span, ...]:
    """Return where any of the terms stand, by offset; nothing when none does."""
    matches = (find(term, document) for term in terms)
    found = {span for match in matches if match is not None for span in match.spans}
    return tuple(sorted(found, key=lambda span: (span.field == "body", span.start, span.end)))


def _confidential(topics: Sequence[ConfidentialTopic], draft: Document, text: str) -> Iterator[Finding]:
    for topic in topics:
        spans = _spans(topic.terms, draft)
        if spans:
            yield Finding(
                Effect.BLOCK,
                topic.name,
                f"{_quoted(text, spans)} is about something confidential: {topic.what}",
                f"Take it out. Only {topic.approver} may let it pass, with a reason.",
                roles=(topic.approver,),
                spans=spans,
            )


def _sensitive(
    topics: Sequence[SensitiveTopic], draft: Document, text: str, roles: frozenset[str]
) -> Iterator[Finding]:
    for topic in topics:
        spans = _spans(topic.terms, draft)
        if not spans:
            continue
        sentence = f"{_quoted(text, spans)} is about something sensitive: {topic.what}"
        if roles.isdisjoint(topic.responders):
            others = tuple(role for role in topic.responders if role != topic.owner)
            fix = f"Hand it to {topic.owner}. It may be answered by {_either(topic.responders)}."
            yield Finding(Effect.ROUTE, topic.name, sentence, fix, roles=(topic.owner, *others), spans=spans)
        elif topic.approver is not None:
            fix = f"Ask {topic.approver} to clear the text."
            yield Finding(Effect.APPROVE, topic.name, sentence, fix, roles=(topic.approver,), spans=spans)


def _disclosed(line: str | None, channel: str, draft: Document) -> Iterator[Finding]:
    """Compare by words, so that capitals, accents and the signs between words do not matter."""
    if line is None or any(part.text.has(" ".join(split_words(line))) for part in draft.fields):
        return
    sentence = f"The text does not say who is speaking, as an answer on {channel} must."
    yield Finding(Effect.ADD, channel, sentence, f"Add: {line}", add=line)


def _acknowledged(policy: Policy, person: Person, now: datetime) -> Iterator[Finding]:
    at = person.acknowledged.get(policy.version)
    if _is_current(at, policy.acknowledged_for_seconds, now):
        return
    if at is not None and at <= now:
        why = f"You acknowledged the participation policy on {at:%Y-%m-%d}, which is too long ago."
    elif person.acknowledged:
        why = f"The participation policy has a new version, {policy.version}, which you have not acknowledged."
    else:
        why = "You have not acknowledged the participation policy."
    yield Finding(Effect.DRAFT_ONLY, str(policy.version), why, "Read it and acknowledge it; until then, others send.")


def _trained(courses: Sequence[Training], person: Person, now: datetime) -> Iterator[Finding]:
    for course in courses:
        at = person.trained.get(course.module)
        asked = not course.roles or not person.roles.isdisjoint(course.roles)
        if not asked or _is_current(at, course.valid_for_seconds, now):
            continue
        has = f"has run out: it was done on {at:%Y-%m-%d}" if at and at <= now else "has not been done"
        fix = f"Do the training ({course.what}); until then, others send."
        yield Finding(Effect.DRAFT_ONLY, course.module, f"Your training {course.module} {has}.", fix)


def _is_current(at: datetime | None, valid_for_seconds: int | None, now: datetime) -> bool:
    """Say whether something done at this time still counts; its last second counts, and the future does not."""
    if at is None or at > now:
        return False
    return valid_for_seconds is None or now - at <= timedelta(seconds=valid_for_seconds)


def _quoted(text: str, spans: Sequence[Span]) -> str:
    """Return the words as the draft has them, each once, the first three."""
    words: dict[str, str] = {}
    for span in spans:
        word = text[span.start : span.end]
        words.setdefault(word.casefold(), word)
    terms = list(words.values())
    shown = [f"“{term}”" for term in terms[:3]]
    return " and ".join(shown) + (f" and {len(terms) - 3} more" if len(terms) > 3 else "")  # noqa: PLR2004 - shown above


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
