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
  const RETRY_FIRST = 200; // ms, at most, until an offer is claimed again; then twice as long each time …
  const RETRY_LAST = 30_000; // … up to this

  // What is not seen yet -----------------------------------------------------------------------------------
  // The click that earns an offer also leads to another page. The offer may reach the page that is being left:
  // then the next page of this tab takes it over. Until it is seen it is kept in the tab's own storage.

  const load = () => {
    try {
      const found = JSON.parse(sessionStorage.getItem(CARRIED) || "{}");
      return typeof found !== "object" || found === null || Array.isArray(found) ? {} : found;
    } catch {
      return {}; // no storage, or not ours: the offer stays on its page
    }
  };

  let carried = {};
  let queue = []; // what goes beyond MOST_CARRIED: not claimed yet, so that the next page still gets it from the server

  const keep = () => {
    try {
      sessionStorage.setItem(CARRIED, JSON.stringify(carried));
    } catch { /* see above */ }
  };

  const carry = (id, entry) => { carried[id] = entry; keep(); };
  const drop = (id) => {
    delete carried[id];
    keep();
    while (queue.length && Object.keys(carried).length < MOST_CARRIED) begin(...queue.shift());
  };

  // The right to show one ----------------------------------------------------------------------------------

  const known = new Set(); // carried, in the queue, or done with: the stream need not bring them again

  const token = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const jittered = (ms) => ms * (0.5 + Math.random() / 2); // so that not all pages ask at the same moment

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
    if (carried[id] !== entry) return; // another page has taken it over, or this one has taken it back
    if (status === 204) {
      entry.granted = true;
      keep();
      show(id, entry.message);
    } else if (status === 0 || status >= 500 || status === 429) {
      // Never given up: the claim may have been granted and the answer lost, and an open stream brings nothing twice.
      setTimeout(() => claim(id, entry, attempt + 1), jittered(Math.min(RETRY_LAST, RETRY_FIRST * 2 ** attempt)));
    } else {
      drop(id); // shown elsewhere, or too old
    }
  };

  const begin = (id, message) => {
    const entry = { message, channel, by: token(), granted: false, at: Date.now() };
    carry(id, entry);
    claim(id, entry);
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
    if (Object.keys(carried).length < MOST_CARRIED) begin(id, message);
    else queue.push([id, message]);
  };

  const takeOver = ({ reloaded }) => {
    carried = load();
    queue = []; // the stream brings these again, unless another page has shown them meanwhile
    known.clear();
    for (const [id, entry] of Object.entries(carried)) {
      const ours = entry && entry.message && entry.channel === channel; // the visitor may be another one by now
      const fresh = ours && Math.abs(Date.now() - entry.at) < CARRY_FOR;
      if (!fresh || (entry.granted && reloaded)) { drop(id); continue; } // who reloads has seen the page
      known.add(id);
      if (entry.granted) show(id, entry.message);
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

  const seen = (popup) => {
    setTimeout(() => {
      if (!popup.isConnected) return; // it was left to the next page
      if (document.visibilityState === "visible") drop(popup.dataset.offerId);
      else document.addEventListener("visibilitychange", () => seen(popup), { once: true });
    }, SEEN_AFTER);
  };

  const show = (id, message) => {
    const popup = card(id, message);
    place.append(popup);
    seen(popup);
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
      again = setTimeout(open, jittered(Math.min(60_000, 2000 * 2 ** failures)));
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
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) takeOver({ reloaded: false }); // it was put aside, and other pages have gone on meanwhile
    open();
  });

  const [navigation] = performance.getEntriesByType("navigation");
  takeOver({ reloaded: navigation !== undefined && navigation.type === "reload" });
  open();
})();
