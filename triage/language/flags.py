"""Which flags does a text raise, and how surely?

All rules of a language are compiled into one automaton: each alternative of each pattern is a query of its own, so a
text pays only for the phrases that occur in it. A find counts when it is near the brand (or its rule says anywhere), no
`unless` overlaps it, and, for NEAR, it does not cross a sentence end. Flags do not read the tone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from triage.domain.errors import Fault
from triage.domain.queries import Document
from triage.domain.risk import Flag
from triage.language.passages import Passages
from triage.language.questions import questions
from triage.language.term_index import TermIndex
from triage.language.word_pairs import Finder, Stream, finder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from triage.language.lexicon_files import Cue, Lexicon, Rule

MAX_HITS: Final = 200  # of one alternative in one field: more of the same says nothing new
QUESTION_SEVERITY: Final = 0.15

# Negation, hypothesis and report lower danger. "Not working" and "never again" mean what they say.
LOWERABLE: Final = frozenset(
    {
        *("threat_violence", "self_harm", "injury", "recall", "contamination", "fire"),
        *("data_breach", "account_takeover", "impersonation", "regulator", "lawsuit", "discrimination", "fraud_claim"),
        *("employee_misconduct", "confidential_leak", "ngo_campaign", "boycott_call", "coordinated"),
    }
)


class _Run(NamedTuple):
    """A run of words: the number of its field (0 title, 1 body), its first and its last word."""

    field: int
    first: int
    last: int
    one_sentence: bool = False  # it must not cross a sentence end

    def words(self) -> Iterator[tuple[int, int]]:
        """Yield the field and the number of every word."""
        return ((self.field, number) for number in range(self.first, self.last + 1))


class _Found(NamedTuple):
    """What was found of one rule."""

    rule: Rule
    runs: list[_Run]
    discounts: list[Finder]  # of which some literal occurs; they are only looked for when the rule has runs


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One way to find (or, as `unless`, to discount) a rule."""

    rule: Rule
    finder: Finder
    discounts: bool


class FlagReader:
    """The rules of one language, compiled once; lexicons of one language add up (ours, the organisation's)."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        by_literal: defaultdict[str, list[_Alternative]] = defaultdict(list)
        for rule in (rule for lexicon in lexicons for rule in lexicon.rules):
            for clauses, discounts in ((rule.pattern, False), (rule.unless, True)):
                for clause in clauses:
                    alternative = _Alternative(rule, finder(clause), discounts)
                    for literal in clause.anchors() or ():
                        by_literal[literal].append(alternative)
        self._by_literal: Final = tuple(by_literal.values())
        self._prefilter: Final = TermIndex(list(by_literal))
        self._cues: Final = tuple(cue for lexicon in lexicons for cue in lexicon.cues)
        self._questions: Final = tuple(lexicon.questions for lexicon in lexicons)
        self._language: Final = lexicons[0].language

    def read(self, document: Document, passages: Passages) -> tuple[Flag, ...]:
        """Return at most one flag per rule, in order of appearance."""
        found: dict[str, _Found] = {}
        streams = tuple(Stream(field) for field in document.fields)
        for literal in self._prefilter.present(document.haystack):
            for alternative in self._by_literal[literal]:
                rule = alternative.rule
                entry = found.get(rule.id) or found.setdefault(rule.id, _Found(rule, [], []))
                if alternative.discounts:
                    entry.discounts.append(alternative.finder)
                else:
                    entry.runs.extend(_runs(alternative.finder, streams))
        flags = []
        for entry in found.values():
            if entry.runs:
                flag = self._flag(entry.rule, _standing(entry, streams), document, passages)
                flags.extend([flag] if flag else [])
        flags.extend(self._asked(passages))
        return tuple(sorted(flags, key=lambda flag: (flag.start, flag.rule_id)))

    def _flag(self, rule: Rule, runs: list[_Run], document: Document, passages: Passages) -> Flag | None:
        """Return the flag of a rule at the first place that counts, one that nothing lowers before one that is."""
        lowered: Flag | None = None
        for run in runs:
            start, end = _place(run, document, passages)
            if rule.scope == "near" and not passages.is_near(start):
                continue
            if run.one_sentence and passages.index_at(start) != passages.index_at(end - 1):
                continue
            flag = Flag(rule.flag, rule.id, rule.severity, start, end, passages.text[start:end])
            cue = self._cue(run, document, passages) if rule.flag in LOWERABLE else ""
            if not cue:
                return flag
            lowered = lowered or replace(flag, lowered=cue)
        return lowered

    def _cue(self, run: _Run, document: Document, passages: Passages) -> str:
        """Return the kind of the first cue that stands in front of a run in its sentence."""
        return next((cue.kind for cue in self._cues if _stands_before(cue, run, document, passages)), "")

    def _asked(self, passages: Passages) -> Iterator[Flag]:
        for rules in self._questions:
            for start, end in islice(questions(passages, rules), 1):
                words = passages.text[start:end]
                yield Flag("question", f"{self._language}-question", QUESTION_SEVERITY, start, end, words)
                return


def _runs(finder: Finder, streams: tuple[Stream, ...]) -> list[_Run]:
    near = finder.sides is not None
    return [
        _Run(number, first, last, near)
        for number, stream in enumerate(streams)
        for first, last in islice(finder.runs(stream), MAX_HITS)
    ]


def _standing(found: _Found, streams: tuple[Stream, ...]) -> list[_Run]:
    """Return the runs of a rule that no `unless` overlaps, in order, the longest of those that begin together first."""
    discounted = {word for finder in found.discounts for run in _runs(finder, streams) for word in run.words()}
    runs = sorted(found.runs, key=lambda run: (run.field, run.first, -run.last))
    return [run for run in runs if discounted.isdisjoint(run.words())]


def _place(run: _Run, document: Document, passages: Passages) -> tuple[int, int]:
    """Return the offsets of a run in the passages' text."""
    field = document.fields[run.field]
    start, end = field.text.place(run.first, run.last)
    return passages.offset(field.name, start), passages.offset(field.name, end)


def _stands_before(cue: Cue, run: _Run, document: Document, passages: Passages) -> bool:
    sentence = passages.index_at(_place(run, document, passages)[0])
    for clause in cue.patterns:
        for hit in clause.find(document.fields[run.field]):
            if 0 <= run.first - hit.last - 1 <= cue.within:
                before = _Run(run.field, hit.first, hit.last)
                if passages.index_at(_place(before, document, passages)[0]) == sentence:
                    return True
    return False


def failing_examples(lexicon: Lexicon) -> Iterator[Fault]:
    """Yield a fault for every example of a rule that does not do what it must; each rule is tried alone."""
    for rule in lexicon.rules:
        reader = FlagReader([replace(lexicon, rules=(rule,))])
        for text, line in rule.must:
            if not _raises(reader, text, rule):
                yield Fault(f"rule “{rule.id}” must match “{text}” and does not", line, 1)
        for text, line in rule.must_not:
            if _raises(reader, text, rule):
                yield Fault(f"rule “{rule.id}” must not match “{text}” and does", line, 1, "add it to `unless`")


def _raises(reader: FlagReader, text: str, rule: Rule) -> bool:
    flags = reader.read(Document("", text), Passages("", text))
    return any(flag.rule_id == rule.id for flag in flags)
