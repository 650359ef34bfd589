// Draws the charts of a load.json's series with uPlot: the dashboard feeds it second by second, load.html once.
"use strict";

const gateproofCharts = (() => {
  const SYNC = "gateproof";
  const INKS = ["--line-1", "--line-2", "--line-3"];
  const HEIGHT = 180;
  const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const COUNTING = [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4, 5, 6].map((zeros) => step * 10 ** zeros)).sort((a, b) => a - b);

  const probe = document.createElement("span");
  probe.hidden = true;
  function ink(name) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }

  function number(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size >= 1000) return Math.round(value).toLocaleString("en");
    if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
    return value.toFixed(size >= 10 ? 1 : 2);
  }

  function clock(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    const whole = Math.round(seconds);
    const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
    return whole < 3600 ? parts.join(":") : [Math.floor(whole / 3600), ...parts].join(":");
  }

  const axis = (values, extra) => ({
    stroke: () => ink("--soft"),
    grid: { stroke: () => ink("--rule"), width: 1 },
    ticks: { stroke: () => ink("--rule"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
    values: (_, splits) => splits.map(values),
    ...extra,
  });

  function line(label, index, show) {
    return {
      label, value: (_, value) => show(value), stroke: () => ink(INKS[index]), width: 1.8,
      points: { size: 4, fill: () => ink(INKS[index]) },
    };
  }

  // A figure with a heading, the chart and one sentence; `draw` gets the element that the chart goes into.
  function frame(parent, title, about) {
    const figure = document.createElement("figure");
    const heading = document.createElement("h3");
    const holder = document.createElement("div");
    const caption = document.createElement("figcaption");
    heading.textContent = title;
    caption.textContent = about;
    figure.append(heading, holder, caption);
    parent.append(figure);
    holder.setAttribute("role", "img");
    return { figure, holder };
  }

  function draw(holder, options, data) {
    const width = () => Math.max(240, holder.clientWidth);
    const plot = new uPlot({ width: width(), height: HEIGHT, legend: { live: true }, ...options }, data, holder);
    new ResizeObserver(() => {
      if (plot.width !== width()) plot.setSize({ width: width(), height: HEIGHT });
    }).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
    document.addEventListener("gateproof-theme", () => plot.redraw());
    return plot;
  }

  function described(title, unit, lines, data) {
    const parts = lines.map((label, index) => {
      const known = data[index + 1].filter((value) => value !== null);
      if (!known.length) return `${label}: nothing`;
      const highest = known.reduce((most, value) => Math.max(most, value));
      const lowest = known.reduce((least, value) => Math.min(least, value));
      return `${label} from ${number(lowest)} to ${number(highest)}, last ${number(known[known.length - 1])}`;
    });
    return `${title} in ${unit}. ${parts.join("; ")}.`;
  }

  // All charts of `specification` in `parent`. The returned function shows new columns; it may be called for ever.
  function series(parent, specification, hideEmpty) {
    const drawn = specification.map((chart) => {
      const { figure, holder } = frame(parent, `${chart.title} (${chart.unit})`, chart.about);
      const labels = chart.lines.map((one) => one.label);
      const options = {
        cursor: { sync: { key: SYNC }, points: { size: 7 } },
        scales: {
          x: { time: false },
          y: { range: (_, least, most) => [0, most > 0 ? most * 1.08 : 1] },
        },
        axes: [axis(clock, { space: 60, size: 30, incrs: SECONDS }), axis(number, { size: 58, ...chart.scale === 1 ? { incrs: COUNTING } : {} })],
        series: [{ label: "at", value: (_, value) => clock(value) }, ...labels.map((one, at) => line(one, at, number))],
      };
      const plot = draw(holder, options, [[], ...labels.map(() => [])]);
      return { chart, figure, holder, labels, plot };
    });
    return (columns) => {
      for (const { chart, figure, holder, labels, plot } of drawn) {
        const scaled = chart.lines.map(({ key }) => columns[key].map((value) => value === null ? null : value * chart.scale));
        const empty = scaled.every((column) => column.every((value) => value === null));
        figure.hidden = hideEmpty(chart.name) && empty;
        if (figure.hidden) continue;
        const data = [columns.t_s, ...scaled];
        plot.setData(data);
        requestAnimationFrame(() => {
          if (!(plot.cursor.left >= 0) && columns.t_s.length) plot.setLegend({ idx: columns.t_s.length - 1 });
        });
        holder.setAttribute("aria-label", described(chart.title, chart.unit, labels, data));
      }
    };
  }

  // Round numbers from one to the other, for a logarithmic axis: as many as there is room for.
  function steps(least, most) {
    let found = [];
    const every = (part) => Array.from({ length: 9 * part }, (_, index) => 1 + index / part);
    for (const mantissas of [every(10), every(2), [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1]]) {
      found = [];
      for (let ten = 10 ** Math.floor(Math.log10(least)); ten <= most; ten *= 10) {
        found.push(...mantissas.map((mantissa) => Number((mantissa * ten).toPrecision(2))));
      }
      found = found.filter((value) => value >= least && value <= most);
      if (found.length <= 6) break;
    }
    return found;
  }

  // One chart of y over x, both numeric, such as goodput over rate. `lines` are {label, points}; `log`: x is logarithmic.
  function curve(parent, { title, about, x, y, log, lines }) {
    const { holder } = frame(parent, title, about);
    const at = [...new Set(lines.flatMap(({ points }) => points.map((point) => point[0])))].sort((a, b) => a - b);
    const data = [at, ...lines.map(({ points }) => {
      const known = new Map(points);
      return at.map((value) => known.get(value) ?? null);
    })];
    const logarithmic = { distr: 3, range: (_, least, most) => [least / 1.1, most * 1.1] };
    const ticks = { splits: (_, index, least, most) => steps(least, most), filter: (_, splits) => splits };
    draw(holder, {
      scales: { x: { time: false, ...log ? logarithmic : {} }, y: { range: (_, least, most) => [0, most * 1.05] } },
      axes: [axis(number, {
        label: x, labelSize: 18, size: 30, space: 60, labelFont: "12px system-ui, sans-serif", ...log ? ticks : {},
      }),
        axis(number, { size: 58 })],
      series: [{ label: x, value: (_, value) => number(value) },
        ...lines.map(({ label }, index) => ({ ...line(`${label} (${y})`, index, number), spanGaps: true }))],
    }, data);
    holder.setAttribute("aria-label", described(title, y, lines.map(({ label }) => label), data));
  }

  return { series, curve, number, clock };
})();
