"""Does each page say what it should, and only as text? (U09, U12, U43, U44, U46, S05, S15)"""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from tests.architecture.source_tree import ROOT, sources
from tests.dashboard_world import World
from triage.domain.errors import SourceErrorKind
from triage.storage.sources import NewSource


@pytest.fixture
def ana(world):
    return world.browser("ana")


def rewrite(world, table, row_id, **columns):
    """Let a row hold what an older or a broken program could have left."""
    settings = ", ".join(f"{name} = ?" for name in columns)
    values = (*(json.dumps(value) if isinstance(value, dict | list) else value for value in columns.values()), row_id)
    world.store.write(lambda tx: tx.connection.exec_driver_sql(f"UPDATE {table} SET {settings} WHERE id = ?", values))  # noqa: S608  # a test's own names


def test_u12_a_row_shows_risk_age_time_left_source_reach_text_copies_and_owner(world, ana):
    item = world.add_item(story=7, age=timedelta(minutes=12), due=timedelta(minutes=18, seconds=30))
    copy = world.add_item(story=7)
    ana.post(f"/items/{copy}/close", {"disposition": "duplicate"})
    world.browser("ben").post(f"/items/{item}/claim")
    row = ana.get("/queues/care").text.partition(f'id="item-{item}"')[2].partition("</li>")[0]
    text = " ".join(re.sub(r"<[^>]+>", " ", row).split())
    for words in (
        "● Medium 42",
        "12 min ago",
        "Answer in 48 min",
        "Warm House Forum",
        "Nadia K.",
        "reach 42 k",
        "1 copy",
        "Ben Okafor",
        "I called Brévane five times",
    ):
        assert words in text, (words, text)


@pytest.mark.parametrize(
    ("due", "age", "words", "css"),
    [
        (timedelta(minutes=40, seconds=5), timedelta(minutes=1), "Claim in 40 min", "due fine"),
        (timedelta(minutes=5, seconds=5), timedelta(minutes=25), "Claim in 5 min", "due soon"),
        (timedelta(minutes=-4, seconds=-5), timedelta(minutes=34), "Claim: 4 min late", "due late"),
        (None, timedelta(minutes=1), "", ""),
    ],
)
def test_u12_the_target_that_runs_out_first_is_shown_with_words_and_not_by_colour_alone(world, due, age, words, css):
    world.add_item(due=due, age=age)
    ana = world.browser("ana")
    page = ana.get("/queues/care").text.partition('<ol id="rows"')[2].partition("</ol>")[0]
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert words in text
    assert (f'class="{css}"' if css else "<time") in page
    assert ("due " in page) is bool(css)


def test_u09_the_page_says_why_the_item_is_here(world, ana):
    page = ana.get(f"/items/{world.add_item()}").text
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in (
        "Flagged complaint.",
        "Sentiment -0.58 is below +0.4 (positive).",
        "unhappy_customer",
        "starter.yaml",
        "−0.58 on a scale from −1 to +1, by VADER 3.3.2",
        "Complaint : “ nobody answered ”",
        "Relevance 0.90; context: refund.",
        "Legal approves any text before it leaves.",
        "Apologise and fix",
    ):
        assert words in text, words


def test_u09_the_bars_of_the_risk_sum_to_the_score(world, ana):
    page = ana.get(f"/items/{world.add_item(score=0.42)}").text
    table = page.partition('<table class="waterfall">')[2].partition("</table>")[0]
    shares = [float(number.replace("−", "-")) for number in re.findall(r'class="number">([+−]\d\.\d\d)<', table)]
    assert sum(shares) == pytest.approx(0.42, abs=0.011)
    assert '<td class="number">0.42</td>' in table
    ends = re.findall(r'<rect class="adds" x="([\d.]+)" y="0" width="([\d.]+)"', table)
    assert float(ends[-1][0]) + float(ends[-1][1]) == pytest.approx(42, abs=0.02)


def test_u09_a_text_that_was_not_scored_says_so_and_why(world, ana):
    page = ana.get(f"/items/{world.add_item(tone=None, language='fr')}").text
    assert "<b>Not scored</b>: no scorer for fr." in page


def test_matched_words_are_marked_in_title_and_text(world, ana):
    page = ana.get(f"/items/{world.add_item()}").text
    marked = re.findall(r"<mark[^>]*>([^<]+)</mark>", page)
    assert marked == ["Brévane", "Brévane", "refund"]


