"""The floor: the bare library loop that anyone would write first. urllib + feedparser + VADER + SQLite, one process."""

import sqlite3
import sys
from urllib.request import urlopen

import feedparser
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def main(path: str, urls: list[str]) -> None:
    analyzer = SentimentIntensityAnalyzer()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE item (guid TEXT PRIMARY KEY, url TEXT, title TEXT, text TEXT, at TEXT, tone REAL)")
    for url in urls:
        with urlopen(url) as answer:
            feed = feedparser.parse(answer.read())
        rows = [
            (
                entry.get("id"),
                entry.get("link"),
                entry.get("title"),
                entry.get("summary"),
                entry.get("published"),
                analyzer.polarity_scores(f"{entry.get('title')}. {entry.get('summary')}")["compound"],
            )
            for entry in feed.entries
        ]
        database.executemany("INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()


main(sys.argv[1], sys.argv[2:])
