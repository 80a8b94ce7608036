"""How do the files of the sample organisation become values, or a list of faults with line and column?

Each file is read as a tree of YAML nodes as well as plain data, so that a fault found in the data can be traced to the
place where it was written. All files are read before anything is refused: one run shows every fault of a file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from config.sample.model import NO_MENTION, SampleItem, SampleOrganisation
from config.sample.schema import ItemEntry, ItemsFile, OrganisationFile
from triage.domain.errors import Fault, InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.resources.abc import Traversable

    from pydantic_core import ErrorDetails

Shape = TypeVar("Shape")
Place = tuple[int | str, ...]

WITHOUT_GUID: Final = "none"
HINTS: Final = {
    "unexpected_keyword_argument": "remove the key or correct its spelling",
    "missing_argument": "add the key",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its name for messages, its nodes for positions, its data for validation."""

    name: str
    node: yaml.Node
    data: object

    def fault(self, place: Place, message: str, hint: str = "") -> Fault:
        """Return a fault at the deepest node on `place` that the file has."""
        node = self.node
        for step in place:
            below = _child(node, step)
            if below is None:
                break
            node = below
        return Fault(message, node.start_mark.line + 1, node.start_mark.column + 1, hint)


def read_sample(folder: Traversable | None = None) -> SampleOrganisation:
    """Read the sample organisation that ships with the package, or the one in `folder`.

    Raises:
        InvalidFile: a file is missing, is not YAML, or breaks a rule; it names each fault with line and column.
    """
    root = folder if folder is not None else resources.files("config.sample")
    head = _open(root / "organisation.yaml", "organisation.yaml")
    shape = _validated(head, OrganisationFile)
    _refuse(head, list(_organisation_faults(head, shape)))
    files = [_open(path, f"items/{path.name}") for path in _items_files(root)]
    parsed = [(document, _validated(document, ItemsFile)) for document in files]
    known = {entry.id: (entry, part.source) for _, part in parsed for entry in part.items}
    _refuse_repeats(parsed)
    for document, part in parsed:
        _refuse(document, list(_items_faults(document, part, shape, known)))
    return SampleOrganisation(
        name=shape.name,
        about=shape.about,
        check_every_seconds=shape.check_every_seconds,
        brands=shape.brands,
        users=shape.users,
        authors=shape.authors,
        sources=shape.sources,
        items=tuple(_resolved(entry, part.source, shape, known) for _, part in parsed for entry in part.items),
    )


def _items_files(root: Traversable) -> list[Traversable]:
    folder = root / "items"
    found = [path for path in folder.iterdir() if path.name.endswith(".yaml")] if folder.is_dir() else []
    return sorted(found, key=lambda path: path.name)


