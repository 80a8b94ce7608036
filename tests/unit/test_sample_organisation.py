"""Is the sample organisation whole, varied and honest?"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from config.process import load_process
from config.sample import AuthorKind, FeedFault, FeedFormat, SourceKind, read_sample
from triage.domain.errors import InvalidFile
from triage.domain.queries import Document, find, parse

STARTER = Path(__file__).resolve().parents[2] / "config" / "processes" / "starter.yaml"
CATEGORIES = frozenset(
    {
        "threat_to_life",
        "safety_harm",
        "data_incident",
        "legal_regulatory",
        "press_inquiry",
        "mainstream_negative",
        "employee_conduct",
        "influencer_negative",
        "campaign_attack",
        "spam_or_irrelevant",
        "troll",
        "troll_site",
        "rager",
        "misguided",
        "tone_conflict",
        "unhappy_customer",
        "question",
        "praise",
        "unclassified_negative",
        "coverage",
        "unclassified",
    }
)
ROLES = frozenset(
    {"community_manager", "lead", "care", "pr", "legal", "hr"}
    | {"security", "product_safety", "oncall", "exec_sponsor", "analyst"}
)
# The lines between negative, plain and positive in the process file.
BELOW, ABOVE = -0.25, 0.40


@pytest.fixture(scope="module")
def sample():
    return read_sample()


@pytest.fixture(scope="module")
def starter():
    return load_process(STARTER).process


def words(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " " + " ".join(re.findall(r"\w+", plain.replace("œ", "oe"))) + " "


def holds(text, term):
    return words(term) in words(text)


def brands_named(text):
    """The three queries, spelled out by hand."""
    found = set()
    if holds(text, "caldrenne") or holds(text, "glow 2 heater"):
        found.add("caldrenne")
    if holds(text, "brevane") and not holds(text, "saint brevane"):
        found.add("brevane")
    if holds(text, "larder"):
        found.add("larder")
    return found


def texts(sample):
    """Every text that is ever served, with what is expected of it."""
    for item in sample.items:
        yield item, item.title, item.body, item.expect
        if item.revision:
            yield item, item.revision.title, item.revision.body, item.revision.expect


def test_there_are_three_brands_and_one_of_them_is_an_ordinary_word(sample):
    assert [brand.slug for brand in sample.brands] == ["caldrenne", "brevane", "larder"]
    assert [brand.slug for brand in sample.brands if brand.context_terms] == ["larder"]
    assert all(brand.known_myths for brand in sample.brands)


def test_there_are_about_150_items_and_twenty_of_them_appear_in_the_first_three_minutes(sample):
    live = [item for item in sample.items if item.appears_after_seconds]
    assert 150 <= len(sample.items) <= 180
    assert 18 <= len(live) <= 25
    assert all(item.appears_after_seconds <= 180 for item in live)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_category_is_read_in_both_languages(sample, language):
    seen = {item.reads_as for item in sample.items if item.language == language}
    assert CATEGORIES - seen == set()


def test_every_category_is_expected_and_no_other(sample):
    expected = {expect for _, _, _, expect in texts(sample)} - {"no_mention"}
    assert expected == CATEGORIES


def test_reading_and_expectation_differ_only_where_no_scorer_reads_the_language(sample):
    differing = [item for item in sample.items if item.reads_as != item.expect]
    assert differing
    assert all(item.language != "en" for item in differing)


def test_an_unscored_text_is_never_expected_where_a_tone_at_or_above_the_positive_line_is_needed(sample):
    unreachable = {"praise", "tone_conflict", "coverage", "unclassified"}
    assert [i.id for i in sample.items if i.language != "en" and i.expect in unreachable] == []


def test_the_brands_stated_for_an_item_are_those_its_text_names(sample):
    for item, title, body, _ in texts(sample):
        assert brands_named(f"{title} . {body}") == set(item.brands), item.id


def test_decoys_name_no_brand_and_are_expected_nowhere(sample):
    decoys = [item for item in sample.items if not item.brands]
    assert len(decoys) >= 10
    assert {item.expect for item in decoys} == {"no_mention"}
    assert any("Larderello" in item.body for item in decoys)
    assert any("Saint-Brévane" in item.body for item in decoys)


def test_the_ambiguous_word_has_context_exactly_where_it_means_the_brand(sample):
    [larder] = [brand for brand in sample.brands if brand.slug == "larder"]
    noise = {"nb-drivers", "gz-recrutement"}  # job advertisements are about the brand and still not worth a reply
    for item in sample.items:
        if item.brands == ("larder",) and item.id not in noise:
            in_context = any(holds(f"{item.title} . {item.body}", term) for term in larder.context_terms)
            assert in_context == (item.expect != "spam_or_irrelevant"), item.id
    cupboards = [i for i in sample.items if i.brands == ("larder",) and i.expect == "spam_or_irrelevant"]
    assert len([i for i in cupboards if i.id not in noise]) >= 5


def test_a_misguided_item_repeats_a_known_myth_of_its_brand_and_no_other_item_does(sample):
    myths = {brand.slug: brand.known_myths for brand in sample.brands}
    for item, title, body, expect in texts(sample):
        found = any(holds(f"{title} . {body}", myth) for slug in item.brands for myth in myths[slug])
        assert found == (expect == "misguided"), item.id


def test_english_texts_carry_the_tone_their_category_needs(sample):
    tone = SentimentIntensityAnalyzer()
    wrong = []
    for item, title, body, expect in texts(sample):
        if item.language != "en" or not item.brands:
            continue
        near = [s for s in re.split(r"(?<=[.!?])\s+|\n+", f"{title}\n{body}") if brands_named(s)]
        scores = [
            tone.polarity_scores(re.sub(r"(?i)@?caldrenne|@?br[ée]vane|@?larder", "it", s))["compound"] for s in near
        ]
        heard = [score for score in scores if abs(score) >= 0.05]
        value = sum(heard) / len(heard) if heard else 0.0
        if not _fits(expect, value):
            wrong.append((item.id, expect, round(value, 2)))
    assert wrong == []


def _fits(expect, value):
    if expect in {"praise", "tone_conflict"}:
        return value >= ABOVE
    if expect in {"mainstream_negative", "influencer_negative", "troll", "rager", "unclassified_negative"}:
        return value < BELOW
    if expect in {"coverage", "unclassified"}:
        return BELOW <= value < ABOVE
    return expect != "unhappy_customer" or value < ABOVE


def test_only_questions_and_press_inquiries_end_in_a_question_mark(sample):
    asking = {item.id for item, _, body, expect in texts(sample) if "?" in body and expect != "no_mention"}
    assert asking == {i.id for i in sample.items if i.expect in {"question", "press_inquiry"}}


def test_the_crisis_begins_with_one_fire_and_grows(sample):
    live = sorted((i for i in sample.items if i.appears_after_seconds), key=lambda i: i.appears_after_seconds)
    assert live[0].expect == "safety_harm"
    harm = [i for i in live if i.expect == "safety_harm"]
    assert len(harm) >= 10
    assert {i.brands for i in harm} == {("caldrenne",)}
    tier_one = {s.slug for s in sample.sources if s.tier == 1}
    assert len({i.source for i in harm} & tier_one) == 2


def test_the_same_words_appear_in_several_outlets_and_twice_in_one(sample):
    places = Counter((item.title, item.body) for item in sample.items)
    copied = [text for text, times in places.items() if times > 1]
    assert len(copied) >= 8
    within = Counter((item.source, item.title, item.body) for item in sample.items)
    assert max(within.values()) == 2


def test_there_are_items_in_languages_without_a_scorer_or_a_lexicon(sample):
    counts = Counter(item.language for item in sample.items)
    assert counts["de"] >= 2
    assert counts["es"] >= 2
    assert counts["fr"] >= 60
    assert counts["en"] >= 90


def test_identity_quirks_are_present(sample):
    assert [i.id for i in sample.items if i.undated]
    assert [i.id for i in sample.items if i.guid is None]
    assert [i.id for i in sample.items if i.revision]
    assert [i.id for i in sample.items if i.appears_after_seconds and i.minutes_ago]
    repeated = Counter((i.source, i.guid) for i in sample.items if i.guid)
    assert [key for key, times in repeated.items() if times == 2] == [("release-relay", "tarnivelle-press-release")]


def test_sources_cover_every_kind_format_and_fault(sample):
    assert {source.kind for source in sample.sources} == set(SourceKind)
    assert {source.fault for source in sample.sources} == set(FeedFault)
    formats = Counter(source.format for source in sample.sources)
    assert set(formats) == set(FeedFormat)
    assert [formats[f] for f in (FeedFormat.RSS1, FeedFormat.ATOM, FeedFormat.JSON)] == [1, 1, 1]
    assert [source.slug for source in sample.sources if source.hostile] == ["lukewarm-truth", "ras-le-brevane"]


def test_every_source_that_works_says_something(sample):
    silent = {source.slug for source in sample.sources if not sample.items_of(source.slug)}
    assert silent == {s.slug for s in sample.sources if s.fault in {FeedFault.ERROR_500, FeedFault.HTML_PAGE}}


def test_known_authors_occur_in_the_items(sample):
    assert {author.kind for author in sample.authors} == set(AuthorKind)
    written = {item.author for item in sample.items}
    unheard = {author.handle for author in sample.authors} - written
    assert unheard == set()


def test_three_people_hold_all_roles_of_the_process(sample):
    assert [user.title for user in sample.users] == ["Community manager", "On call", "Manager"]
    assert {role for user in sample.users for role in user.roles} == ROLES


def test_categories_and_roles_are_those_of_the_starter_process(starter):
    assert {category.id for category in starter.categories} == CATEGORIES
    assert set(starter.roles) == ROLES


def test_the_queries_of_the_brands_find_exactly_the_texts_that_name_them(sample):
    queries = {brand.slug: parse(brand.query) for brand in sample.brands}
    for item, title, body, _ in texts(sample):
        document = Document(title, body)
        assert {slug for slug, query in queries.items() if find(query, document)} == set(item.brands), item.id


# Refusals ------------------------------------------------------------------------------------------------------------

ORGANISATION = """\
version: 1
name: Tiny
about: A test.
check_every_seconds: 15
brands:
  - {slug: acme, name: Acme, about: Things., query: Acme, context_terms: [], known_myths: []}
