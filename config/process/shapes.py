"""Which keys may a process file hold, and what does each hold?

One table that the reader enforces, the schema for editors is made of and the documentation test walks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a map: the kind of its value (config/process/schema.py lists them) and what it is for, in one line.

    `example` is the value to add when the key is missing; a key without one may be left out.
    """

    kind: str
    says: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one kind of map, in the order in which people write them."""

    table: Mapping[str, Key] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the required ones first."""
        return (*self.required, *(name for name, key in self.table.items() if not key.example))

    @property
    def required(self) -> dict[str, str]:
        """The keys that must be there, each with an example value, which is the fix when it is missing."""
        return {name: key.example for name, key in self.table.items() if key.example}


_CLUSTER: Final = "{types: [rumour], responsibility: weak, base: [inform, adjust], then: [reminder]}"

COMPOSING: Final = ("before", "after", "remove")
"""Keys of a category that say what becomes of a base; they mean nothing in a file that extends none."""

SHAPES: Final[Mapping[str, Shape]] = {
    "file": Shape(
        {
            "version": Key("integer", "Your own number for this text; raise it when you change it.", "1"),
            "extends": Key("base", "A shipped process by its name, or a file beside this one; this file changes it."),
            "roles": Key("map of role", "Who does what.", "{lead: {does: approves}}"),
            "calendars": Key("map of calendar", "When a target runs.", "{always: {tz: UTC}}"),
            "queues": Key("map of queue", "Where mentions wait.", "{review: {rank: 0, owner: lead, calendar: always}}"),
            "thresholds": Key("map of number", "Numbers with a name.", "{negative: -0.25, …}"),
            "actions": Key("list of name", "What a queue may offer to a person.", "[reply, let_stand]"),
            "categories": Key(
                "list of category",
                "The decision table: the first that matches.",
                "a list of rules that ends with `when: {}`",
            ),
            "response_considerations": Key(
                "list of name", "The list above the reply box.", "[transparency, sourcing, timeliness, tone, influence]"
            ),
            "crisis_levels": Key(
                "ladder", "When it becomes a crisis.", "{normal: {}, watch: …, elevated: …, crisis: …, severe: …}"
            ),
            "outcome_levels": Key("map of text", "What a crisis did, chosen at close-out.", "{1: what it means}"),
            "crisis_causes": Key("list of name", "Causes to choose from.", "[poor_customer_experience, unknown_other]"),
            "notification": Key("notification", "How alerts become few.", "{group_by: [brand, story], …}"),
            "escalation": Key(
                "map of escalation policy",
                "Who is paged when nobody answers.",
                "{default: {steps: [{to: oncall, wait: 5m}], if_nobody: {to: lead}}}",
            ),
            "scct": Key(
                "scct",
                "Advice on how to answer a crisis.",
                "the three clusters; copy them from config/processes/starter.yaml",
            ),
            "tests": Key(
                "list of test", "Examples that must come out.", "[{in: {flags: [], sentiment: 0.0}, out: the category}]"
            ),
        }
    ),
    "role": Shape({"does": Key("text", "One line: what this role is for.", "what this role does")}),
    "calendar": Shape(
        {
            "tz": Key("text", "Time zone, an IANA name.", "Europe/Paris"),
            "week": Key("week", "Days and hours; without it, round the clock."),
            "holidays": Key("holidays", "A country, a region, a date, or a list of these."),
        }
    ),
    "queue": Shape(
        {
            "rank": Key("integer", "The lowest is worked first.", "3"),
            "owner": Key("name", "The role that answers for it.", "lead"),
            "calendar": Key("name", "The calendar on which its targets run.", "office"),
            "awaiting_action": Key("bool", "false: nothing here counts as waiting."),
            "sample_for_review": Key("number", "Share, 0 to 1, that is shown to a person all the same."),
            "keep_days": Key("integer or null", "Days after which its mentions are deleted."),
        }
    ),
    "category": Shape(
        {
            "id": Key("name", "The name that is stored with each mention.", "a_name"),
            "when": Key("one or more when", "Which mentions it takes.", "{flags: [complaint]}"),
            "queue": Key("name", "Where they go.", "review"),
            "roles": Key("some name", "Who works on them, the first first.", "[lead]"),
            "actions": Key("some name", "What is offered.", "[reply]"),
            "sla": Key("sla", "The targets.", "{ack: 30m, respond: 4h, close: null}"),
            "needs_approval": Key("name or null", "The role that clears outgoing text."),
            "public_reply": Key("bool", "false: no public answer is offered."),
            "raises": Key("raised level or null", "The lowest level that one such story opens."),
            "raises_at_any_relevance": Key("bool", "true: raises below the relevance threshold too."),
            "before": Key("name", "In a file that extends another: stands directly above this category."),
            "after": Key("name", "In a file that extends another: stands directly below this category."),
            "remove": Key("bool", "In a file that extends another: true takes the category out."),
        }
    ),
    "when": Shape(
        {
            "flags": Key("some flag", "It carries any of these flags."),
            "not_flags": Key("some flag", "It carries none of these flags."),
            "author": Key("some author kind", "Its author is marked as any of these."),
            "source_kind": Key("some source kind", "Its source is of any of these kinds."),
            "source_tier": Key("some source tier", "Its source has any of these tiers."),
            "source_hostile": Key("bool", "Its source is, or is not, marked hostile."),
            "sentiment_below": Key("number or name", "Sentiment is below, strictly; not scored counts as below."),
            "sentiment_at_least": Key("number or name", "Sentiment is this or more; not scored never is."),
            "reach_at_least": Key("number or name", "Reach is this or more."),
            "relevance_below": Key("number or name", "Relevance is below, strictly."),
        }
    ),
    "sla": Shape(
        {
            "ack": Key("duration or null", "Until a person takes it.", "30m, or null"),
            "respond": Key("duration or null", "Until a person answers.", "4h, or null"),
            "close": Key("duration or null", "Until it is closed.", "1d, or null"),
        }
    ),
    "level": Shape(
        {
            "any": Key("list of level condition", "It is open while any of these holds.", "[{declared_by: [lead]}]"),
            "notify": Key("some name", "Roles that are told.", "[lead]"),
            "ack_within": Key("duration", "Time to acknowledge.", "15m"),
            "reraise_after_ack": Key("duration", "Page again after an acknowledgement.", "4h"),
            "activates": Key("name or null", "The plan that starts once a person confirms."),
        }
    ),
    "level condition": Shape(
        {
            "neg_tail_p": Key("pair", "[on, off]: how likely so many would be by chance."),
            "negative_share_jump_points": Key("pair", "[on, off]: points by which the negative share rose."),
            "neg_ratio_to_baseline": Key("pair", "[on, off]: times the usual number at this hour."),
            "reach_sum_negative_1h": Key("pair", "[on, off]: reach of negative mentions within an hour."),
            "tier1_outlets_negative_24h": Key("pair", "[on, off]: tier-1 outlets, negative, within a day."),
            "min_count": Key("integer", "Fewer stories than this mean nothing."),
            "category": Key("some name", "One open story in any of these categories."),
            "category_stories": Key("category_stories", "Several of them."),
            "declared_by": Key("some name", "A person in one of these roles said so."),
        }
    ),
    "category_stories": Shape(
        {
            "ids": Key("some name", "Categories.", "[safety_harm]"),
            "at_least": Key("integer", "How many open stories."),
        }
    ),
    "notification": Shape(
        {
            "group_by": Key("some group key", "What makes one notice.", "[brand, story]"),
            "group_wait": Key("duration", "Wait before the first notice.", "30s"),
            "group_interval": Key("duration", "Least time between two notices of a group.", "5m"),
            "repeat_interval": Key("duration", "Repeat when nothing changed.", "4h"),
            "keep_firing": Key("duration", "Quiet time before an alarm ends.", "15m"),
            "max_pages_per_person_per_hour": Key("integer", "Further pages are bundled.", "6"),
        }
    ),
    "escalation policy": Shape(
        {
            "steps": Key("list of escalation step", "Who is paged, in order.", "[{to: oncall, wait: 5m}]"),
            "if_nobody": Key("if_nobody", "When all rounds are through.", "{to: lead, and: banner}"),
            "repeat": Key("integer", "Further rounds after the first."),
            "skip_empty_step": Key("bool", "true: a step whose role nobody holds is skipped at once."),
        }
    ),
    "escalation step": Shape(
        {"to": Key("name", "Role to page.", "oncall"), "wait": Key("duration", "Time before the next step.", "5m")}
    ),
    "if_nobody": Shape(
        {"to": Key("name", "Role that is told.", "lead"), "and": Key("last resort", "A banner on every page as well.")}
    ),
    "scct": Shape(
        {
            "victim": Key("scct cluster", "The organisation is a victim too.", _CLUSTER),
            "accidental": Key("scct cluster", "It did not mean to.", _CLUSTER),
            "preventable": Key("scct cluster", "It could have known.", _CLUSTER),
            "escalate_cluster_if": Key(
                "escalate_cluster_if",
                "What moves a crisis one cluster to the right.",
                "{crisis_history: true, negative_prior_reputation: true}",
            ),
            "never_mix": Key(
                "list of posture pair", "Postures that contradict each other.", "[[deny, diminish], [deny, rebuild]]"
            ),
        }
    ),
    "scct cluster": Shape(
        {
            "types": Key("list of name", "Crisis types.", "[rumour]"),
            "responsibility": Key("responsibility", "How much the public holds the organisation to blame.", "weak"),
            "base": Key("some response", "Responses that come first.", "[inform, adjust]"),
            "then": Key("some response", "Responses that may follow.", "[reminder]"),
            "deny_ok_for": Key("some name", "Types for which denial is not refused."),
        }
    ),
    "escalate_cluster_if": Shape(
        {
            "crisis_history": Key("bool", "A similar crisis before moves it.", "true"),
            "negative_prior_reputation": Key("bool", "A bad name before moves it.", "true"),
        }
    ),
    "test": Shape(
        {
            "in": Key("test in", "The facts of one mention.", "{flags: [complaint], sentiment: -0.5}"),
            "out": Key("name", "The category that it must get.", "the category"),
            "raises": Key("raised level or null", "The level that it must raise; not asked when absent."),
            "note": Key("text", "Why the example is here."),
        }
    ),
    "test in": Shape(
        {
            "sentiment": Key(
                "number or null", "-1 to 1; null: not scored.", "-0.5, or null when the text is not scored"
            ),
            "flags": Key("any flag", "Flags of the mention."),
            "reach": Key("integer", "People reached."),
            "relevance": Key("number", "0 to 1."),
            "author": Key("some author kind", "Kinds of its author."),
            "source_kind": Key("source kind", "Kind of its source."),
            "source_tier": Key("integer or null", "Tier of its source."),
            "source_hostile": Key("bool", "Its source is marked hostile."),
            "source_known": Key("bool", "false: a site never seen before."),
        }
    ),
}
"""Every map of the file by its kind. Maps whose keys the organisation invents (roles, queues …) have no shape."""
