"""Fills in what a click does not say itself: product, visitor, country, device, and whether it is a refresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import iptocc
import pycountry
import ua_parser
from crawlerdetect import CrawlerDetect

from tests.reference.model import HALF_HOUR, UNKNOWN, Click, Product, User

NOBODY = User(gender=None, birthdate=None)
LONGEST_AGENT = 1_024  # characters; what comes after says nothing


class Enrichment:
    """Enriches clicks in the order of the log."""

    def __init__(self, products: Mapping[str, Product], users: Mapping[str, User]) -> None:
        self.products = products
        self.users = users
        self.countries: dict[str | None, str] = {None: UNKNOWN}
        self.agents: dict[str | None, tuple[str, bool]] = {None: ("Other", False)}
        self.previous: dict[str, Click] = {}
        self.days: dict[int, date] = {}

    def enrich(self, click: Click) -> None:
        """Fill in one click."""
        product = self.products.get(click.product_id)
        click.category = (product and product.category) or UNKNOWN
        click.title = (product and product.title) or UNKNOWN
        self._visitor(click)
        if click.ip not in self.countries:
            self.countries[click.ip] = country_of(click.ip or "")
        click.country = self.countries[click.ip]
        if click.user_agent not in self.agents:
            self.agents[click.user_agent] = device_of(click.user_agent or "")
        click.device_type, click.is_bot = self.agents[click.user_agent]
        self._refresh(click)

    def _visitor(self, click: Click) -> None:
        user = self.users.get(click.user_id, NOBODY)
        gender = click.gender or user.gender or "U"
        click.gender = gender[0].upper() if gender[0].upper() in "MF" else "U"
        if click.age is not None:
            return
        click.birthdate = user.birthdate
        if user.birthdate is not None:
            number = click.timestamp // 86_400_000
            if number not in self.days:
                self.days[number] = datetime.fromtimestamp(number * 86_400, UTC).date()
            click.age = age_on(self.days[number], user.birthdate)

    def _refresh(self, click: Click) -> None:
        if click.late:
            return
        before = self.previous.get(click.user_id)
        click.is_refresh = (
            before is not None
            and before.product_id == click.product_id
            and click.timestamp - before.timestamp <= HALF_HOUR
        )
        self.previous[click.user_id] = click


def age_on(day: date, born: date) -> int:
    """Whole years. Who was born on 29 February is a year older on 1 March where there is no 29th."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def country_of(ip: str) -> str:
    """The name of the country that an address belongs to."""
    code = iptocc.country_code(ip)
    country = pycountry.countries.get(alpha_2=code) if code else None
    if country is None:
        return UNKNOWN
    return str(getattr(country, "common_name", country.name))


_CRAWLERS = CrawlerDetect(user_agent="none")


def device_of(agent: str) -> tuple[str, bool]:
    """The kind of device behind a user agent, and whether it is a bot."""
    agent = agent[:LONGEST_AGENT]
    family = ua_parser.parse_device(agent)
    if _CRAWLERS.is_crawler(agent) or (family is not None and family.family == "Spider"):
        return "Bot", True
    return kind_of(agent.lower()), False


TELEVISIONS = ("tv", "xbox", "playstation", "nintendo", "bravia", "aftmm", "roku", "web0s", "crkey")
TABLETS = ("ipad", "tablet", "kindle", "silk/", "playbook", "touchpad", "xoom", "mediapad", "nexus 7", "sm-t", "sm-x")
PHONES = ("mobi", "phone", "ipod", "android", "blackberry", "bb10", "opera mini", "symb", "webos", "midp", "windows ce")
DESKTOPS = ("windows", "macintosh", "x11", "linux", "cros")


def kind_of(agent: str) -> str:
    """The kind of device behind a user agent in lower case that is no bot."""

    def names(words: tuple[str, ...]) -> bool:
        return any(word in agent for word in words)

    if names(TELEVISIONS):
        return "Other"
    if names(TABLETS) and "tablet pc" not in agent:
        return "Tablet"
    if "android" in agent and not names(("mobi", "opera mini", "dalvik")):
        return "Tablet"
    if names(PHONES):
        return "Mobile"
    return "Desktop" if names(DESKTOPS) else "Other"
