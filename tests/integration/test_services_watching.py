"""Is a brand or a source that cannot work refused when it is added, in words that say which and why?"""

from __future__ import annotations

import pytest

from tests.fakes import DATABASES, opened_works
from triage.domain.errors import AddressRefused, NotPermitted, QueryError, SourceError, SourceErrorKind
from triage.domain.jobs import Job
from triage.services.watching import add_brand, add_sources, slug_of
from triage.storage.brands import NewBrand
from triage.storage.sources import NewSource


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def check(address):
    """The address rule in small: lower case, nothing private, and one name that does not resolve."""
    if "127.0.0.1" in address or "@" in address:
        raise AddressRefused
    if "unknown" in address:
        raise SourceError(SourceErrorKind.UNREACHABLE, "the name is unknown")
    return address.lower()


def feeds(*addresses, **about):
    return [NewSource("feed", address, **about) for address in addresses]


def test_new_sources_are_due_at_once_nudged_and_audited(works):
    assert add_sources(works.store, check, feeds("https://a.example/", "https://b.example/")) == 2
    ids = works.column("SELECT id FROM source ORDER BY id")
    assert sorted(works.nudges(Job.POLL)) == ids
    assert [works.actions("source", each) for each in ids] == [["source.add"]] * 2
    with works.store.read() as tx:
        assert tx.sources.count() == 2


def test_a_source_is_watched_once_however_it_is_written_and_however_often_it_is_added(works):
    spellings = ["https://a.example/feed", "HTTPS://A.example/feed"]
    assert add_sources(works.store, check, feeds(*spellings)) == 1
    assert add_sources(works.store, check, feeds(*spellings)) == 0
    assert works.column("SELECT address FROM source") == ["https://a.example/feed"]


def test_s01_a_refused_address_is_named_and_none_of_its_list_is_added(works):
    with pytest.raises(AddressRefused, match=r"http://127\.0\.0\.1/: this address is not allowed"):
        add_sources(works.store, check, feeds("https://a.example/", "http://127.0.0.1/"))
    assert works.column("SELECT id FROM source") == []
    assert works.nudges(Job.POLL) == []


def test_s15_a_refused_address_is_told_without_its_password(works):
    with pytest.raises(AddressRefused) as refused:
        add_sources(works.store, check, feeds("https://ana:hunter2canary@a.example/"))
    assert "hunter2canary" not in str(refused.value)
    assert "a.example" in str(refused.value)


def test_a_host_that_does_not_answer_now_is_watched_all_the_same(works):
    assert add_sources(works.store, check, feeds("https://unknown.example/", "https://a.example/")) == 2


@pytest.mark.parametrize("address", ["https://a.example/" + "é" * 1_100, "https://a.example/" + "x" * 2_100])
def test_an_address_that_no_index_can_hold_is_refused_in_words(works, address):
    with pytest.raises(AddressRefused, match="too long"):
        add_sources(works.store, check, feeds(address))


def test_no_sources_are_no_work(works):
    assert add_sources(works.store, check, []) == 0
    assert works.nudges(Job.POLL) == []


def test_a_brand_is_watched_with_its_query_and_audited(works):
    add_brand(works.store, NewBrand("zenith", "Zenith", '"Zenith Corp" OR zenith', ("stove",), ("it explodes",)))
    with works.store.read() as tx:
        brand = tx.brands.watched()[-1]
    assert (brand.slug, brand.query, brand.query_version) == ("zenith", '"Zenith Corp" OR zenith', 1)
    assert (brand.context_terms, brand.known_myths) == (("stove",), ("it explodes",))
    assert works.actions("brand", brand.id) == ["brand.add"]


def test_a_query_that_cannot_be_read_is_refused_before_it_can_stop_the_others(works):
    with pytest.raises(QueryError):
        add_brand(works.store, NewBrand("zenith", "Zenith", "zenith AND ("))
    with pytest.raises(QueryError):
        add_brand(works.store, NewBrand("zenith", "Zenith", "zenith", known_myths=("?!",)))
    assert works.column("SELECT slug FROM brand") == ["acme"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines", "nul\x00"])
def test_a_brand_without_a_usable_name_is_refused(works, name):
    with pytest.raises(NotPermitted, match="A brand needs a name"):
        add_brand(works.store, NewBrand("zenith", name, "zenith"))


def test_a_brand_is_added_once(works):
    with pytest.raises(NotPermitted, match="already a brand named acme"):
        add_brand(works.store, NewBrand("acme", "Acme", "acme"))


def test_a_changed_query_is_a_new_version_and_is_used_at_once(works):
    before = works.watchlist.current()
    brand = works.one("SELECT id FROM brand")
    works.store.write(lambda tx: tx.brands.change_query(brand, "acme NOT jobs", tx.now))
    after = works.watchlist.current()
    assert (before.version, len(after.queries)) != (after.version, 2)
    assert [record.query for record in after.by_brand.values()] == ["acme NOT jobs"]
    assert works.column("SELECT version FROM query WHERE active") == [2]
    assert works.watchlist.current() is after


def test_known_authors_are_kept_once(works):
    pairs = [("ana", "journalist"), ("ana", "vip"), ("ben", "known_troll")]
    for _ in range(2):
        works.store.write(lambda tx: tx.brands.add_authors(pairs))
    with works.store.read() as tx:
        kinds = tx.brands.author_kinds(["ana", "nobody"])
    assert kinds == {"ana": frozenset({"journalist", "vip"})}
    assert works.one("SELECT count(*) FROM author") == 3


@pytest.mark.parametrize(
    ("name", "slug"), [("Acme", "acme"), ("Brévane & Söhne", "brevane-sohne"), ("?!", "brand"), ("x" * 99, "x" * 64)]
)
def test_the_short_name_of_a_brand_is_plain(name, slug):
    assert slug_of(name) == slug
