// Puts the dashboard into its tab of locust's own page. Should locust's page change its shape, the tab still has the
// table that locust itself draws from our figures, and the dashboard its own address.
"use strict";

(() => {
  const TAB = "gateproof";
  const style = document.createElement("style");
  style.textContent = `.gateproof-shown > :not(:first-child):not(.gateproof-frame) { display: none; }
    .gateproof-frame { border: 0; width: 100%; min-height: 40rem; display: none; }
    .gateproof-shown > .gateproof-frame { display: block; }`;
  document.head.append(style);
  let frame;

  function place() {
    const tabs = document.querySelector("[role=tablist]");
    const container = tabs && tabs.closest(".MuiContainer-root");
    if (!container) return;
    const shown = new URL(location.href).searchParams.get("tab") === TAB;
    if (shown && (!frame || frame.parentElement !== container)) {
      frame = document.createElement("iframe");
      frame.className = "gateproof-frame";
      frame.title = "Streaming figures";
      frame.src = "./gateproof?embedded";
      container.append(frame);
    }
    if (container.classList.contains("gateproof-shown") !== shown) container.classList.toggle("gateproof-shown", shown);
  }

  new MutationObserver(place).observe(document.getElementById("root"), {
    subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected"],
  });
  addEventListener("popstate", () => setTimeout(place));
  place();
})();
