"""What does a lexicon file state, and does it hold together?

A lexicon (`lexicons/<language>.yaml`, or an organisation's own file of the same form) is read whole: every mistake is
reported with line and column, every rule must pass its own examples, and a file with one failing example is refused.
The form is explained at the head of `lexicons/en.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Final

import yaml

from triage.domain.errors import Fault, InvalidFile, QueryError
from triage.domain.process import KNOWN_FLAGS
from triage.domain.queries import Query, parse
from triage.domain.queries.logic import Or
from triage.domain.queries.nodes import Positional
from triage.language.flags import failing_examples
from triage.language.questions import QuestionRules
from triage.language.tone import ToneRules, WordPair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCOPES: Final = ("near", "anywhere")
CUE_KINDS: Final = ("negated", "hypothetical", "reported")
MAX_FILE_CHARACTERS: Final = 1_000_000

# The pure Python loader builds the same nodes with the same marks, only slower.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_RULE_KEYS: Final = frozenset({"id", "flag", "severity", "scope", "pattern", "unless", "must", "must_not"})
_RULE_NEEDS: Final = ("id", "flag", "severity", "pattern", "must", "must_not")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a text raises a flag.

    `pattern` finds it, `unless` removes the finds that it overlaps. `severity` is in [0, 1]. The examples are
    (text, line) pairs; they are checked when the file is read.
    """

    id: str
    flag: str
    severity: float
    scope: str
    pattern: tuple[Positional, ...]
    unless: tuple[Positional, ...]
    must: tuple[tuple[str, int], ...]
    must_not: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that lower a flag of danger when they end at most `within` words before it in the same sentence."""

    kind: str
    within: int
    patterns: tuple[Positional, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One file of rules for one language."""

    language: str
    rules: tuple[Rule, ...]
    cues: tuple[Cue, ...] = ()
    questions: QuestionRules = field(default_factory=QuestionRules)
    tone: ToneRules = field(default_factory=ToneRules)


def shipped_lexicon(language: str) -> Lexicon:
    """Return the lexicon that comes with Tocsin; raises FileNotFoundError for a language without one.

    Its examples are run by our tests, not at every start of every process.
    """
    name = f"lexicons/{language}.yaml"
    text = resources.files("triage.language").joinpath(name).read_text(encoding="utf-8")
    return parse_lexicon(text, name, run_examples=False)


def load_lexicon(path: Path) -> Lexicon:
    """Return an organisation's own lexicon; raises InvalidFile, or OSError when the file cannot be read."""
    return parse_lexicon(path.read_text(encoding="utf-8"), str(path))


def parse_lexicon(text: str, name: str, *, run_examples: bool = True) -> Lexicon:
    """Return the lexicon stated by `text`; raises InvalidFile with every fault, also those of failing examples."""
    reader = _FileReader()
    lexicon = reader.lexicon(_root(text, name))
    if run_examples and not reader.faults and lexicon:
        reader.faults.extend(failing_examples(lexicon))
    if reader.faults or lexicon is None:
        raise InvalidFile(name, sorted(reader.faults, key=lambda fault: (fault.line, fault.column)))
    return lexicon


def alternatives(query: Query) -> tuple[Positional, ...]:
    """Return each way in which a pattern can be found; empty for AND and NOT, which have no place of their own."""
    clauses = query.root.children if isinstance(query.root, Or) else (query.root,)
    found = tuple(clause for clause in clauses if isinstance(clause, Positional))
    return found if len(found) == len(clauses) else ()


def _root(text: str, name: str) -> yaml.Node:
    if len(text) > MAX_FILE_CHARACTERS:
        raise InvalidFile(name, [Fault(f"the file is longer than {MAX_FILE_CHARACTERS:,} characters", 1, 1)])
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise InvalidFile(name, [Fault(f"not valid YAML: {error.problem}", line, column)]) from error
    except yaml.YAMLError as error:
        raise InvalidFile(name, [Fault(f"not valid YAML: {error}", 1, 1)]) from error
    if root is None:
        raise InvalidFile(name, [Fault("the file is empty", 1, 1)])
    return root


