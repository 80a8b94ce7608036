"""Does every text of the demo land where a sensible person expects it, by the parts that really read and route it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from config.process import load_process
from config.sample import read_sample
from triage.domain.process import Facts
from triage.domain.queries import Document, find, parse
from triage.domain.routing import compile_process, route
from triage.domain.text import fold
from triage.language.reader import TextReader, TextToRead

if TYPE_CHECKING:
    from config.sample import SampleItem

STARTER = Path(__file__).resolve().parents[2] / "config" / "processes" / "starter.yaml"
SAMPLE = read_sample()
SOURCES = {source.slug: source for source in SAMPLE.sources}
BRANDS = {brand.slug: brand for brand in SAMPLE.brands}
AUTHORS = {author.handle: frozenset({author.kind.value}) for author in SAMPLE.authors}


class Case(NamedTuple):
    """One text, as one brand reads it."""

    item: SampleItem
    brand: str
    title: str
    body: str
    expect: str


FIRST = [Case(item, brand, item.title, item.body, item.expect) for item in SAMPLE.items for brand in item.brands]
REVISED = [
    Case(item, brand, item.revision.title, item.revision.body, item.revision.expect)
    for item in SAMPLE.items
    if item.revision
    for brand in item.brands
]
CASES = [pytest.param(case, id=f"{case.item.id}-{case.brand}") for case in FIRST]
CASES += [pytest.param(case, id=f"{case.item.id}-{case.brand}-revised") for case in REVISED]


@pytest.fixture(scope="module")
def process():
    return compile_process(load_process(STARTER).process)


@pytest.fixture(scope="module")
def reader():
    return TextReader()


def read(reader, case):
    query, document = parse(BRANDS[case.brand].query), Document(case.title, case.body)
    spans = tuple(find(query, document).spans)
    context = frozenset(fold(term) for term in BRANDS[case.brand].context_terms)
    hint = SOURCES[case.item.source].language
    return reader.read(TextToRead(case.title, case.body, spans, hint, frozenset(query.terms), context))


def flags(reading, case):
    """The flags of the shipped lexicons, and the brand's own: its known myths."""
    document = Document(case.title, case.body)
    myths = [myth for myth in BRANDS[case.brand].known_myths if find(parse(f'"{myth}"'), document)]
    return frozenset(flag.name for flag in reading.flags) | ({"known_myth"} if myths else frozenset())


@pytest.mark.parametrize("case", CASES)
def test_each_text_gets_the_category_that_a_sensible_person_expects(process, reader, case):
    reading, source = read(reader, case), SOURCES[case.item.source]
    facts = Facts(
        flags=flags(reading, case),
        sentiment=reading.sentiment.value,
        reach=source.reach or 0,
        relevance=reading.relevance.score,
        author_kinds=AUTHORS.get(case.item.author, frozenset()),
        source_kind=source.kind.value,
        source_tier=source.tier,
        source_hostile=source.hostile,
    )
    assert route(process, facts).category == case.expect, (facts, reading.sentiment.note)


def test_the_language_of_every_text_is_recognised(reader):
    read_as = {case.item.id: read(reader, case).language for case in FIRST}
    assert read_as == {case.item.id: case.item.language for case in FIRST}
