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

  const choice = document.querySelector("#choice select");
  const choose = () => {
    const each = choice.value === "each";
    for (const figure of document.querySelectorAll("figure[data-of]")) {
      const of = figure.dataset.of;
      figure.hidden = of !== "every" && (each ? of === "all" : of !== choice.value);
    }
  };
  if (choice) {
    document.getElementById("choice").hidden = false;
    choice.addEventListener("change", choose);
    choose();
  }

  const texts = JSON.parse(document.getElementById("hover").textContent);
  const shape = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent?.append(element);
    return element;
  };
  const tip = document.createElement("div");
  tip.className = "tip";
  const cursor = shape("path", { class: "cursor" });
  const hide = () => { tip.remove(); cursor.remove(); };

  // The part of the run that is shown, in seconds; nothing is the whole.
  let part = null;
  class Chart {
    constructor(svg, data) {
      this.svg = svg;
      this.data = data;
      this.near = -1;
      this.plot = svg.querySelector(".plot");
      if (!this.plot) return;
      const box = this.plot.viewBox.baseVal;
      this.box = { x: box.x, y: box.y, width: box.width, height: box.height };
      this.ticks = svg.querySelector(".xticks");
      this.whole = [...this.ticks.children];
      this.labels = [...svg.querySelectorAll("text[data-x]")].map((text) => [text, Number(text.dataset.x), Number(text.getAttribute("x"))]);
      svg.classList.add("timed");
    }
    get shown() { return part ?? this.data.span; }
    unit(seconds) {
      const [low, high] = this.data.span;
      return this.box.x + this.box.width * (seconds - low) / (high - low);
    }
    // Where a place of the whole picture stands in the one that is shown.
    place(x) {
      if (!this.plot) return x;
      const [from, to] = this.shown.map((seconds) => this.unit(seconds));
      return this.box.x + (x - from) * this.box.width / (to - from);
    }
    seconds(x) {
      const [from, to] = this.shown;
      const share = Math.min(1, Math.max(0, (x - this.box.x) / this.box.width));
      return from + share * (to - from);
    }
    visible(x) { return !this.plot || (x >= this.box.x - 1 && x <= this.box.x + this.box.width + 1); }
    pointed(event) {
      const box = this.svg.getBoundingClientRect();
      return (event.clientX - box.left) * this.svg.viewBox.baseVal.width / box.width;
    }
    draw() {
      const { x, y, width, height } = this.box;
      const [from, to] = this.shown.map((seconds) => this.unit(seconds));
      this.plot.setAttribute("viewBox", `${from} ${y} ${to - from} ${height}`);
      for (const [text, line, at] of this.labels) {
        text.setAttribute("x", at + this.place(line) - line);
        text.style.visibility = this.visible(this.place(line)) ? "" : "hidden";
      }
      this.ticks.replaceChildren(...(part ? [] : this.whole));
      if (part === null) return;
      const step = steps.find((step) => (part[1] - part[0]) / step <= 10) ?? steps.at(-1);
      for (let at = Math.ceil(part[0] / step) * step; at <= part[1]; at += step) {
        const place = this.place(this.unit(at));
        shape("path", { class: "tickmark", d: `M${place} ${this.data.bottom}v5` }, this.ticks);
        const label = clock(at);
        // The last label must not hang over the edge.
        const x = Math.min(place, this.svg.viewBox.baseVal.width - 2 - label.length * 3.35);
        shape("text", { class: "tick", x, y: this.data.bottom + 18, "text-anchor": "middle" }, this.ticks).textContent = label;
      }
    }
    tell(near, height) {
      this.near = near;
      tip.replaceChildren();
      const head = document.createElement("b");
      head.textContent = this.data.heads[near];
      tip.append(head);
      for (const row of this.data.rows) {
        const [line, label, value] = ["span", "em", "strong"].map((tag) => document.createElement(tag));
        label.textContent = row.name;
        const key = this.svg.querySelector("." + row.class.split(" ").join("."));
        if (key) label.style.setProperty("--swatch", getComputedStyle(key).color);
        value.textContent = row.values[near];
        line.append(label, value);
        tip.append(line);
      }
      const place = this.place(this.data.places[near]);
      cursor.setAttribute("d", `M${place} ${this.data.top}V${this.data.bottom}`);
      this.svg.append(cursor);
      const figure = this.svg.closest("figure");
      figure.append(tip);
      const [frame, box] = [figure, this.svg].map((element) => element.getBoundingClientRect());
      const at = box.left - frame.left + place * box.width / this.svg.viewBox.baseVal.width;
      const left = at + 14 + tip.offsetWidth > frame.width ? at - 14 - tip.offsetWidth : at + 14;
      tip.style.left = `${Math.max(0, left)}px`;
      tip.style.top = `${Math.max(0, height - frame.top - tip.offsetHeight - 8)}px`;
    }
    point(event) {
      const x = this.pointed(event);
      const away = (place) => Math.abs(this.place(place) - x);
      let near = -1;
      this.data.places.forEach((place, at) => {
        if (this.visible(this.place(place)) && (near < 0 || away(place) < away(this.data.places[near]))) near = at;
      });
      if (near >= 0) this.tell(near, event.clientY);
    }
    step(by) {
      const near = Math.min(this.data.places.length - 1, Math.max(0, this.near + by));
      if (near < 0) return;
      const at = this.plot && part ? this.at(near) : 0;
      // The part follows whoever reads beyond its end.
      if (this.plot && part && (at < part[0] || at > part[1])) {
        const move = at < part[0] ? at - part[0] : at - part[1];
        zoom(part[0] + move, part[1] + move);
      }
      this.tell(near, this.svg.getBoundingClientRect().top + 60);
    }
    at(near) {
      const [low, high] = this.data.span;
      return low + (this.data.places[near] - this.box.x) / this.box.width * (high - low);
    }
    scale(times) {
      const [from, to] = this.shown;
      const middle = this.near >= 0 ? this.at(this.near) : (from + to) / 2;
      const half = (to - from) * times / 2;
      zoom(middle - half, middle + half);
    }
  }

  const charts = [...document.querySelectorAll("svg.chart")].filter((svg) => texts[svg.id]).map((svg) => new Chart(svg, texts[svg.id]));
  const timed = charts.filter((chart) => chart.plot);
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const clock = (seconds) => {
    const whole = Math.round(seconds * 10) / 10;
    const parts = [[Math.floor(whole / 3600), "h"], [Math.floor(whole % 3600 / 60), "min"], [Math.round(whole % 60 * 10) / 10, "s"]];
    return parts.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`).join(" ") || "0";
  };
  const back = document.getElementById("whole");
  const show = (shown) => {
    part = shown;
    hide();
    timed.forEach((chart) => chart.draw());
    back.hidden = part === null;
    back.textContent = part === null ? "" : `${clock(part[0])} – ${clock(part[1])} · show the whole run`;
  };
  const whole = () => show(null);
  const zoom = (from, to) => {
    const [low, high] = timed[0].data.span;
    // Less than this holds nothing to see.
    const length = Math.max(to - from, 1, (high - low) / 500);
    const start = Math.max(low, Math.min((from + to - length) / 2, high - length));
    show(length < high - low ? [start, start + length] : null);
  };
  back.addEventListener("click", whole);
  const help = document.getElementById("help");
  if (help) help.hidden = false;

  for (const chart of charts) {
    const { svg } = chart;
    let from = null;
    let chosen = null;
    const end = () => { chosen?.remove(); from = chosen = null; };
    svg.tabIndex = 0;
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("pointermove", (event) => {
      if (from === null) return chart.point(event);
      const [left, right] = [from, chart.pointed(event)].sort((a, b) => a - b);
      if (right - left < 5 && !chosen) return;
      hide();
      chosen ??= shape("rect", { class: "chosen", y: chart.data.top, height: chart.data.bottom - chart.data.top }, svg);
      const ends = [left, right].map((x) => Math.min(chart.box.x + chart.box.width, Math.max(chart.box.x, x)));
      chosen.setAttribute("x", ends[0]);
      chosen.setAttribute("width", ends[1] - ends[0]);
    });
    svg.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: () => chart.step(-1), ArrowRight: () => chart.step(1) };
      if (chart.plot) Object.assign(keys, { "+": () => chart.scale(0.5), "-": () => chart.scale(2), Escape: () => { end(); whole(); } });
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    if (!chart.plot) continue;
    svg.addEventListener("pointerdown", (event) => {
      // A finger scrolls.
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = chart.pointed(event);
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
      svg.focus({ preventScroll: true });
    });
    svg.addEventListener("pointerup", (event) => {
      if (chosen) {
        const [start, stop] = [from, chart.pointed(event)].sort((a, b) => a - b).map((x) => chart.seconds(x));
        zoom(start, stop);
      }
      end();
    });
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("dblclick", whole);
  }
})();