def _open(path: Traversable, name: str) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidFile(name, [Fault("the file is missing", 1, 1, "reinstall tocsin or restore the file")]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise InvalidFile(name, [Fault(f"not YAML: {error.problem}", *at)]) from None
    if not isinstance(node, yaml.MappingNode):
        raise InvalidFile(name, [Fault("the file must be a mapping of keys", 1, 1)])
    document = Document(name, node, yaml.safe_load(text))
    _refuse(document, list(_repeated_keys(node)))
    return document


def _repeated_keys(node: yaml.Node) -> Iterator[Fault]:
    """YAML keeps the last of two equal keys without a word; here that is a mistake."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _repeated_keys(child)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                mark = key.start_mark
                yield Fault(
                    f"the key {key.value!r} stands twice", mark.line + 1, mark.column + 1, "keep one of the two"
                )
            seen.add(key.value)
            yield from _repeated_keys(value)


def _validated(document: Document, shape: type[Shape]) -> Shape:
    try:
        return TypeAdapter(shape).validate_python(document.data)
    except ValidationError as error:
        faults = [_told(document, detail) for detail in error.errors(include_url=False)]
        raise InvalidFile(document.name, sorted(faults, key=lambda fault: (fault.line, fault.column))) from None


def _told(document: Document, detail: ErrorDetails) -> Fault:
    key = ".".join(str(step) for step in detail["loc"])
    return document.fault(detail["loc"], f"{key}: {detail['msg']}", HINTS.get(detail["type"], ""))


def _child(node: yaml.Node, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        entry: yaml.Node = node.value[step]
        return entry
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                # An unknown key is shown at the key, a wrong value at the value; both stand on the key's line.
                return value if isinstance(value, yaml.CollectionNode) else key
    return None


def _refuse(document: Document, faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidFile(document.name, faults)


def _organisation_faults(document: Document, shape: OrganisationFile) -> Iterator[Fault]:
    yield from _repeats(document, "brands", [brand.slug for brand in shape.brands], "slug")
    yield from _repeats(document, "users", [user.email for user in shape.users], "email")
    yield from _repeats(document, "authors", [author.handle for author in shape.authors], "handle")
    yield from _repeats(document, "sources", [source.slug for source in shape.sources], "slug")
    yield from _repeats(document, "sources", [source.path for source in shape.sources], "path")
    emails = {user.email for user in shape.users}
    for index, source in enumerate(shape.sources):
        if source.owner not in emails:
            hint = f"use one of {', '.join(sorted(emails))}"
            yield document.fault(("sources", index, "owner"), f"nobody has the email {source.owner!r}", hint)


def _repeats(document: Document, part: str, values: Sequence[str], key: str) -> Iterator[Fault]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield document.fault((part, index, key), f"{key} {value!r} is used twice", "choose another")


def _items_faults(
    document: Document, part: ItemsFile, shape: OrganisationFile, known: dict[str, tuple[ItemEntry, str]]
) -> Iterator[Fault]:
    if part.source not in {source.slug for source in shape.sources}:
        yield document.fault(("source",), f"there is no source {part.source!r}", "add it to organisation.yaml")
    brands = {brand.slug for brand in shape.brands}
    for index, entry in enumerate(part.items):
        for key, message, hint in _entry_faults(entry, brands, known):
            yield document.fault(("items", index, key), f"{entry.id}: {message}", hint)


def _entry_faults(
    entry: ItemEntry, brands: set[str], known: dict[str, tuple[ItemEntry, str]]
) -> Iterator[tuple[str, str, str]]:
    if entry.minutes_ago is None and entry.appears_after_seconds is None:
        yield "id", "it has no time", "add minutes_ago or appears_after_seconds"
    if entry.repost_of is not None:
        if entry.title or entry.body or entry.brands is not None:
            yield "repost_of", "a repost takes over title, body and brands", "remove them here"
        if entry.repost_of not in known or known[entry.repost_of][0].repost_of is not None:
            yield "repost_of", f"there is no original item {entry.repost_of!r}", "name an item that is not a repost"
        return
    if not entry.body:
        yield "body", "it has no body", "write one or name repost_of"
    if entry.brands is None:
        yield "brands", "it does not say which brands it names", "use [] for none"
    for slug in entry.brands or ():
        if slug not in brands:
            yield "brands", f"there is no brand {slug!r}", f"use one of {', '.join(sorted(brands))}"
    if (not entry.brands) != (entry.expect == NO_MENTION):
        yield "expect", f"{NO_MENTION} goes with an empty list of brands and only with it", "correct one of the two"


def _refuse_repeats(parsed: Sequence[tuple[Document, ItemsFile]]) -> None:
    counts = Counter(entry.id for _, part in parsed for entry in part.items)
    for document, part in parsed:
        twice = [index for index, entry in enumerate(part.items) if counts[entry.id] > 1]
        faults = [document.fault(("items", i, "id"), f"the id {part.items[i].id!r} is used twice") for i in twice]
        _refuse(document, faults)


def _resolved(
    entry: ItemEntry, source: str, shape: OrganisationFile, known: dict[str, tuple[ItemEntry, str]]
) -> SampleItem:
    original, first_source = known[entry.repost_of] if entry.repost_of else (entry, source)
    languages = {each.slug: each.language for each in shape.sources}
    return SampleItem(
        id=entry.id,
        source=source,
        title=original.title,
        body=original.body,
        author=entry.author or original.author,
        language=entry.language or original.language or languages[first_source],
        brands=original.brands or (),
        expect=entry.expect,
        reads_as=entry.reads_as or entry.expect,
        minutes_ago=entry.minutes_ago,
        appears_after_seconds=entry.appears_after_seconds,
        undated=entry.undated,
        guid=None if entry.guid == WITHOUT_GUID else entry.guid or f"tocsin-demo:{source}:{entry.id}",
        link=entry.link,
        repost_of=entry.repost_of,
        revision=entry.revision,
        note=entry.note,
    )
