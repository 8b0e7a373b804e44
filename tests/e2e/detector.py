"""Turns pages that hold hostile texts into the list of all signs that a browser obeyed one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.e2e.browser import PATIENCE, is_elsewhere
from tests.e2e.payloads import EVIL, PRODUCT, Payload

_REPORT: Final = """
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.blockedURI === "wasm-eval") return; // Streamlit looks for something faster, and does without; no data in it
  xss(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
}, true);
"""
_SIGNS: Final = """
([evil, product, own]) => {
  const signs = [];
  const note = (what, element) => signs.push(`${what}: ${element.outerHTML.slice(0, 200)}`);
  const all = function* (root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot);
      if (element.content instanceof DocumentFragment) yield* all(element.content);
    }
  };
  const strange = "iframe, object, embed, base, math, marquee, video, audio, template, meta[http-equiv], style";
  for (const element of all(document)) {
    if (element.hasAttribute("pwn")) note("made of a payload", element);
    for (const name of ["href", "src", "action", "formaction", "data", "srcset", "xlink:href"]) {
      const value = (element.getAttribute(name) ?? "").replace(/[\\s\\x00-\\x1f]/g, "").toLowerCase();
      const whole = URL.canParse(value, document.baseURI) ? new URL(value, document.baseURI) : { protocol: "none" };
      if (/^(javascript|vbscript):/.test(value) || whole.host === evil) note("a hostile address", element);
      if (own && value && !["http:", "https:"].includes(whole.protocol)) note("a strange address", element);
    }
    if (["STRONG", "EM", "DEL", "H1", "LI"].includes(element.tagName) && element.textContent === "pwnbold") {
      note("made of Markdown", element);
    }
    if (element.classList.contains("katex")) note("made of TeX", element);
    if (!own) continue;
    for (const { name } of element.attributes) {
      if (name.startsWith("on") || name === "style") note("runs or styles in the page", element);
    }
    if (element.tagName === "SCRIPT" && !element.getAttribute("src")?.startsWith("/static/")) note("a script", element);
    if (element.matches(strange)) note("not of ours", element);
  }
  if (document.documentElement.textContent.includes(product)) signs.push("an expression was evaluated");
  return signs;
}
"""
_TEXTS: Final = """
() => [document.documentElement.textContent,
       ...[...document.querySelectorAll("*")].flatMap((e) => [...e.attributes].map((a) => a.value)),
       ...[...document.querySelectorAll("input, select")].map((e) => e.value)]
"""
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]+")


class Detector:
    """A browser's window that is looked at after each page: whether anything in it came of a payload.

    Requests are heard of, not held up: the browser's cache works, and a page takes a tenth of the time.
    ``own``: the pages are ours, which hold neither script nor style nor handlers, whatever these come of.
    """

    def __init__(self, browser: Browser, *, own: bool = True, **options: Any) -> None:
        self._own = own
        self._found: list[str] = []
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE)
        self._context.add_init_script(_REPORT)
        self._context.expose_binding("xss", self._ran)
        self._context.on("request", self._asks)
        self._context.on("console", self._hear)
        self._context.on("weberror", lambda error: self._found.append(f"an error on the page: {error.error}"))
        self.page: Page = self._opened()
        self.pages = 0
        """How many pages were looked at."""

    def signs(self) -> list[str]:
        """All that was obeyed so far, on all pages that were looked at."""
        return [*self._found]

    def go(self, address: str) -> int:
        """Open a page, and look at it once all that it loads is there; its status."""
        answer = self.page.goto(address, wait_until="load")
        self.look()
        assert answer
        return answer.status

    def look(self) -> None:
        """Look at the page as it is now."""
        self.pages += 1
        found: list[str] = self.page.evaluate(_SIGNS, [EVIL, PRODUCT, self._own])
        self._found += [f"{self.page.url}: {sign}" for sign in found]
        self._found += [f"cookie: {one['name']}" for one in self._context.cookies() if "pwn" in one.get("name", "")]

    def submit(self, action: str, fields: dict[str, str]) -> None:
        """Send a form from the page that is open, as one of its own, and look at the answer."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.evaluate(_SUBMIT, [action, fields])
        self.look()

    def renew(self) -> None:
        """Go on in another tab: what the page has begun, ends."""
        self.page.close()
        self.page = self._opened()

    def missing(self, payloads: Sequence[Payload | str]) -> list[str]:
        """Which of these do not stand on the page, as text or in a field: those were not tried."""
        texts = "\n".join(_folded(text) for text in self.page.evaluate(_TEXTS))
        wanted = [one if isinstance(one, str) else one.text for one in payloads]
        return [text for text in wanted if _folded(text) not in texts]

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> Page:
        page = self._context.new_page()
        page.on("dialog", self._asked)
        return page

    def _ran(self, source: dict[str, Any], what: object) -> None:
        self._found.append(f"{source['page'].url}: ran: {what}")

    def _asks(self, request: Request) -> None:
        if is_elsewhere(request.url):
            self._found.append(f"asks another host: {request.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self._found.append(f"refused by the policy: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        self._found.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


_SUBMIT: Final = """
([action, fields]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("textarea");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}
"""


def _folded(text: str) -> str:
    """A text without what pages may change: kinds of white space, and characters that cannot be seen."""
    return _UNSEEN.sub(" ", text).strip()