class _FileReader:
    """Turns YAML nodes into values and collects faults; a value with a fault is replaced by something harmless."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def lexicon(self, root: yaml.Node) -> Lexicon | None:
        parts = self._mapping(root, {"language", "cues", "questions", "tone", "rules"}, ("language", "rules"))
        if "language" not in parts or "rules" not in parts:
            return None
        rules = tuple(rule for node in self._list(parts["rules"]) if (rule := self._rule(node)))
        self._unique_ids(parts["rules"], rules)
        return Lexicon(
            language=self._text(parts["language"]),
            rules=rules,
            cues=self._cues(parts["cues"]) if "cues" in parts else (),
            questions=self._questions(parts["questions"]) if "questions" in parts else QuestionRules(),
            tone=self._tone(parts["tone"]) if "tone" in parts else ToneRules(),
        )

    def _rule(self, node: yaml.Node) -> Rule | None:
        parts = self._mapping(node, _RULE_KEYS, _RULE_NEEDS)
        if any(key not in parts for key in _RULE_NEEDS):
            return None
        return Rule(
            id=self._text(parts["id"]),
            flag=self._one_of(parts["flag"], KNOWN_FLAGS, "flag"),
            severity=self._severity(parts["severity"]),
            scope=self._one_of(parts["scope"], frozenset(SCOPES), "scope") if "scope" in parts else "near",
            pattern=self._pattern(parts["pattern"]),
            unless=self._pattern(parts["unless"]) if "unless" in parts else (),
            must=self._examples(parts["must"]),
            must_not=self._examples(parts["must_not"]),
        )

    def _unique_ids(self, node: yaml.Node, rules: tuple[Rule, ...]) -> None:
        seen: set[str] = set()
        for rule, where in zip(rules, self._list(node), strict=False):
            if rule.id in seen:
                self._fault(where, f"two rules have the id “{rule.id}”")
            seen.add(rule.id)

    def _cues(self, node: yaml.Node) -> tuple[Cue, ...]:
        kinds = self._mapping(node, set(CUE_KINDS), ())
        cues = []
        for kind, value in kinds.items():
            parts = self._mapping(value, {"within", "pattern"}, ("within", "pattern"))
            if len(parts) == 2:  # noqa: PLR2004  # both keys
                within = self._number(parts["within"], int, "a whole number of words")
                cues.append(Cue(kind, int(within), self._pattern(parts["pattern"])))
        return tuple(cues)

    def _questions(self, node: yaml.Node) -> QuestionRules:
        parts = self._mapping(node, {"rhetorical", "single"}, ("rhetorical", "single"))
        lists = {key: self._texts(value) for key, value in parts.items()}
        return QuestionRules(tuple(lists.get("rhetorical", ())), frozenset(lists.get("single", ())))

    def _tone(self, node: yaml.Node) -> ToneRules:
        parts = self._mapping(node, {"neutral", "pairs"}, ())
        pairs = []
        for pair in self._list(parts["pairs"]) if "pairs" in parts else ():
            words = self._mapping(pair, {"first", "within", "then"}, ("first", "within", "then"))
            if len(words) == 3:  # noqa: PLR2004  # all keys
                within = self._number(words["within"], int, "a whole number of words")
                first, then = frozenset(self._texts(words["first"])), frozenset(self._texts(words["then"]))
                pairs.append(WordPair(first, then, int(within)))
        return ToneRules(tuple(self._texts(parts["neutral"])) if "neutral" in parts else (), tuple(pairs))

    def _pattern(self, node: yaml.Node) -> tuple[Positional, ...]:
        text = self._text(node)
        try:
            found = alternatives(parse(text))
        except QueryError as error:
            excerpt = text[error.offset : error.offset + 30]
            self._fault(node, f"pattern, character {error.offset} (“{excerpt}”): {error.code}", error.hint)
            return ()
        if not found:
            self._fault(
                node, "a pattern finds places: AND and NOT have none", "use NEAR, or `unless` for what to leave out"
            )
        return found

    def _severity(self, node: yaml.Node) -> float:
        value = self._number(node, float, "a number from 0 to 1")
        if not 0 <= value <= 1:
            self._fault(node, f"severity {value} is not between 0 and 1")
        return value

    def _examples(self, node: yaml.Node) -> tuple[tuple[str, int], ...]:
        if not self._list(node):
            self._fault(node, "give at least one example")
        return tuple((self._text(item), item.start_mark.line + 1) for item in self._list(node))

    # -- YAML nodes -------------------------------------------------------------------------------------------------

    def _fault(self, node: yaml.Node, message: str, hint: str = "") -> None:
        self.faults.append(Fault(message, node.start_mark.line + 1, node.start_mark.column + 1, hint))

    def _mapping(
        self, node: yaml.Node, allowed: set[str] | frozenset[str], needed: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, "this must be a mapping (key: value)")
            return {}
        parts: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value not in allowed:
                self._fault(key, f"unknown key “{key.value}”", f"known: {', '.join(sorted(allowed))}")
            elif key.value in parts:
                self._fault(key, f"“{key.value}” stands here twice")
            else:
                parts[key.value] = value
        for key in needed:
            if key not in parts:
                self._fault(node, f"“{key}” is missing")
        return parts

    def _list(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._fault(node, "this must be a list")
        return []

    def _texts(self, node: yaml.Node) -> list[str]:
        return [self._text(item) for item in self._list(node)]

    def _text(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value.strip():
            return str(node.value).strip()
        self._fault(node, "this must be text")
        return ""

    def _one_of(self, node: yaml.Node, known: frozenset[str], what: str) -> str:
        value = self._text(node)
        if value and value not in known:
            self._fault(node, f"unknown {what} “{value}”", f"known: {', '.join(sorted(known))}")
        return value

    def _number(self, node: yaml.Node, convert: Callable[[str], float], expected: str) -> float:
        try:
            return convert(self._text(node))
        except ValueError:
            self._fault(node, f"this must be {expected}")
            return 0
