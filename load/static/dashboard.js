// The dashboard: asks locust every two seconds, as locust's own page does, for what is new and shows it. Everything of the gateway's is set as text.
"use strict";

(() => {
  const COLUMNS = ["figure", "count", "mean", "p50", "p90", "p95", "p99", "max"];
  const SHOWN_S = 1800;
  const ASK_MS = 2000;
  const OPTIONAL = new Set(["lateness"]);
  const $ = (id) => document.getElementById(id);
  const embedded = new URL(location.href).searchParams.has("embedded");
  let known = { run: null, start: 0, columns: null };
  let update;

  function element(kind, text, className) {
    const made = Object.assign(document.createElement(kind), { textContent: text });
    if (className) made.className = className;
    return made;
  }

  function theme() {
    let chosen;
    try { chosen = localStorage.theme; } catch { /* storage may be forbidden */ }
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
    document.dispatchEvent(new Event("gateproof-theme"));
  }

  function remember(run, { start, columns }) {
    const fresh = run !== known.run || !known.columns || start < known.start;
    if (fresh) {
      known = { run, start, columns };
      return;
    }
    const keep = start - known.start;
    const drop = Math.max(0, keep + columns.t_s.length - SHOWN_S);
    for (const key of Object.keys(columns)) {
      known.columns[key] = [...known.columns[key].slice(drop, keep), ...columns[key]];
    }
    known.start += drop;
  }

  const ms = (seconds) => seconds === null || seconds === undefined ? "–" : gateproofCharts.number(seconds * 1000);

  // While the run goes on the tiles show its last second, beside the figures of all answers that have ended.
  function tiles({ figures, live }) {
    const number = gateproofCharts.number;
    const now = (name) => known.columns[name].at(-1) ?? null;
    const active = live ? now("active") : 0;
    const rate = (name) => live
      ? [number(now(name)), `now; mean ${number(figures[name])}`]
      : [number(figures[name]), "mean of the run"];
    const time = (all, name, high) => live
      ? [`${ms(now(name))} ms`, `now; all p50 ${ms(all.p50)}, ${high} ${ms(all[high])} ms`]
      : [`${ms(all.p50)} ms`, `${high} ${ms(all[high])} ms`];
    const errors = figures.failed;
    const broken = (figures.violations || []).reduce((sum, { count }) => sum + count, 0);
    const bad = (count) => count ? "bad" : "";
    return [
      ["Under way", number(active), `${number(figures.requests)} ended`],
      ["Events/s", ...rate("events_per_s")],
      ["Tokens/s", ...figures.tokens === null && figures.requests ? ["–", "no usage"] : rate("tokens_per_s")],
      ["TTFT p50", ...time(figures.ttft_s, "ttft_p50_s", "p95")],
      ["ITL p50", ...time(figures.itl_s, "itl_p50_s", "p99")],
      ["Failed", errors, figures.requests ? `${(100 * errors / figures.requests).toFixed(2)} %` : "", bad(errors)],
      ["Violations", broken, "streams that break a rule", bad(broken)],
      ["Stalls", figures.stalls, "gaps over the limit", figures.stalls ? "doubt" : ""],
    ];
  }

  function trust(client, requests) {
    const banner = $("trust");
    banner.hidden = !requests || client.trustworthy === undefined || client.trustworthy === null;
    if (banner.hidden) return;
    banner.className = `banner ${client.trustworthy ? "good" : "doubt"}`;
    const sentence = client.trustworthy
      ? "The client keeps up: these figures are the gateway's."
      : "The client is the bottleneck: these figures can't be trusted.";
    const reasons = document.createElement("ul");
    reasons.append(...(client.reasons || []).map((reason) => element("li", reason)));
    banner.replaceChildren(element("strong", sentence), ...(client.reasons || []).length ? [reasons] : []);
  }

  function evidence(section, found) {
    $(section).hidden = !found.length;
    $(section).querySelector("tbody").replaceChildren(...found.map(([name, count, example]) => {
      const line = document.createElement("tr");
      line.append(element("td", name), element("td", count, "figure"), element("td", example || ""));
      return line;
    }));
  }

  function show(answer) {
    remember(answer.run, answer.series);
    const { figures, state } = answer;
    const model = figures.model || "not chosen yet";
    $("what").textContent = `${figures.base_url || "no URL yet"} · model ${model} · ${state}`;
    trust(figures.client, figures.requests);
    $("tiles").replaceChildren(...tiles(answer).map(([name, value, note, className]) => {
      const tile = document.createElement("div");
      tile.append(element("dt", name), element("dd", value, className));
      tile.lastChild.append(element("small", note));
      return tile;
    }));
    $("rows").replaceChildren(...answer.rows.map((row) => {
      const line = document.createElement("tr");
      line.append(...COLUMNS.map((name) => element("td", row[name])));
      return line;
    }));
    evidence("errors", Object.entries(figures.errors)
      .sort((one, other) => other[1] - one[1]).map(([kind, count]) => [kind, count, figures.error_examples[kind]]));
    evidence("violations", figures.violations.map(({ rule, count, example }) => [rule, count, example]));
    update(known.columns);
  }

  async function ask() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    const rows = known.columns ? known.start + known.columns.t_s.length : 0;
    try {
      const reply = await fetch(`gateproof.json?run=${known.run ?? ""}&rows=${rows}`);
      if (reply.redirected || !reply.ok) throw new Error(reply.redirected ? "please log in again" : `HTTP ${reply.status}`);
      show(await reply.json());
    } catch (error) {
      $("what").textContent = `locust does not answer (${error.message}); the figures below are the last ones seen`;
    }
    setTimeout(ask, ASK_MS);
  }

  async function begin() {
    theme();
    addEventListener("storage", theme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
    $("header").hidden = embedded;
    if (embedded && frameElement) {
      new ResizeObserver(() => { frameElement.style.height = `${document.body.scrollHeight + 8}px`; }).observe(document.body);
    }
    $("head").append(...COLUMNS.map((name) => element("th", name)));
    const specification = await (await fetch("gateproof/charts.json")).json();
    update = gateproofCharts.series($("charts"), specification, (name) => OPTIONAL.has(name));
    await ask();
  }

  begin();
})();
