"""Do the synthetic feeds of the benchmark hold what the benchmark counts on?"""

from __future__ import annotations

import importlib.util
import json
import statistics
import urllib.error
import urllib.request
from pathlib import Path

import feedparser
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "feed_server.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_feed_server", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def get(url, tag=None):
    request = urllib.request.Request(url, headers={"If-None-Match": tag} if tag else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["ETag"]


def test_every_body_has_about_60_words_in_two_or_three_sentences_and_one_acme(bench):
    site = bench.BenchFeeds()
    texts = [site.item(feed, number) for feed in range(20) for number in range(0, 200, 10)]
    assert 55 <= statistics.mean(len(body.split()) for _, body in texts) <= 65
    assert {body.count(".") for _, body in texts} == {2, 3}
    assert {(title + body).count("Acme") for title, body in texts} == {1}
    assert len({body for _, body in texts}) == len(texts)


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(bench):
    first, second, third = (bench.BenchFeeds(seed=seed).item(3, 14) for seed in (1, 1, 2))
    assert first == second != third


def test_a_second_poll_of_unchanged_feeds_is_304_throughout_and_counted(bench):
    with bench.BenchFeeds(feeds=4, items=25) as site:
        tags = {url: get(url)[2] for url in site.urls}
        assert [get(url, tag)[0] for url, tag in tags.items()] == [304] * 4
        stats = json.loads(get(f"http://127.0.0.1:{site.port}/_stats")[1])
    assert stats == {"answers": {"200": 4, "304": 4}, "polls": 8}


def test_each_mode_misbehaves_in_its_own_way(bench):
    modes = {mode: [place] for place, mode in enumerate(bench.MODES)}
    with bench.BenchFeeds(feeds=7, items=5, modes=modes, slow_seconds=0.0) as site:
        url = dict(zip((*bench.MODES, "plain"), site.urls, strict=True))
        assert get(url["error"])[0] == 500
        assert b"AT&T Note" in get(url["malformed"])[1]
        assert b"pubDate" not in get(url["undated"])[1]
        guids = [entry.id for entry in feedparser.parse(get(url["dupguid"])[1]).entries]
        assert (len(guids), len(set(guids))) == (5, 4)
        _, first, tag = get(url["backdated"])
        status, second, _ = get(url["backdated"], tag)
        assert (status, first.count(b"<item>"), second.count(b"<item>")) == (200, 5, 6)
        assert [len(feedparser.parse(get(url[mode])[1]).entries) for mode in ("slow", "plain")] == [5, 5]


def test_an_unknown_mode_and_an_unknown_path_are_refused(bench):
    with pytest.raises(ValueError, match="unknown modes"):
        bench.BenchFeeds(modes={"sulking": [0]})
    with bench.BenchFeeds(feeds=1, items=1) as site:
        assert get(f"http://127.0.0.1:{site.port}/feed/1")[0] == 404


def test_feed_lists_of_the_command_line_are_read_as_ranges(bench):
    assert bench.numbers_of("0,3-5") == {0, 3, 4, 5}
