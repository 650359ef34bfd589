// Opens what a cell leads to, and finds requirements. Without it the page shows the same, to be opened by hand.
const words = document.getElementById("words"), profile = document.getElementById("profile"), musts = document.getElementById("musts");
const found = [...document.querySelectorAll("[data-text]")], items = [...document.querySelectorAll(".gateway details")];
const gateways = [...document.querySelectorAll("[data-profile]")];

function open_target() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

function show() {
  const wanted = words.value.trim().toLowerCase(), narrowed = Boolean(wanted) || musts.checked;
  for (const row of found)
    row.hidden = !row.dataset.text.includes(wanted) || (musts.checked && row.dataset.level !== "MUST");
  for (const part of gateways)
    part.hidden = (Boolean(profile.value) && part.dataset.profile !== profile.value)
      || (narrowed && part.matches(".gateway") && ![...part.querySelectorAll("[data-text]")].some(row => !row.hidden));
  let count = 0;
  for (const item of items) {
    const inside = [...item.querySelectorAll("[data-text]")];
    if (!inside.length) continue;
    const left = inside.filter(row => !row.hidden).length;
    item.hidden = narrowed && !left;
    item.open = Boolean(wanted) && left > 0;
    if (!item.closest(".gateway").hidden) count += left;
  }
  document.getElementById("count").textContent = narrowed ? `${count} found` : "";
}

document.getElementById("filter").hidden = false;
document.getElementById("filter").onsubmit = event => event.preventDefault();
words.oninput = profile.onchange = musts.onchange = show;
window.addEventListener("hashchange", open_target);
document.addEventListener("click", event => { if (event.target.closest?.("a[href^='#']")) setTimeout(open_target); });
open_target();
