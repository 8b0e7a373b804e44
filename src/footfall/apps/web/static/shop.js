// Turns pages that work without scripts into ones that are handier: an open panel, and a cart form in one step.
"use strict";

(() => {
  const panel = document.getElementById("panel");
  const wide = window.matchMedia("(min-width: 60rem)");
  if (panel) {
    // Where there is room the panel stands open (shop.css); then it is to say so, too.
    const fit = () => { panel.open = wide.matches; };
    fit();
    wide.addEventListener("change", fit);
    panel.querySelector("summary").addEventListener("click", (event) => {
      if (wide.matches) event.preventDefault();
    });
  }

  const options = document.getElementById("cart-options");
  const username = document.getElementById("username");
  if (options && username) {
    const hint = document.getElementById("cart-hint");
    const reveal = () => {
      const named = username.value.trim() !== "";
      options.hidden = options.disabled = !named;
      if (hint) hint.textContent = named ? "The options are below." : "The options show when there is a username.";
    };
    // The options come while typing: no step in between is needed.
    document.getElementById("cart-continue")?.remove();
    username.addEventListener("input", reveal);
    window.addEventListener("pageshow", reveal); // a browser may have filled the name in again
    reveal();
  }
})();
