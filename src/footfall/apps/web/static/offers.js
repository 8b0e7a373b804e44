// Turns the visitor's stream of offers into popups: each is shown once, on one page, and says why it came.
"use strict";

(() => {
  const channel = document.body.dataset.offers;
  const place = document.getElementById("offers");
  if (!channel || !place || !("EventSource" in window)) return;

  const TEXTS = {
    offer1: { title: "10% off the whole look", text: "Clothes and shoes that go together: take both, and pay 10% less.", code: "LOOK10" },
    offer2: { title: "15% off clothes and shoes", text: "You know what you like. Today it costs 15% less.", code: "STEPS15" },
  };
  const CARRIED = "footfall.offers";
  const SEEN_AFTER = 1500; // ms on the screen until an offer counts as seen
  const CARRY_FOR = 60_000; // ms within which the next page takes over what was not seen
  const MOST_CARRIED = 5;
  const RETRIES = [200, 500, 1000, 2000, 4000]; // ms between two attempts to claim an offer

  // What is not seen yet -----------------------------------------------------------------------------------
  // The click that earns an offer also leads to another page. The offer may reach the page that is being left:
  // then the next page of this tab takes it over. Until it is seen it is kept in the tab's own storage.

  let carried = {};
  try {
    carried = JSON.parse(sessionStorage.getItem(CARRIED) || "{}");
    if (typeof carried !== "object" || carried === null || Array.isArray(carried)) carried = {};
  } catch {
    carried = {}; // no storage, or not ours: the offer stays on its page
  }

  const keep = () => {
    const ids = Object.keys(carried);
    for (const id of ids.slice(0, Math.max(0, ids.length - MOST_CARRIED))) delete carried[id];
    try {
      sessionStorage.setItem(CARRIED, JSON.stringify(carried));
    } catch { /* see above */ }
  };

  const carry = (id, entry) => { carried[id] = entry; keep(); };
  const drop = (id) => { delete carried[id]; keep(); };

  // The right to show one ----------------------------------------------------------------------------------

  const known = new Set();

  const token = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const claim = async (id, entry, attempt = 0) => {
    let status = 0;
    try {
      const answer = await fetch(`${channel}/${encodeURIComponent(id)}/shown`, {
        method: "POST",
        headers: { "Footfall-Claim": entry.by },
        credentials: "same-origin",
        cache: "no-store",
        keepalive: true,
      });
      status = answer.status;
    } catch { /* no answer: ask again, under the same token */ }
    if (!carried[id]) return;
    if (status === 204) {
      entry.granted = true;
      keep();
      show(id, entry.message);
    } else if (status === 0 || status >= 500 || status === 429) {
      if (attempt < RETRIES.length) setTimeout(() => claim(id, entry, attempt + 1), RETRIES[attempt]);
      else { drop(id); known.delete(id); } // the stream brings it again when it is opened again
    } else {
      drop(id); // shown elsewhere, or too old
    }
  };

  const take = (event) => {
    const id = event.lastEventId;
    if (known.has(id)) return;
    known.add(id);
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    const entry = { message, channel, by: token(), granted: false, at: Date.now() };
    carry(id, entry);
    claim(id, entry);
  };

  const takeOver = () => {
    const [navigation] = performance.getEntriesByType("navigation");
    const reloaded = navigation !== undefined && navigation.type === "reload";
    for (const [id, entry] of Object.entries(carried)) {
      known.add(id);
      const ours = entry && entry.message && entry.channel === channel; // the visitor may be another one by now
      const fresh = ours && Math.abs(Date.now() - entry.at) < CARRY_FOR;
      if (!fresh || (entry.granted && reloaded)) drop(id); // who reloads has seen the page
      else if (entry.granted) show(id, entry.message);
      else claim(id, entry);
    }
  };

  // The popup ----------------------------------------------------------------------------------------------

  let number = 0;

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children); // texts stay texts: nothing is ever parsed as HTML
    return element;
  };

  const readable = (name) => {
    const words = String(name).replace(/[-_.\s]+/g, " ").trim();
    return words ? words[0].toUpperCase() + words.slice(1) : "An offer";
  };

  const clickLine = (click) => {
    const when = new Date(click.time);
    const time = Number.isNaN(when.getTime())
      ? ""
      : make("time", { datetime: when.toISOString() }, when.toLocaleTimeString(undefined, { timeStyle: "medium" }));
    const product = click.title === null || click.title === undefined
      ? make("span", {}, String(click.product))
      : make("a", { href: `/product/${encodeURIComponent(click.product)}` }, String(click.title));
    return make("li", {}, time, product, make("span", { class: "offer-category" }, String(click.category)));
  };

  const why = (message) => {
    const clicks = Array.isArray(message.clicks) ? message.clicks : [];
    return make("details", { class: "offer-why" },
      make("summary", {}, "Why do I see this?"),
      make("p", {}, "You opened these, one after the other:"),
      make("ol", {}, ...clicks.map(clickLine)),
      make("p", { class: "offer-pattern" }, "They match the pattern ", make("b", {}, String(message.pattern)), "."));
  };

  const card = (id, message) => {
    const name = String(message.offer);
    const { title, text, code } = Object.hasOwn(TEXTS, name) ? TEXTS[name] : { title: readable(name), text: "An offer for you, because of what you looked at." };
    const [heading, body] = [`offer-title-${number}`, `offer-text-${number}`];
    number += 1;
    const close = make("button", { type: "button", class: "offer-close" }, "Close");
    const popup = make("div", {
      class: "offer-popup", role: "dialog", "aria-modal": "false", "aria-labelledby": heading, "aria-describedby": body,
      "data-offer": name, "data-offer-id": id,
    },
      make("p", { class: "offer-kind" }, "A special offer for you"),
      make("h2", { id: heading }, title),
      make("p", { id: body, class: "offer-text" }, text),
      ...(code ? [make("p", { class: "offer-code" }, "Your code: ", make("strong", {}, code))] : []),
      why(message), close);
    close.addEventListener("click", () => dismiss(popup));
    // Who closes it from within goes on where they were before.
    popup.addEventListener("focusin", (event) => {
      if (event.relatedTarget instanceof HTMLElement && !place.contains(event.relatedTarget)) popup.cameFrom = event.relatedTarget;
    });
    return popup;
  };

  const dismiss = (popup) => {
    drop(popup.dataset.offerId);
    const back = popup.cameFrom && popup.cameFrom.isConnected ? popup.cameFrom : document.getElementById("main");
    const inside = popup.contains(document.activeElement);
    popup.remove();
    if (inside && back) back.focus({ preventScroll: true });
  };

  const seen = (id) => {
    setTimeout(() => {
      if (document.visibilityState === "visible") drop(id);
      else document.addEventListener("visibilitychange", () => seen(id), { once: true });
    }, SEEN_AFTER);
  };

  const show = (id, message) => {
    place.append(card(id, message));
    seen(id);
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    const popup = document.activeElement && document.activeElement.closest(".offer-popup") || place.lastElementChild;
    if (popup) dismiss(popup);
  });

  // The stream ---------------------------------------------------------------------------------------------
  // Open while the page is looked at: a browser has few connections to one host, and a page that is put aside
  // needs none. What comes meanwhile waits on the server.

  let source = null;
  let again = 0;
  let failures = 0;

  const open = () => {
    clearTimeout(again);
    if (source || document.visibilityState !== "visible") return;
    source = new EventSource(channel);
    source.addEventListener("open", () => { failures = 0; });
    source.addEventListener("offer", take);
    source.addEventListener("error", () => {
      if (source === null || source.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      shut();
      failures += 1;
      again = setTimeout(open, Math.min(60_000, 2000 * 2 ** failures) * (0.5 + Math.random() / 2));
    });
  };

  const shut = () => {
    clearTimeout(again);
    if (source) source.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? open() : shut()));
  window.addEventListener("pagehide", () => {
    shut();
    // What the next page takes over is not to stand here, too, when the visitor comes back.
    for (const popup of [...place.children]) if (carried[popup.dataset.offerId]) popup.remove();
  });
  window.addEventListener("pageshow", open);

  takeOver();
  open();
})();
