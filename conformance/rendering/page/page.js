// The filter of report.html. What is chosen stands in the fragment of the URL, so that a link opens the same view;
// without this script everything is shown.
"use strict";
const form = document.querySelector(".filter");
const items = [...document.querySelectorAll(".item")];
const sections = [...document.querySelectorAll(".verdicts, .group")];
const kept = document.querySelector(".kept");
const nothing = document.getElementById("nothing");
const [words, area, level] = ["q", "area", "level"].map(id => document.getElementById(id));
const verdicts = [...form.querySelectorAll("[name=verdict]")];
const texts = new Map();

function searched(item) {
  if (!texts.has(item))
    texts.set(item, [...item.querySelectorAll("summary, .facts, .line")].map(part => part.textContent).join(" ").toLowerCase());
  return texts.get(item);
}

function show() {
  const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = verdicts.filter(box => box.checked).map(box => box.value);
  let count = 0;
  for (const item of items) {
    const data = item.dataset;
    item.hidden = Boolean((area.value && data.area !== area.value) || (level.value && data.level !== level.value)
      || (chosen.length && !chosen.includes(data.verdict)) || !wanted.every(word => searched(item).includes(word)));
    count += !item.hidden;
  }
  for (const section of sections) section.hidden = !section.querySelector(".item:not([hidden])");
  const all = count === items.length;
  if (kept) kept.open = !all;
  nothing.hidden = count > 0;
  document.getElementById("shown").textContent = all ? `${count} requirements` : `${count} of ${items.length} requirements`;
}

function fragment() {
  const found = [["verdict", verdicts.filter(box => box.checked).map(box => box.value).join(",")],
    ["area", area.value], ["level", level.value], ["q", words.value.trim()]].filter(([, value]) => value);
  return found.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
}

function changed() {
  show();
  history.replaceState(null, "", "#" + fragment());
}

function all() {
  form.reset();
  changed();
}

// The view that the fragment names: a requirement, or what is chosen in the filter.
function open() {
  const name = decoded(location.hash.slice(1)), target = document.getElementById(name);
  if (target?.matches(".item")) {
    form.reset();
    show();
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    target.scrollIntoView();
    return;
  }
  const asked = new Map(location.hash.slice(1).split("&").map(part => part.split("=").map(decoded)));
  if (name && !["verdict", "area", "level", "q"].some(key => asked.has(key))) return;
  const of = (asked.get("verdict") ?? "").split(",");
  for (const box of verdicts) box.checked = of.includes(box.value);
  for (const [field, key] of [[area, "area"], [level, "level"]])
    field.value = [...field.options].some(option => option.value === asked.get(key)) ? asked.get(key) : "";
  words.value = asked.get("q") ?? "";
  show();
  if (name) document.getElementById("requirements").scrollIntoView();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function copyable(part) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(part.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(part);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  part.before(button);
}

for (const item of items)
  item.addEventListener("toggle", () => {
    if (item.open && !item.querySelector(".copy"))
      for (const part of item.querySelectorAll("pre[aria-label=curl], pre[aria-label=Python]")) copyable(part);
  });
form.hidden = false;
form.addEventListener("input", changed);
form.addEventListener("submit", event => event.preventDefault());
for (const button of [form.querySelector("button"), nothing.querySelector("button")]) button.addEventListener("click", all);
addEventListener("hashchange", open);
open();
