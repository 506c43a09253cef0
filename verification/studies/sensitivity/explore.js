// Redraws one panel from the cells of the page: family, pattern and K are chosen. No library, no network.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("cells").textContent);
  const form = document.getElementById("choices");
  const place = document.getElementById("panel");
  const numbers = document.getElementById("numbers");
  const said = document.getElementById("said");
  const names = ["family", "pattern", "K"];
  const WIDTH = 640, HEIGHT = 380, LEFT = 70, RIGHT = 20, TOP = 16, BOTTOM = 48;
  const FLOOR = data.floor, CEILING = data.ceiling;
  const SERIES = [
    { field: "closed_form", label: "closed form B8", colour: "--s3", dash: "6 4", mark: "triangle" },
    { field: "exact", label: "exact worst case of the deviation", colour: "--s2", dash: "", mark: "square" },
    { field: "own", label: "exact worst case of the method itself", colour: "--s4", dash: "2 3", mark: "diamond" },
  ];
  const RUNS = ["--s1", "--s5", "--s6", "--s7"];

  function element(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function show(value) {
    if (value === null) return "–";
    return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4) ? value.toExponential(2) : String(+value.toPrecision(3));
  }

  // The options of a list, with the chosen one kept where it still exists.
  function fill(name, options) {
    const list = form.elements[name], before = list.value;
    list.replaceChildren(...options.map((o) => new Option(o, o)));
    if (options.map(String).includes(before)) list.value = before;
  }

  // What is no encoded text names no choice.
  function decoded(text) {
    try { return decodeURIComponent(text); } catch (error) { return ""; }
  }

  function chosen() {
    return { family: form.elements.family.value, pattern: form.elements.pattern.value, K: Number(form.elements.K.value) };
  }

  function points(choice) {
    return data.points.filter((p) => p.family === choice.family && p.pattern === choice.pattern && p.K === choice.K);
  }

  function mark(kind, x, y, colour) {
    const style = { fill: colour, stroke: colour };
    if (kind === "square") return element("rect", { x: x - 3, y: y - 3, width: 6, height: 6, ...style });
    if (kind === "triangle") return element("path", { d: `M${x} ${y - 4}l4 7h-8z`, ...style });
    if (kind === "diamond") return element("path", { d: `M${x} ${y - 4}l4 4l-4 4l-4 -4z`, ...style });
    return element("circle", { cx: x, cy: y, r: 3.2, ...style });
  }

  function draw() {
    const choice = chosen(), own = points(choice), trained = choice.pattern === data.trained;
    const largest = Math.max(1.2, ...own.map((p) => p.x));
    const across = (x) => LEFT + (x / largest) * (WIDTH - LEFT - RIGHT);
    const up = (v) => {
      const t = (Math.log10(Math.max(v, FLOOR)) - Math.log10(FLOOR)) / (Math.log10(CEILING) - Math.log10(FLOOR));
      return HEIGHT - BOTTOM - t * (HEIGHT - TOP - BOTTOM);
    };
    const title = `${choice.pattern} on ${choice.family} after ${choice.K} steps`;
    const svg = element("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title, style: `width:${WIDTH}px` });
    svg.append(element("title", {}, title));
    const end = data.regions[choice.pattern];
    if (end !== null && end !== undefined) {
      svg.append(element("rect", { x: across(0), y: TOP, width: across(Math.min(end, largest)) - across(0), height: HEIGHT - TOP - BOTTOM, fill: "var(--s3)", opacity: 0.13 }));
    }
    const text = { fill: "currentColor", "font-size": 12, "font-family": "system-ui, sans-serif" };
    for (let power = Math.ceil(Math.log10(FLOOR)); power <= Math.log10(CEILING); power++) {
      const y = up(10 ** power);
      svg.append(element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, stroke: "var(--grid)" }));
      svg.append(element("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end", ...text }, `1e${power}`));
    }
    const stride = [0.25, 0.5, 1, 2, 5].find((s) => largest / s <= 8) || 10;
    for (let x = 0; x <= largest + 1e-9; x += stride) {
      svg.append(element("text", { x: across(x), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle", ...text }, show(x)));
    }
    svg.append(element("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle", ...text }, trained ? "median rho of the checkpoint" : "size of the deviation"));
    svg.append(element("text", { transform: `translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`, "text-anchor": "middle", ...text }, `F(x_${choice.K}) - F*, in L R²`));

    const shifts = [...new Set(own.map((p) => p.shift))];
    const runs = shifts.map((s, i) => ({ field: "gap", label: `largest gap of the runs, s = ${s}`, colour: RUNS[i % RUNS.length], dash: "", mark: "circle", shift: s }));
    const legend = document.createElement("ul");
    legend.className = "keys";
    for (const series of [...SERIES.map((s) => ({ ...s, shift: shifts[0] })), ...runs]) {
      const colour = `var(${series.colour})`;
      const line = own.filter((p) => p.shift === series.shift).sort((a, b) => a.x - b.x);
      if (!line.some((p) => p[series.field] !== null)) continue;
      let path = "", open = false;
      for (const p of line) {
        const v = p[series.field];
        if (v === null || v > CEILING) {
          if (v !== null || (series.field === "exact" && p.exact_reason)) svg.append(mark("triangle", across(p.x), TOP + 4, colour));
          open = false;
          continue;
        }
        path += `${open ? "L" : "M"}${across(p.x)} ${up(v)}`;
        open = true;
        const dot = mark(series.mark, across(p.x), up(v), colour);
        dot.append(element("title", {}, `${series.label}: ${show(v)}${p.note ? `, ${p.note}` : ""}`));
        svg.append(dot);
      }
      if (!trained) svg.append(element("path", { d: path, fill: "none", stroke: colour, "stroke-width": 1.6, "stroke-dasharray": series.dash }));
      const key = document.createElement("li"), sample = document.createElement("i");
      sample.style.borderTop = `3px ${series.dash ? "dashed" : "solid"} ${colour}`;
      key.append(sample, series.label);
      legend.append(key);
    }
    place.replaceChildren(svg, legend);
    said.textContent = `${title}: ${own.filter((p) => p.guaranteed).length} of ${own.length} cells have rho < 1 at each step. Triangles at the upper edge: above the panel, unbounded or not found.`;
    const columns = [["x", trained ? "median rho" : "size"], ["shift", "s"], ["closed_form", "B8"], ["exact", "exact"], ["own", "method's own"], ["gap", "largest gap"]];
    const table = document.createElement("table");
    table.className = "known";
    const head = table.createTHead().insertRow();
    for (const [, label] of columns) head.append(Object.assign(document.createElement("th"), { textContent: label }));
    const body = table.createTBody();
    for (const p of own) {
      const row = body.insertRow();
      for (const [field] of columns) {
        const cell = row.insertCell();
        cell.textContent = show(p[field]);
        if (field === "exact" && p[field] === null) cell.title = p.exact_reason;
      }
    }
    numbers.replaceChildren(table);
  }

  function follow() {
    const family = form.elements.family.value;
    fill("pattern", [...new Set(data.points.filter((p) => p.family === family).map((p) => p.pattern))]);
    const choice = chosen();
    history.replaceState(null, "", `#explore=${choice.family}/${choice.pattern}/${choice.K}`);
    draw();
  }

  fill("family", [...new Set(data.points.map((p) => p.family))]);
  fill("K", [...new Set(data.points.map((p) => p.K))].sort((a, b) => a - b));
  form.elements.K.selectedIndex = form.elements.K.length - 1;
  fill("pattern", [...new Set(data.points.map((p) => p.pattern))]);
  const asked = location.hash.startsWith("#explore=") ? decoded(location.hash.slice(9)).split("/") : [];
  names.forEach((name, i) => {
    if (asked[i] && [...form.elements[name].options].some((o) => o.value === asked[i])) form.elements[name].value = asked[i];
  });
  form.hidden = false;
  form.addEventListener("change", follow);
  const hash = location.hash;
  if (asked.length) { document.getElementById("explore").scrollIntoView(); }
  follow();
  if (!asked.length) history.replaceState(null, "", hash || location.pathname + location.search);
})();
