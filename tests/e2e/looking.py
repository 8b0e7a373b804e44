"""Turns a page in the browser into what is hard to see, hear or reach on it."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

_FAINT: Final = """
() => {
  // WCAG 2.2, 1.4.3: relative luminance, and the ratio of text to what is behind it.
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, under) => top.slice(0, 3).map((part, i) => part * top[3] / 255 + under[i] * (1 - top[3] / 255));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 255) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (colour) => {
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  let looked = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "OPTION", "TITLE"].includes(element.tagName)) continue;
    if (element.closest(".unseen")) continue;
    if (!element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const pair = [light(over(parse(style.color), ground)), light(ground)].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    looked += 1;
    if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return { looked, faint };
}
"""
_UNNAMED: Final = """
() => {
  const wrong = [];
  const say = (what, element) => wrong.push(`${what}: ${element.outerHTML.slice(0, 90)}`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const named = [...field.labels].some((label) => label.textContent.trim()) || field.ariaLabel;
    if (!named) say("no label", field);
  }
  for (const element of document.querySelectorAll("a, button, summary")) {
    if (!element.textContent.trim() && !element.ariaLabel) say("no name", element);
  }
  for (const picture of document.querySelectorAll("img")) {
    if (picture.getAttribute("alt") === null) say("no alt", picture);
  }
  for (const landmark of document.querySelectorAll("nav, aside")) {
    if (!landmark.ariaLabel) say("no name", landmark);
  }
  for (const list of document.querySelectorAll("fieldset")) {
    if (list.firstElementChild?.tagName !== "LEGEND") say("no legend", list);
  }
  for (const user of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const ids = `${user.getAttribute("aria-describedby") ?? ""} ${user.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of ids.trim().split(/\\s+/)) if (!document.getElementById(id)) say(`no element ${id}`, user);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((one, place) => ids.indexOf(one) !== place)) wrong.push(`twice: #${id}`);
  for (const what of ["main", "h1", "header", "footer", "nav[aria-label=Shop]", "#offers[aria-live]"]) {
    if (document.querySelectorAll(what).length !== 1) wrong.push(`not exactly one: ${what}`);
  }
  if (!document.documentElement.lang || !document.title.trim()) wrong.push("no language or title");
  return wrong;
}
"""
_FOCUSED: Final = """
() => {
  const element = document.activeElement;
  const seen = [element, ...(element.parentElement?.children ?? [])].some((one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const box = element.getBoundingClientRect();
  return { name: element.id || element.name || element.textContent.trim().slice(0, 40), tag: element.tagName, seen,
           there: box.width > 0 && box.height > 0 };
}
"""


def faint_texts(page: Page) -> list[str]:
    """Visible texts whose contrast is below what WCAG AA asks for. Fails when there is no text to look at."""
    found: dict[str, Any] = page.evaluate(_FAINT)
    assert found["looked"] > 10
    return list(found["faint"])


def unnamed_parts(page: Page) -> list[str]:
    """What a screen reader has no name for, and landmarks and headings that are not there once."""
    return list(page.evaluate(_UNNAMED))


def walk(page: Page, *, most: int = 200) -> list[dict[str, Any]]:
    """What the Tab key reaches, from the top of the page to its end."""
    page.evaluate("document.activeElement?.blur()")
    reached: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        focused: dict[str, Any] = page.evaluate(_FOCUSED)
        if focused["tag"] == "BODY" or (reached and focused == reached[0]):
            return reached
        reached.append(focused)
    raise AssertionError(f"the Tab key finds no end: {reached[-5:]}")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
