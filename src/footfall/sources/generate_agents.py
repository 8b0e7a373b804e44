"""Turns lists of systems, devices and versions into the user agents of a shop's visitors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_GOOGLEBOT: Final = "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_CHROMES: Final = tuple(range(124, 144, 2))
_FIREFOXES: Final = tuple(range(128, 146, 2))
_DESKTOPS: Final = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
)
_PHONES: Final = (
    ("10", "K"),
    ("13", "SM-A536B"),
    ("14", "SM-S911B"),
    ("14", "Pixel 7"),
    ("15", "Pixel 8 Pro"),
    ("13", "M2101K6G"),
    ("14", "CPH2451"),
    ("12", "moto g(60)"),
    ("15", "SM-S928U"),
)
_TABLETS: Final = (("13", "SM-X200"), ("14", "SM-X710"), ("12", "SM-T500"), ("13", "Lenovo TB-J606F"))
_IOS: Final = ("16_6", "16_7", "17_2", "17_4", "17_5", "17_6", "18_0", "18_1", "18_2", "18_3", "18_4", "18_5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """User agents by the kind of device that sends them."""

    desktops: tuple[str, ...]
    mobiles: tuple[str, ...]
    tablets: tuple[str, ...]
    bots: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Desktops, mobiles, tablets and bots, in this order."""
        return self.desktops + self.mobiles + self.tablets + self.bots


def _chrome(system: str, version: int, *, mobile: str = "") -> str:
    return f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{version}.0.0.0 {mobile}Safari/537.36"


def _safari(system: str, version: str, *, mobile: str = "") -> str:
    webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
    return f"Mozilla/5.0 ({system}) {webkit} Version/{version.replace('_', '.')} {mobile}Safari/{_safari_build(mobile)}"


def _safari_build(mobile: str) -> str:
    return "604.1" if mobile else "605.1.15"


def _desktops() -> tuple[str, ...]:
    mac = "Macintosh; Intel Mac OS X 10_15_7"
    chromes = [_chrome(system, version) for system, version in product(_DESKTOPS, _CHROMES)]
    edges = [f"{_chrome(_DESKTOPS[0], version)} Edg/{version}.0.0.0" for version in _CHROMES]
    operas = [f"{_chrome(_DESKTOPS[0], version)} OPR/{version - 14}.0.0.0" for version in _CHROMES]
    safaris = [_safari(mac, version) for version in _IOS]
    systems = (*_DESKTOPS[:1], "Macintosh; Intel Mac OS X 10.15", "X11; Ubuntu; Linux x86_64")
    firefoxes = [
        f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
        for system, version in product(systems, _FIREFOXES)
    ]
    return (*chromes, *edges, *operas, *safaris, *firefoxes)


def _android(devices: tuple[tuple[str, str], ...], *, mobile: str) -> list[str]:
    return [
        _chrome(f"Linux; Android {release}; {model}", version, mobile=mobile)
        for (release, model), version in product(devices, _CHROMES)
    ]


def _mobiles() -> tuple[str, ...]:
    iphones = [_safari(f"iPhone; CPU iPhone OS {ios} like Mac OS X", ios, mobile="Mobile/15E148 ") for ios in _IOS]
    chromes = [
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {ios} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"CriOS/{version}.0.0.0 Mobile/15E148 Safari/604.1"
        for ios, version in product(_IOS[-4:], _CHROMES)
    ]
    firefoxes = [
        f"Mozilla/5.0 (Android {release}; Mobile; rv:{version}.0) Gecko/{version}.0 Firefox/{version}.0"
        for release, version in product((13, 14, 15), _FIREFOXES)
    ]
    return (*_android(_PHONES, mobile="Mobile "), *iphones, *chromes, *firefoxes)


def _tablets() -> tuple[str, ...]:
    ipads = [_safari(f"iPad; CPU OS {ios} like Mac OS X", ios, mobile="Mobile/15E148 ") for ios in _IOS]
    return (*ipads, *_android(_TABLETS, mobile=""))


def _bots() -> tuple[str, ...]:
    return (
        f"Mozilla/5.0 {_GOOGLEBOT}",
        f"{_chrome('Linux; Android 6.0.1; Nexus 5X', 130, mobile='Mobile ')} {_GOOGLEBOT}",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
        "Mozilla/5.0 (compatible; ShopPriceCrawler/1.4; +http://prices.example/crawler)",
        "python-requests/2.32.3",
        "curl/8.9.1",
    )


def load_agents() -> Agents:
    """All user agents that the generator uses."""
    return Agents(desktops=_desktops(), mobiles=_mobiles(), tablets=_tablets(), bots=_bots())
