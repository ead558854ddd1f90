"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    const sort = (head, place) => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[place].dataset.v ?? row.cells[place].textContent;
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        const by = place === 0 ? y.localeCompare(x) : Number(x) - Number(y);
        return down ? -by : by;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    };
    heads.forEach((head, place) => {
      head.tabIndex = 0;
      head.addEventListener("click", () => sort(head, place));
      head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(head, place); });
    });
  }

  const charts = JSON.parse(document.getElementById("hover").textContent);
  const tip = document.createElement("div");
  tip.className = "tip";
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
  cursor.setAttribute("class", "cursor");
  const hide = () => { tip.remove(); cursor.remove(); };
  const show = (svg, data, event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale;
    let near = 0;
    data.places.forEach((place, at) => { if (Math.abs(place - x) < Math.abs(data.places[near] - x)) near = at; });
    if (data.places.length === 0) return;
    tip.replaceChildren();
    const head = document.createElement("b");
    head.textContent = data.heads[near];
    tip.append(head);
    for (const row of data.rows) {
      const [line, label, value] = ["span", "em", "strong"].map((tag) => document.createElement(tag));
      label.textContent = row.name;
      const key = svg.querySelector("." + row.class.split(" ").join("."));
      if (key) label.style.setProperty("--swatch", getComputedStyle(key).color);
      value.textContent = row.values[near];
      line.append(label, value);
      tip.append(line);
    }
    cursor.setAttribute("d", `M${data.places[near]} ${data.top}V${data.bottom}`);
    svg.append(cursor);
    const figure = svg.closest("figure");
    figure.append(tip);
    const frame = figure.getBoundingClientRect();
    const at = box.left - frame.left + data.places[near] / scale;
    const left = at + 14 + tip.offsetWidth > frame.width ? at - 14 - tip.offsetWidth : at + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, event.clientY - frame.top - tip.offsetHeight - 8)}px`;
  };
  for (const svg of document.querySelectorAll("svg.chart")) {
    const data = charts[svg.id];
    if (!data) continue;
    svg.addEventListener("pointermove", (event) => show(svg, data, event));
    svg.addEventListener("pointerleave", hide);
  }
})();
