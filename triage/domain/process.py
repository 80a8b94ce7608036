"""What has the organisation declared about how it answers? The response process as plain values.

Nothing here reads a file: `config.process` turns YAML into a `Process` and refuses what does not hold together, so code
that receives a `Process` may rely on every name in it being known. Durations are whole seconds; an unset target is None
("not measured"). Meaning of the parts: the response process reference (§2 categories, §3 levels, §4 alerts, §5 SCCT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.domain.calendars import Calendar

KNOWN_FLAGS: Final = frozenset(
    {
        # danger
        *("threat_violence", "self_harm", "injury", "recall", "contamination", "fire"),
        *("data_breach", "account_takeover", "impersonation"),
        *("regulator", "lawsuit", "discrimination", "fraud_claim"),
        *("employee_misconduct", "confidential_leak"),
        *("ngo_campaign", "boycott_call", "coordinated"),
        # daily work
        *("question", "press_request", "complaint", "failure_words", "abuse", "satire", "known_myth", "disputed_fact"),
        # noise
        *("spam", "job_ad"),
    }
)
"""Every flag that the product can set on a mention; a process file may use these and no others."""

KNOWN_AUTHOR_KINDS: Final = frozenset(
    {"journalist", "known_troll", "influencer", "vip", "regulator", "employee", "customer"}
)
KNOWN_SOURCE_KINDS: Final = frozenset(
    {"news", "blog", "social", "forum", "review", "video", "podcast", "press_release", "other"}
)
KNOWN_SOURCE_TIERS: Final = (1, 2, 3, 4, 5)
"""1 = national or trade outlets that others quote; larger numbers weigh less."""

DEFAULT_SOURCE_KIND: Final = "blog"

LEVELS: Final = ("normal", "watch", "elevated", "crisis", "severe")
"""The live severity ladder, lowest first (§3)."""

UNKNOWN_SITE_CAP: Final = "watch"
"""A site never seen before cannot raise above this level until it is confirmed (§2, semantics 3)."""

DEFAULT_RAISE_RELEVANCE: Final = 0.3
"""Below this relevance a mention raises nothing, unless its category says otherwise (§2, semantics 3)."""

REQUIRED_THRESHOLDS: Final = ("negative", "very_negative", "positive", "influencer_reach", "vip_reach", "spread")

LEVEL_MEASURES: Final = (
    "neg_tail_p",
    "negative_share_jump_points",
    "neg_ratio_to_baseline",
    "reach_sum_negative_1h",
    "tier1_outlets_negative_24h",
)
"""What a crisis level may measure. `neg_tail_p` is a probability: it is on when small, off when large."""

SCCT_CLUSTERS: Final = ("victim", "accidental", "preventable")
"""Coombs' crisis clusters, weakest responsibility first; "one cluster up" is one to the right (§5)."""

SCCT_POSTURES: Final[Mapping[str, str]] = {
    "inform": "base",
    "adjust": "base",
    "victimage": "bolster",
    "reminder": "bolster",
    "ingratiation": "bolster",
    "deny": "deny",
    "excuse": "diminish",
    "justification": "diminish",
    "compensation": "rebuild",
    "apology": "rebuild",
}
"""The posture each SCCT response belongs to; `never_mix` speaks of postures."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision table reads about one mention.

    `sentiment` is -1..1, or None when the language was not scored (never 0 instead). `reach` counts people, 0 when
    unknown. `relevance` is 0..1. `source_known` is False for a site never seen before.
    """

    flags: frozenset[str]
    sentiment: float | None
    reach: int = 0
    relevance: float = 1.0
    author_kinds: frozenset[str] = frozenset()
    source_kind: str = DEFAULT_SOURCE_KIND
    source_tier: int | None = None
    source_hostile: bool = False
    source_known: bool = True


@dataclass(frozen=True, slots=True)
class Bound:
    """A number in a condition; `name` is its threshold's name, empty when the file states the number itself."""

    value: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """All parts must hold; a tuple holds when any of its members does; an empty or None part is not asked.

    `*_below` is strict, `*_at_least` is inclusive. A mention that was not scored counts as below, never as at least.
    """

    flags: tuple[str, ...] = ()
    not_flags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    source_kinds: tuple[str, ...] = ()
    source_tiers: tuple[int, ...] = ()
    source_hostile: bool | None = None
    sentiment_below: Bound | None = None
    sentiment_at_least: Bound | None = None
    reach_at_least: Bound | None = None
    relevance_below: Bound | None = None

    @property
    def is_empty(self) -> bool:
        """True when the condition asks nothing, so that every mention meets it."""
        return self == Condition()