users:
  - {name: Ann, email: ann@example.org, title: Boss, language: en, roles: [lead]}
authors: []
sources:
  - {slug: news, name: News, path: /feeds/news.xml, format: rss2, kind: news, tier: 1, reach: 10, language: en, owner: ann@example.org}
"""
ITEMS = """\
source: news
items:
  - {id: one, title: Acme, body: Acme opens., author: Bo, minutes_ago: 5, brands: [acme], expect: coverage}
  - {id: two, repost_of: one, minutes_ago: 4, expect: coverage}
"""


def read(tmp_path: Path, organisation: str = ORGANISATION, items: str = ITEMS):
    (tmp_path / "items").mkdir(exist_ok=True)
    (tmp_path / "organisation.yaml").write_text(organisation, encoding="utf-8")
    (tmp_path / "items" / "news.yaml").write_text(items, encoding="utf-8")
    return read_sample(tmp_path)


def refusal(tmp_path, **files):
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path, **files)
    return caught.value


def test_a_repost_takes_over_title_body_author_and_brands(tmp_path):
    first, second = read(tmp_path).items
    assert (second.title, second.body, second.author, second.brands) == ("Acme", "Acme opens.", "Bo", ("acme",))
    assert first.guid != second.guid


def test_an_unknown_key_is_refused_with_its_line(tmp_path):
    error = refusal(tmp_path, organisation=ORGANISATION.replace("name: Tiny", "name: Tiny\ncolour: red"))
    [fault] = error.faults
    assert (error.path, fault.line, fault.column) == ("organisation.yaml", 3, 1)
    assert "colour" in fault.message
    assert "spelling" in fault.hint


def test_all_mistakes_of_a_file_are_told_at_once_in_file_order(tmp_path):
    broken = ORGANISATION.replace("tier: 1", "tier: 9").replace("check_every_seconds: 15", "check_every_seconds: soon")
    assert [fault.line for fault in refusal(tmp_path, organisation=broken).faults] == [4, 11]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("minutes_ago: 5, ", "", "it has no time"),
        ("brands: [acme]", "brands: [akme]", "there is no brand 'akme'"),
        ("brands: [acme]", "brands: []", "no_mention goes with an empty list"),
        ("brands: [acme], ", "", "does not say which brands"),
        ("body: Acme opens., ", "", "it has no body"),
        ("repost_of: one", "repost_of: none-such", "there is no original item 'none-such'"),
        ("repost_of: one", "repost_of: one, title: New", "a repost takes over"),
        ("id: two", "id: one", "the id 'one' is used twice"),
        ("source: news", "source: olds", "there is no source 'olds'"),
        ("expect: coverage}\n  - {id: two", "expect: coverage, expect: praise}\n  - {id: two", "stands twice"),
        ("items:", "items: [", "not YAML"),
    ],
)
def test_a_mistake_in_an_items_file_is_named(tmp_path, before, after, says):
    assert before in ITEMS
    error = refusal(tmp_path, items=ITEMS.replace(before, after, 1))
    assert error.path == "items/news.yaml"
    assert any(says in fault.message for fault in error.faults)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in error.faults)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("owner: ann@example.org", "owner: bob@example.org", "nobody has the email 'bob@example.org'"),
        ("ann@example.org", "ann@gmail.com", "pattern"),
        ("kind: news", "kind: telegraph", "kind"),
        ("path: /feeds/news.xml", "path: ../secret", "pattern"),
    ],
)
def test_a_mistake_in_the_organisation_is_named(tmp_path, before, after, says):
    assert before in ORGANISATION
    error = refusal(tmp_path, organisation=ORGANISATION.replace(before, after, 1))
    assert any(says in fault.message for fault in error.faults)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidFile, match=r"organisation\.yaml") as caught:
        read_sample(tmp_path)
    assert "missing" in caught.value.faults[0].message