@pytest.mark.parametrize(
    "columns",
    [
        {"match": {}, "reading": {}},
        {"match": {"spans": None, "sentence": 3}, "reading": {"sentiment": None, "flags": None, "risk": None}},
        {
            "match": {
                "spans": [["title", 0, 9999, "x"], ["body", -1, 3, "x"], ["body", 3, 1, "x"], "junk", [], ["title", 0]]
            }
        },
        {
            "reading": {
                "risk": {"score": 0.5, "parts": [["flag"], ["flag", "x"], 3, ["tone", 0.1]]},
                "flags": [["x"], 3],
            }
        },
        {"reading": {"risk": {"score": "high", "parts": "none"}, "relevance": {"score": None, "reasons": None}}},
        {"reading": None, "risk_score": None, "risk_level": None, "sentiment": None, "language": None},
        {"language": '"><script>alert(1)</script>'[:16]},
    ],
)
def test_a_row_that_an_older_program_wrote_is_shown_all_the_same(world, ana, columns):
    item = world.add_item()
    rewrite(world, "mention", item, **columns)
    rewrite(world, "item", item, route={})
    for path in (f"/items/{item}", "/queues/care", "/queues/care/rows"):
        answer = ana.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


def test_a_revised_entry_that_is_shorter_than_its_spans_keeps_its_whole_text(world, ana):
    item = world.add_item()
    rewrite(world, "entry", item, text="Now short.", title="")
    assert "Now short." in ana.get(f"/items/{item}").text


def test_a_long_text_is_whole_and_its_rest_waits_behind_a_summary(world, ana):
    text = "Brévane " * 2000 + "the last words"
    page = ana.get(f"/items/{world.add_item(text=text)}").text
    assert "The rest, " in page
    body = page.partition('<section class="text"')[2].partition("</section>")[0]
    assert " ".join(re.sub(r"<[^>]+>", "", body).split()).count("Brévane ") == 2000
    assert "the last words" in body


def test_u46_times_are_relative_with_the_exact_instant_in_utc(world, ana):
    page = ana.get(f"/items/{world.add_item(age=timedelta(hours=3))}").text
    assert re.search(
        r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" title="\d\d \w{3} \d{4}, \d\d:\d\d UTC">3 h ago</time>', page
    )
    assert re.search(r'class="exact">[^<]*\d\d:\d\d UTC<', page)


def test_s05_a_link_to_the_original_is_shown_only_when_it_is_safe(world, ana):
    good = ana.get(f"/items/{world.add_item(url='https://news.example/a?b=c&d=e')}").text
    assert 'href="https://news.example/a?b=c&amp;d=e" rel="noopener noreferrer nofollow" target="_blank"' in good
    for url in (
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "data:text/html,hi",
        "//evil.example",
        None,
        "https://u:p@evil.example/",
    ):
        page = ana.get(f"/items/{world.add_item(url=url)}").text
        assert "There is no safe link to the original." in page
        assert "evil.example" not in page


def test_s05_only_the_cleaned_column_is_ever_shown_as_markup(world, ana):
    hostile = "<b>bold</b><img src=x onerror=alert(1)>"
    item = world.add_item(title=hostile, text=hostile, author=hostile, html="<p>kept <b>as it is</b></p>")
    page = ana.get(f"/items/{item}").text
    assert "<p>kept <b>as it is</b></p>" in page
    assert "<img" not in page
    assert "<b>bold" not in page


def test_s05_markup_is_marked_as_safe_in_one_place_only():
    python = [
        (source.path, line)
        for source in sources()
        if source.path.startswith("dashboard/")
        for line in source.text.splitlines()
        if "Markup(" in line and "import" not in line
    ]
    assert [path for path, _ in python] == ["dashboard/filters.py"]
    templates = [
        file
        for file in (ROOT / "dashboard" / "templates").rglob("*.html")
        if re.search(r"\|\s*safe\b|autoescape", file.read_text())
    ]
    assert templates == []


def test_no_template_has_an_inline_style_script_or_handler():
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|hx-on|javascript:|hx-vals\s*=\s*.js:")
    found = {file.name: inline.findall(file.read_text()) for file in (ROOT / "dashboard" / "templates").rglob("*.html")}
    assert {name: hits for name, hits in found.items() if hits} == {}


# U43: empty states ---------------------------------------------------------------------------------------------------


def test_u43_an_empty_queue_says_that_all_is_clear_and_where_work_waits(world, ana):
    world.add_item(queue="press")
    page = ana.get("/queues/care").text
    assert "All clear" in page
    assert 'href="/queues/press">Press (1)' in page


def test_u43_an_installation_that_watches_nothing_says_how_to_begin(tmp_path):
    world = World(tmp_path)
    world.store.write(lambda tx: tx.connection.exec_driver_sql("DELETE FROM source"))
    page = world.browser("ana")
    assert "Nothing is watched yet" in page.get("/queues/care").text
    assert "tocsin demo" in page.get("/sources").text
    assert "tocsin source add" in page.get("/sources").text
    world.close()


