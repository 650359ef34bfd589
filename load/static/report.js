// Draws the charts of load.html from the figures that the page itself holds.
"use strict";

(() => {
  const { specification, columns, curves } = JSON.parse(document.getElementById("data").textContent);
  const charts = document.getElementById("charts");
  if (charts) gateproofCharts.series(charts, specification, () => true)(columns);
  document.querySelectorAll(".charts.curve").forEach((parent, at) => {
    for (const one of curves[at]) gateproofCharts.curve(parent, one);
  });
})();