@dataclass(frozen=True, slots=True)
class Targets:
    """Working seconds on the queue's calendar until first human claim, first human answer, and closing."""

    ack_seconds: int | None = None
    respond_seconds: int | None = None
    close_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A pile of mentions with an owner.

    The lowest `rank` is worked first. With `awaiting_action` False nothing is counted as waiting, and an ack target is
    a review-by time. `sample_for_review` is the share (0..1) shown to a person all the same; None days = keep.
    """

    name: str
    rank: int
    owner: str
    calendar: str
    awaiting_action: bool = True
    sample_for_review: float = 0.0
    keep_days: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """One row of the decision table; it takes a mention when any of `when` holds and no earlier row took it.

    `needs_approval` is the role that clears outgoing text. `raises` is the lowest level that one such story opens;
    `raises_at_any_relevance` lifts the relevance floor, as for a threat to life.
    """

    id: str
    when: tuple[Condition, ...]
    queue: str
    roles: tuple[str, ...]
    actions: tuple[str, ...]
    sla: Targets
    needs_approval: str | None = None
    public_reply: bool = True
    raises: str | None = None
    raises_at_any_relevance: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """A level condition with hysteresis: on at `on` with at least `min_count` stories, off beyond `off`."""

    measure: str
    on: float
    off: float
    min_count: int = 0

    @property
    def on_when_small(self) -> bool:
        """True when the alarm starts as the value falls: a probability."""
        return self.on < self.off


@dataclass(frozen=True, slots=True)
class StoriesOf:
    """A level condition: at least `at_least` open stories in any of the categories."""

    categories: tuple[str, ...]
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class DeclaredBy:
    """A level condition: a person in one of these roles said so."""

    roles: tuple[str, ...]


LevelCondition = Measured | StoriesOf | DeclaredBy


@dataclass(frozen=True, slots=True)
class CrisisLevel:
    """One rung of the ladder; it is open while any condition holds.

    `activates` names a plan, which starts only after a person confirms.
    """

    name: str
    conditions: tuple[LevelCondition, ...] = ()
    notify: tuple[str, ...] = ()
    ack_within_seconds: int | None = None
    reraise_after_ack_seconds: int | None = None
    activates: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """How alerts are grouped, delayed, repeated and capped."""

    group_by: tuple[str, ...]
    group_wait_seconds: int
    group_interval_seconds: int
    repeat_interval_seconds: int
    keep_firing_seconds: int
    max_pages_per_person_per_hour: int


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Page the role `to`, then wait before the next step."""

    to: str
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Steps in order, then `repeat` further rounds, then `if_nobody_to` and, with `banner`, a banner on every page."""

    name: str
    steps: tuple[EscalationStep, ...]
    repeat: int
    skip_empty_step: bool
    if_nobody_to: str
    banner: bool


@dataclass(frozen=True, slots=True)
class ScctCluster:
    """Crisis types of one degree of responsibility and the responses that fit (Coombs 2007)."""

    name: str
    types: tuple[str, ...]
    responsibility: str
    base: tuple[str, ...]
    then: tuple[str, ...]
    deny_ok_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scct:
    """The adviser's table; advice for a person, never chosen automatically."""

    clusters: tuple[ScctCluster, ...]
    up_if_crisis_history: bool
    up_if_negative_prior_reputation: bool
    never_mix: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GoldenTest:
    """An example that the file must route as stated. `raises` is asked only when `checks_raise`."""

    given: Facts
    category: str
    checks_raise: bool = False
    raises: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One validated process file. `digest` identifies the text; `version` is the organisation's own number for it."""

    version: int
    digest: str
    roles: Mapping[str, str]
    calendars: Mapping[str, Calendar]
    queues: Mapping[str, Queue]
    thresholds: Mapping[str, float]
    actions: tuple[str, ...]
    categories: tuple[Category, ...]
    crisis_levels: Mapping[str, CrisisLevel]
    notification: Notification
    escalation: Mapping[str, EscalationPolicy]
    scct: Scct
    outcome_levels: Mapping[int, str]
    crisis_causes: tuple[str, ...]
    response_considerations: tuple[str, ...]
    tests: tuple[GoldenTest, ...]

    @property
    def version_label(self) -> str:
        """Short name for stored decisions: the file's own number and the start of its digest, as `3-9f2c41ab07de`."""
        return f"{self.version}-{self.digest[:12]}"

    @property
    def raise_relevance(self) -> float:
        """The relevance below which a mention raises nothing."""
        return self.thresholds.get("relevance", DEFAULT_RAISE_RELEVANCE)

    def calendar_of(self, queue: str) -> Calendar:
        """Return the calendar on which the queue's targets run; KeyError for a queue that does not exist."""
        return self.calendars[self.queues[queue].calendar]
