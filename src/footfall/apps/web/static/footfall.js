/* Footfall's tracker: turns what visitors of a web site do into events for the collector.
 * How to use it, what it stores and what it sends: docs/how-to/track-your-site.md
 *
 * Each event is an entry of its own in localStorage until the collector has said that it is on disk. Tabs add and
 * remove whole entries, so they cannot overwrite each other's. An event gets its id when it happens: sent twice, by a
 * retry, by two tabs, or by a beacon that nobody confirms, it counts once. */
(function (w, d) {
  "use strict";
  if (w.footfall && w.footfall.loaded) return;

  var SECOND = 1000, HOUR = 3600 * SECOND, DAY = 24 * HOUR;
  var EVERY = 3 * SECOND, PATIENCE = 20 * SECOND, LONGEST_WAIT = 60 * SECOND;
  var SILENCE = HOUR / 2, KEPT = 7 * DAY;
  var BATCH_EVENTS = 500, BATCH_SIZE = 60000, ENVELOPE = 100, QUEUE_EVENTS = 1000, QUEUE_SIZE = 256000;
  var OURS = "footfall.", EVENT = "event.", FRESH = "0", BEACONED = "1";

  var script = d.currentScript || d.querySelector('script[src*="footfall.js"]') || {};
  var options = script.dataset || {};
  var base = options.endpoint ? new URL(options.endpoint, d.baseURI) : new URL(".", script.src || d.baseURI);
  var url = base.href.replace(/\/*$/, "/collect");
  var asks = options.consent === "required";

  var memory = {}; // what localStorage would not take
  var early = (w.footfall && w.footfall.q) || [], running = false; // what was called too early
  var me = random(), latest = 0, timer = 0, sending = null;
  var here = address(), before = d.referrer; // the page, and the one before it
  var counted, shown; // the address whose view is counted, and the last view as it was recorded
  var known; // the visitor's id by identify, also before it may be stored

  // ---- what the visitor allows

  function objects() {
    return navigator.globalPrivacyControl || navigator.doNotTrack === "1" || w.doNotTrack === "1";
  }

  function allowed() {
    return !objects() && (get("consent") || (asks ? "no" : "yes")) === "yes";
  }

  function consent(given) {
    var was = allowed();
    if (objects()) return;
    if (!given) forget();
    if (given || !asks) write("consent", given ? "yes" : "no");
    if (was || !given) return;
    if (known) write("visitor", known);
    if (shown) record(shown[0], shown[1]);
    else show();
  }

  function forget() {
    names("").forEach(remove);
    if (sending) sending.abort();
  }

  // ---- storage: localStorage, or where there is none, this page's memory

  function get(name) {
    if (name in memory) return memory[name];
    try { return localStorage.getItem(OURS + name); } catch (blocked) { return null; }
  }

  function set(name, text) {
    if (allowed()) write(name, text);
  }

  function write(name, text) {
    remove(name);
    try { localStorage.setItem(OURS + name, text); } catch (full) { memory[name] = text; }
  }

  function remove(name) {
    delete memory[name];
    try { localStorage.removeItem(OURS + name); } catch (blocked) { /* then it is not there */ }
  }

  function names(prefix) {
    var all = Object.keys(memory);
    try {
      Object.keys(localStorage).forEach(function (key) {
        if (key.indexOf(OURS) === 0) all.push(key.slice(OURS.length));
      });
    } catch (blocked) { /* memory is all there is */ }
    return all.filter(function (name) { return name.indexOf(prefix) === 0; }).sort();
  }

  function parts(name) {
    return (get(name) || "").split(" ");
  }

  // ---- who it is

  function random() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return (256 + byte).toString(16).slice(1);
    }).join("");
  }

  function visitor() {
    var id = get("visitor") || random();
    set("visitor", id);
    return id;
  }

  function session(now) {
    var old = parts("session"), id = old[0], start = old[1], last = old[2]; // no number: compares as false
    if (!(Math.abs(now - last) <= SILENCE && Math.abs(now - start) <= DAY)) {
      id = random();
      start = now;
    }
    set("session", [id, start, now].join(" "));
    return id;
  }

  // ---- events

  function address() {
    return location.href.replace(/#(?![!/]).*/, "").slice(0, 2000); // #/ and #! are routes of the page's own
  }

  function record(type, fields) {
    if (address() !== here) {
      before = here;
      here = address();
    }
    if (type === "view" || type === "page") {
      counted = here;
      shown = [type, fields];
    }
    if (!allowed()) return;
    var now = Date.now(), id = random();
    var event = JSON.stringify({
      userId: visitor(), sessionId: session(now), event_type: type, productId: fields.productId,
      page: here, referrer: before.slice(0, 2000) || undefined, timestamp: now, event_id: id,
      name: fields.name, properties: fields.properties
    }).replace(/[^ -~]/g, function (unit) { // one character is then one byte
      return "\\u" + ("000" + unit.charCodeAt(0).toString(16)).slice(-4);
    });
    if (event.length >= BATCH_SIZE - ENVELOPE) {
      drop([""]);
      throw new Error(type + " is too large");
    }
    latest = Math.max(latest + 1, now * 1000); // names in the order of the events, also within a millisecond
    set(EVENT + latest + " " + id, FRESH + event);
    cap();
    later(EVERY);
  }

  function cap() {
    var size = 0, kept = 0;
    drop(names(EVENT).reverse().filter(function (name) {
      size += (get(name) || "").length; // another tab removed it
      return ++kept > QUEUE_EVENTS || size > QUEUE_SIZE;
    }));
  }

  function drop(gone) {
    gone.forEach(remove);
    if (gone.length) set("dropped", +get("dropped") + gone.length);
  }

  // ---- sending

  function take(fresh) {
    var batch = [], size = ENVELOPE, oldest = (Date.now() - KEPT) * 1000;
    names(EVENT).every(function (name) {
      var text = get(name);
      if (text === null) return true; // another tab removed it
      // The collector would not know an old one again.
      if (parseInt(name.slice(EVENT.length), 10) < oldest || !sound(text)) drop([name]);
      else if (!fresh || text[0] === FRESH) {
        size += text.length;
        if (size > BATCH_SIZE) return false;
        batch.push({ name: name, event: text.slice(1) });
      }
      return batch.length < BATCH_EVENTS;
    });
    return batch;
  }

  function sound(text) { // others write there too, and what is no JSON would cost a whole batch
    try {
      JSON.parse(text.slice(1));
      return /^[01]\{[ -~]+$/.test(text) && text.length <= BATCH_SIZE - ENVELOPE;
    } catch (damaged) { return false; }
  }

  function body(batch) {
    var events = batch.map(function (one) { return one.event; });
    return '{"sent_at":' + Date.now() + ',"events":[' + events + "]}";
  }

  function later(delay) {
    timer = timer || setTimeout(flush, delay);
  }

  function flush() {
    timer = 0;
    if (sending || !names(EVENT).length || !allowed()) return;
    (waiting() ? Promise.resolve() : alone(send)).then(function () {
      if (names(EVENT).length) later(waiting() || EVERY);
    });
  }

  function waiting() { // milliseconds; a wait that is too long is from a clock that was put back
    var left = parts("wait")[0] - Date.now();
    return left > 0 && left <= HOUR ? left : 0;
  }

  function alone(work) { // one tab sends at a time; the others find an empty queue
    function leased() { // pages without https have no locks
      var lease = parts("lease"), now = Date.now();
      if (lease[0] !== me && Math.abs(lease[1] - now) < PATIENCE) return Promise.resolve();
      set("lease", me + " " + now);
      return new Promise(function (done) { setTimeout(done, 200); }).then(function () { // tabs hear of it with a delay
        return parts("lease")[0] === me && work().then(release);
      });
    }
    if (!navigator.locks) return leased();
    return navigator.locks.request("footfall", { ifAvailable: true }, function (lock) {
      return lock && work();
    }).catch(leased);
  }

  function release() {
    if (parts("lease")[0] === me) remove("lease");
  }

  async function send() {
    for (var batch = take(); batch.length && allowed(); batch = take()) {
      var limit, answer = null;
      sending = new AbortController();
      try {
        limit = setTimeout(sending.abort.bind(sending), PATIENCE);
        answer = await fetch(url, {
          method: "POST", mode: "cors", credentials: "omit", body: body(batch), signal: sending.signal
        });
        var status = answer.status;
        if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
          drop(batch.map(function (one) { return one.name; })); // it would be refused again
        } else {
          var said = answer.ok && await answer.json();
          if (!said || typeof said.accepted !== "number") throw said; // a stranger's page, for example
          batch.forEach(function (one) { remove(one.name); });
          if (said.refused && said.refused.length) set("dropped", +get("dropped") + said.refused.length);
        }
        remove("wait");
      } catch (failed) {
        return wait(answer);
      } finally {
        clearTimeout(limit);
        sending = null;
      }
    }
  }

  function wait(answer) {
    var failures = (+parts("wait")[1] || 0) + 1, now = Date.now();
    var after = answer && answer.headers.get("Retry-After");
    var asked = after ? (isNaN(after) ? Date.parse(after) - now : after * SECOND) + Math.random() * 2 * SECOND : 0;
    var most = Math.min(LONGEST_WAIT, SECOND * Math.pow(2, failures));
    var delay = Math.max(asked || 0, SECOND + Math.random() * (most - SECOND));
    set("wait", [Math.round(now + Math.min(delay, HOUR)), failures, asked > 0 ? "asked" : ""].join(" "));
  }

  function leave() {
    release();
    if (!allowed() || !navigator.sendBeacon || (waiting() && parts("wait")[2])) return;
    var batch = take(true);
    if (!batch.length || !navigator.sendBeacon(url, body(batch))) return;
    // Nobody tells whether it arrived: the events stay, and the next page sends them once more and hears the answer.
    batch.forEach(function (one) { set(one.name, BEACONED + one.event); });
  }

  // ---- what is seen without being told

  function product() { // the body's own, or the only one on the page: a list of products shows none of them
    var found = d.querySelectorAll("[data-product-id]"), first = found[0];
    if (!first) return "";
    var id = first.dataset.productId;
    function same(one) { return one.dataset.productId === id; }
    return first === d.body || Array.from(found).every(same) ? id : "";
  }

  function show() {
    if (d.readyState === "loading" || options.auto === "off" || address() === counted) return; // begin waits
    var id = product();
    record(id ? "view" : "page", { productId: id || undefined });
  }

  function moved() { // pages write their new content after the new address, if not at once
    setTimeout(show, 100);
  }

  function begin() {
    running = true;
    if (objects()) forget();
    early.forEach(function (call) { footfall.apply(null, call); });
    if (names(EVENT).length) later(EVERY);
    if (d.readyState === "loading") d.addEventListener("DOMContentLoaded", show);
    else show();
    ["pushState", "replaceState"].forEach(function (name) {
      var original = history[name];
      history[name] = function () {
        var result = original.apply(this, arguments);
        moved();
        return result;
      };
    });
    w.addEventListener("popstate", moved);
    w.addEventListener("pagehide", leave);
    w.addEventListener("pageshow", function (event) {
      if (!event.persisted) return;
      counted = null; // back from another page
      show();
      if (names(EVENT).length) later(EVERY);
    });
    d.addEventListener("visibilitychange", function () {
      if (d.visibilityState === "hidden") leave();
    });
    d.addEventListener("click", function (event) {
      var button = event.target.closest && event.target.closest("[data-footfall-cart]");
      if (button) footfall("cart", button.dataset.footfallCart);
    }, true);
  }

  // ---- what pages call

  function footfall(command, subject, properties) {
    if (!running) return early.push(arguments);
    try {
      switch (command) {
        case "view": case "cart": case "remove_from_cart": case "purchase": case "page":
          var id = subject && typeof subject === "object" ? subject.productId : subject;
          if (!id && command !== "page") throw new Error(command + " needs a productId");
          return record(command, { productId: id ? String(id) : undefined });
        case "custom":
          if (!subject) throw new Error("custom needs a name");
          return record(command, { name: String(subject), properties: properties });
        case "identify":
          if (!subject) throw new Error("identify needs a user's id");
          return set("visitor", known = String(subject));
        case "consent": return consent(subject);
        case "reset": known = ""; remove("visitor"); return remove("session");
        case "status": return { allowed: allowed(), queued: names(EVENT).length, dropped: +get("dropped") };
        default: throw new Error("there is no command " + command);
      }
    } catch (error) {
      console.warn("footfall:", error.message); // a shop's page goes on whatever happens here
    }
  }

  footfall.loaded = true;
  w.footfall = footfall;
  if (d.prerendering) d.addEventListener("prerenderingchange", begin, { once: true });
  else begin();
})(window, document);