def test_u43_a_person_without_the_role_reads_which_one_is_needed(world, ana):
    world.add_dead_letter()
    assert "Only people on call, managers and admins can replay" in ana.get("/dead-letters").text
    assert ">Replay<" not in ana.get("/dead-letters").text
    assert ">Read now<" not in ana.get("/sources").text
    assert ">Read now<" in world.browser("mia").get("/sources").text


def test_an_installation_without_a_process_still_opens(tmp_path):
    world = World(tmp_path)
    world.store.write(lambda tx: tx.connection.exec_driver_sql("UPDATE process_version SET active = 0"))
    browser = world.browser("ana")
    assert browser.get("/").location == "/queues"
    assert "No response process is in force" in browser.get("/queues").text
    assert browser.get("/process").status_code == 404
    assert "tocsin up" in browser.get("/process").text
    world.close()


# U44: sources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(SourceErrorKind))
def test_u44_every_reason_that_a_source_can_fail_for_has_its_own_plain_words(world, kind):
    world.fail_source(world.sources[0], kind, f"details of {kind}")
    page = world.browser("mia").get("/sources").text
    assert "The source could not be read." not in page
    assert f"details of {kind}" in page
    assert "Last success" in page
    assert "Next try" in page
    assert page.index("In trouble") < page.index("Warm House Forum")


def test_sources_in_trouble_come_first_then_the_silent_ones(world):
    silent = world.add_source(NewSource("feed", "https://silent.example/f", "Silent"))
    broken = world.add_source(NewSource("feed", "https://broken.example/f", "Broken"))
    world.fail_source(broken, "timeout", "no answer")
    rewrite(world, "source", silent, last_entry_at="2026-01-01 00:00:00")
    page = world.browser("ana").get("/sources").text
    assert page.index("Broken") < page.index("Silent for a month") < page.index(">Silent<") < page.index("Warm House")


def test_s15_an_address_is_shown_without_its_secrets(world, ana):
    world.add_source(NewSource("feed", "https://user:hunter2@feeds.example/f?token=s3cr3t&page=2&api_key=abc", ""))
    page = ana.get("/sources").text
    assert "hunter2" not in page
    assert "s3cr3t" not in page
    assert "abc" not in page.partition("feeds.example")[2].partition("</li>")[0]
    assert "https://feeds.example/f?token=…&amp;page=2&amp;api_key=…" in page


# The process ---------------------------------------------------------------------------------------------------------


def test_the_process_page_shows_every_rule_in_order_in_plain_words(world, ana):
    page = ana.get("/process").text
    process = world.container.shelf.in_force().process
    places = [page.index(f'<tr id="{category.id}">') for category in process.categories]
    assert places == sorted(places)
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in (
        "flagged injury, recall, contamination or fire",
        "the author is a journalist",
        "the source is of tier 1 or 2 and tone below −0.25 (negative), or not scored",
        "reach at least 50,000 (influencer reach)",
        "tone at least +0.40 (positive)",
        "relevance below 0.30 (relevance)",
        "the source is marked hostile",
        "not flagged complaint",
        "the source is of kind news",
        "always",
        process.version_label,
    ):
        assert words in text, words


def test_the_health_line_warns_when_sources_have_not_been_read_for_long(world, ana):
    rewrite(world, "source", world.sources[0], last_checked_at="2026-01-01 00:00:00")
    assert "Is the worker running?" in ana.get("/queues/care").text


def test_closed_items_are_listed_with_how_they_ended_and_who_ended_them(world, ana):
    ana.post(f"/items/{world.add_item()}/close", {"disposition": "handled_elsewhere"})
    page = ana.get("/closed").text
    assert "Handled elsewhere" in page
    assert "Ana Ruiz" in page
    assert "data-verb" not in page.partition('<ol id="rows"')[2].partition("</ol>")[0]


def test_history_tells_every_step_and_marks_what_was_undone(world, ana):
    item = world.add_item()
    for action, fields in (
        ("claim", {}),
        ("release", {}),
        ("reassign", {"queue": "review"}),
        ("note", {"text": "x"}),
        ("close", {"disposition": "spam", "reason": "a bot"}),
    ):
        ana.post(f"/items/{item}/{action}", fields)
    ana.post("/undo")
    history = ana.get(f"/items/{item}").text.partition('id="history"')[2]
    text = " ".join(re.sub(r"<[^>]+>", "", history).split())
    for words in (
        "put it into Care as Unhappy customer",
        "claimed it",
        "released it",
        "handed it from Care to Review",
        "wrote a note",
        "closed it as Spam: a bot (undone)",
        "undid: Close",
    ):
        assert words in text, (words, text)
