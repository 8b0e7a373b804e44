"""Turns a user agent into Bot, Tablet, Mobile, Desktop or Other.

The rules, of which the first that fits counts. Case does not matter, nor what stands after 1,024 characters.

1. Bot: crawlerdetect says so, or ua-parser's device family is Spider.
2. Other: it names a television, a set-top box or a game console.
3. Tablet: it names a tablet (``_TABLET``); or Android without ``mobi``, ``opera mini`` or ``dalvik``.
4. Mobile: it says ``mobi``, or names a phone or a phone's system (``_MOBILE``).
5. Desktop: it names a desktop system (``_DESKTOP``).
6. Other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

DEVICES: Final = ("Desktop", "Mobile", "Tablet", "Bot", "Other")

LONGEST: Final = 1_024
"""How many characters of a user agent are looked at. Those of browsers have at most about 400."""

_HOUSE: Final = re.compile(
    r"smart-?tv|hbbtv|google ?tv|android ?tv|apple ?tv|crkey|bravia|roku|\baft[a-z]{1,4}\b|web0s|netcast|viera|"
    r"playstation|xbox|nintendo"
)
_TABLET: Final = re.compile(
    r"ipad|tablet(?! pc)|playbook|kindle|silk/|\bkf[a-z]{2,5}\b|touchpad|xoom|mediapad|nexus (?:7|9|10)\b|"
    r"sm-[tpx]\d|gt-p\d|\btab\b"
)
_NOT_A_TABLET: Final = re.compile(r"mobi|opera mini|dalvik")
_MOBILE: Final = re.compile(
    r"mobi|phone|ipod|android|blackberry|\bbb10\b|opera mini|symbian|symbos|series ?[3-9]0|nokia|midp|cldc|j2me|"
    r"webos|kaios|\bpalm|fennec|up\.browser|docomo|kddi|samsung|sonyericsson|windows ce|maemo|meego|tizen|sailfish"
)
_DESKTOP: Final = re.compile(
    r"windows|\bwin(?:9[58]|nt|32|64)\b|macintosh|mac os|mac_powerpc|x11|linux|\bcros\b|bsd\b|sunos|os/2|haiku|amiga"
)

_LITERAL: Final = re.compile(r"(?:\\[^a-zA-Z0-9]|[^\\.^$*+?()\[\]{}|])*")
"""Patterns that are texts with escaped punctuation: these may be written in lower case."""
_LOOKAROUND: Final = ("(?=", "(?!", "(?<")


class Classifier:
    """Says what a user agent is. Takes about 0.1 s to build, then about 20 µs a user agent."""

    def __init__(self) -> None:
        self._is_crawler = crawler_detector()
        self._is_spider = spider_detector()

    def device(self, agent: str) -> str:
        """One of DEVICES."""
        agent = agent[:LONGEST].strip()
        if self._is_crawler(agent) or self._is_spider(agent):
            return "Bot"
        return named_device(agent.lower())


@cache
def classifier() -> Classifier:
    """The one classifier of this process."""
    return Classifier()


def named_device(lowered: str) -> str:
    """Rules 2 to 6, for a user agent in lower case."""
    if _HOUSE.search(lowered):
        return "Other"
    if _TABLET.search(lowered) or ("android" in lowered and not _NOT_A_TABLET.search(lowered)):
        return "Tablet"
    if _MOBILE.search(lowered):
        return "Mobile"
    return "Desktop" if _DESKTOP.search(lowered) else "Other"


def crawler_detector() -> Callable[[str], bool]:
    """What CrawlerDetect.is_crawler says, 100 times as fast and in a time linear in the length.

    It searches 1,400 patterns one after the other; ua-parser's native matcher searches them at once. To build
    that in 20 ms rather than 200, plain texts are matched in lower case instead of without regard to case.
    """
    from crawlerdetect.providers.crawlers import data as crawlers  # loaded where it is needed
    from crawlerdetect.providers.exclusions import data as exclusions

    harmless = re.compile("|".join(exclusions), re.IGNORECASE)
    native = [pattern for pattern in crawlers if not any(sign in pattern for sign in _LOOKAROUND)]
    rest = [pattern for pattern in crawlers if pattern not in native]
    matches_native = _native(native)
    matches_rest = re.compile("|".join(rest) or r"(?!)", re.IGNORECASE).search

    def is_crawler(agent: str) -> bool:
        remainder = harmless.sub("", agent)
        return matches_native(remainder) or matches_rest(remainder) is not None

    return is_crawler


def _native(patterns: Sequence[str]) -> Callable[[str], bool]:
    from ua_parser_rs import UserAgentExtractor  # loaded where it is needed

    lowered = [p.lower() if _LITERAL.fullmatch(p) and p.isascii() else f"(?i){p}" for p in patterns]
    extractor = UserAgentExtractor([(pattern, "crawler", None, None, None, None) for pattern in lowered])
    return lambda text: extractor.extract(text.lower()) is not None


def spider_detector() -> Callable[[str], bool]:
    """Whether ua-parser's device family is Spider."""
    from ua_parser import Domain  # takes 40 ms to load
    from ua_parser.loaders import load_lazy_builtins
    from ua_parser.regex import Resolver

    _, _, devices = load_lazy_builtins()
    resolve = Resolver(([], [], devices))

    def is_spider(agent: str) -> bool:
        device = resolve(agent, Domain.DEVICE).device
        return device is not None and device.family == "Spider"

    return is_spider
