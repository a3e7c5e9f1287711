"""Seeds, and what tests of several commands look for in a page."""

import re
from html.parser import HTMLParser

import pytest
import torch


class _Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _check(text):
    """Well-formed, pictures inside and described, nothing from elsewhere."""
    reader = _Reader(text)
    assert not reader.open
    pictures = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert pictures
    assert all(picture["src"].startswith("data:image/png;base64,") and picture["alt"] for picture in pictures)
    assert text.count("<figcaption>") == len(pictures)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "iframe", "object", "embed"}
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "prefers-color-scheme:dark" in style
    assert not re.search(r"url\(|@import|https?:", style)
    for _, attributes in reader.tags:
        assert not attributes.get("href", "").startswith(("http", "//"))
    assert text.index('class="verdict"') < text.index("<table") < text.index("<img") < text.index("Provenance")


@pytest.fixture
def check_page():
    """A function that checks the text of a report."""
    return _check


@pytest.fixture
def seeded():
    """Random tensors of one seed."""
    torch.manual_seed(0)
