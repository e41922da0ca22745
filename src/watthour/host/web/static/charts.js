// Pictures of measured things: phasors, waves, harmonics, the load curve, the rates of a year.

import { html, say, set, svg } from "./dom.js";
import { figure, fixed, quantity, scaleOf } from "./figures.js";

const PHASES = ["l1", "l2", "l3"];

const radians = (degrees) => (degrees * Math.PI) / 180;

/** Phasors of the fundamental: voltages broad, currents slender, angles against the reference phase. */
export function drawPhasors(place) {
  const C = 150;
  const R = 118;
  const arrow = (kind, phase) => svg("g", { class: `${phase} ${kind}` }, svg("path", { class: "arrow" }), svg("path", { class: "tip" }), svg("text", { class: "name" }, `${kind === "voltage" ? "U" : "I"}${phase[1]}`));
  const arrows = Object.fromEntries(["voltage", "current"].map((kind) => [kind, PHASES.map((phase) => arrow(kind, phase))]));
  const spokes = [0, 30, 60, 90, 120, 150].map((angle) => svg("path", { class: "grid", d: `M${C - R * Math.cos(radians(angle))} ${C + R * Math.sin(radians(angle))}L${C + R * Math.cos(radians(angle))} ${C - R * Math.sin(radians(angle))}` }));
  const table = html("p", { class: "under" });
  const picture = svg("svg", { viewBox: "0 0 300 300", class: "phasors", role: "img", "aria-label": "phasor diagram" },
    svg("circle", { class: "grid", cx: C, cy: C, r: R }), svg("circle", { class: "grid", cx: C, cy: C, r: R / 2 }), spokes,
    arrows.voltage, arrows.current);
  place.replaceChildren(picture, table);

  function point(group, size, degrees, reach) {
    if (!size || degrees === null || degrees === undefined) { set(group, "visibility", "hidden"); return; }
    set(group, "visibility", "visible");
    const [x, y] = [Math.cos(radians(degrees)), -Math.sin(radians(degrees))];
    const end = reach * size;
    set(group.children[0], "d", `M${C} ${C}L${(C + x * (end - 8)).toFixed(1)} ${(C + y * (end - 8)).toFixed(1)}`);
    set(group.children[1], "d", `M${(C + x * end).toFixed(1)} ${(C + y * end).toFixed(1)}l${(-x * 12 - y * 5).toFixed(1)} ${(-y * 12 + x * 5).toFixed(1)}l${(y * 10).toFixed(1)} ${(-x * 10).toFixed(1)}z`);
    set(group.children[2], "x", (C + x * (end + 13)).toFixed(1));
    set(group.children[2], "y", (C + y * (end + 13) + 4).toFixed(1));
  }

  return function show(values) {
    const sizes = { voltage: PHASES.map((p) => values[`voltage_${p}_v`]), current: PHASES.map((p) => values[`current_${p}_a`]) };
    const reach = { voltage: R, current: R * 0.68 };
    for (const kind of ["voltage", "current"]) {
      const largest = Math.max(...sizes[kind].map((size) => size ?? 0));
      PHASES.forEach((phase, n) => point(arrows[kind][n], largest ? (sizes[kind][n] ?? 0) / largest : 0, values[`${kind}_angle_${phase}_deg`], reach[kind]));
    }
    say(table, `cos φ ${PHASES.map((p) => fixed(values[`cos_phi_${p}`], 3)).join("   ")}`);
  };
}

/** Two cycles of voltages above, of currents below. */
export function drawScope(place) {
  const W = 420;
  const H = 132;
  const [left, right] = [44, W - 8];
  const panels = [["voltages_v", "V"], ["currents_a", "A"]].map(([name, unit]) => {
    const grid = svg("g");
    const lines = PHASES.map((phase) => svg("path", { class: `wave ${phase}` }));
    const nothing = svg("text", { class: "mark middle", x: W / 2, y: H / 2 }, "waiting for samples");
    const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "scope", role: "img", "aria-label": name === "voltages_v" ? "waveform of the voltages" : "waveform of the currents" }, grid, lines, nothing);
    return { name, unit, grid, lines, nothing, picture, scale: null };
  });
  const under = html("p", { class: "under" }, "\u00a0");
  place.replaceChildren(...panels.map((panel) => panel.picture), under);

  return function show(waves) {
    for (const panel of panels) {
      const rows = waves[panel.name];
      const peak = Math.max(...rows.flat().map(Math.abs));
      const old = panel.scale;
      if (!old || peak > old.high || peak < old.high * 0.35) {
        panel.scale = scaleOf(-peak || -1, peak || 1, 4);
        panel.grid.replaceChildren(...panel.scale.marks.flatMap((mark) => {
          const y = H - 8 - ((H - 20) * (mark - panel.scale.low)) / (panel.scale.high - panel.scale.low);
          return [svg("path", { class: mark === 0 ? "zero" : "grid", d: `M${left} ${y.toFixed(1)}H${right}` }), svg("text", { class: "mark end", x: left - 5, y: (y + 3.5).toFixed(1) }, panel.scale.label(mark))];
        }), svg("text", { class: "mark", x: left + 4, y: 10 }, panel.unit));
      }
      const { low, high } = panel.scale;
      rows.forEach((row, n) => {
        const points = row.map((value, k) => `${(left + ((right - left) * k) / (row.length - 1)).toFixed(1)} ${(H - 8 - ((H - 20) * (value - low)) / (high - low)).toFixed(1)}`);
        set(panel.lines[n], "d", `M${points.join("L")}`);
      });
      set(panel.nothing, "visibility", "hidden");
    }
    say(under, `${fixed(waves.duration_s * 1000, 1)} ms from a rising zero of the voltage`);
  };
}

const SHOWN_ORDERS = 25;
const LEAST_SCALE = 2; // percent: a clean wave looks clean

/** Harmonics as bars, three phases side by side. */
export function drawHarmonics(place, chooser) {
  const W = 1100;
  const H = 230;
  const [left, bottom] = [40, H - 22];
  let stem = "current";
  let told = null;
  const grid = svg("g");
  const bars = PHASES.map((phase, n) => Array.from({ length: SHOWN_ORDERS - 1 }, (_, k) => {
    const pitch = (W - left - 6) / (SHOWN_ORDERS - 1);
    return svg("rect", { class: `bar ${phase}`, x: (left + pitch * k + pitch * 0.14 + n * pitch * 0.24).toFixed(1), width: (pitch * 0.22).toFixed(1), y: bottom, height: 0 }, svg("title"));
  }));
  const orders = Array.from({ length: SHOWN_ORDERS - 1 }, (_, k) => svg("text", { class: "mark middle", x: (left + ((W - left - 6) / (SHOWN_ORDERS - 1)) * (k + 0.5)).toFixed(1), y: H - 6 }, k + 2));
  const under = html("p", { class: "under" }, "percent of the fundamental, orders 2 to 25");
  const nothing = svg("text", { class: "nothing middle", x: W / 2, y: H / 2 }, "waiting for the first window");
  place.replaceChildren(html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of the harmonics" }, svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "harmonics", role: "img", "aria-label": "harmonics, percent of the fundamental" }, grid, bars, orders, nothing)), under);
  chooser.replaceChildren(...["voltage", "current"].map((each) => html("button", { type: "button", "aria-pressed": String(each === stem), onclick: (event) => {
    stem = each;
    for (const button of chooser.children) set(button, "aria-pressed", button === event.currentTarget);
    if (told) show(told);
  } }, each)));

  function show(distortion) {
    told = distortion;
    const channels = distortion.channels.filter(({ channel }) => channel.startsWith(stem));
    const shown = channels.map((each) => each.harmonics_percent.slice(0, SHOWN_ORDERS - 1));
    const scale = scaleOf(0, Math.max(...shown.flat().map((value) => value ?? 0), LEAST_SCALE), 4);
    const y = (value) => bottom - ((bottom - 10) * value) / scale.high;
    grid.replaceChildren(...scale.marks.flatMap((mark) => [svg("path", { class: "grid", d: `M${left} ${y(mark).toFixed(1)}H${W - 6}` }), svg("text", { class: "mark end", x: left - 5, y: (y(mark) + 3.5).toFixed(1) }, `${scale.label(mark)} %`)]));
    bars.forEach((row, n) => row.forEach((bar, k) => {
      const value = shown[n][k] ?? 0;
      set(bar, "y", y(value).toFixed(1));
      set(bar, "height", Math.max(0, bottom - y(value)).toFixed(1));
      say(bar.firstChild, `${PHASES[n].toUpperCase()}, order ${k + 2}: ${fixed(shown[n][k], 2)} %`);
    }));
    set(nothing, "visibility", shown.flat().some((value) => value !== null) ? "hidden" : "visible");
    const symbol = stem === "voltage" ? "U" : "I";
    say(under, `THD ${channels.map((each, n) => `${symbol}${n + 1} ${fixed(each.thd_percent, 2)} %`).join("   ")}   unbalance ${fixed(distortion.unbalance_percent, 2)} %`);
  }
  return show;
}

/** The load of a day, each interval in the colour of its rate; export hangs below the line. */
export function drawCurve(place, rates) {
  const W = 1100;
  const H = 260;
  const [left, right, top, bottom] = [52, W - 8, 12, H - 24];
  const colour = (rate) => rates.find((each) => each.rate === rate)?.colour ?? "#8d99a3";
  const name = (rate) => rates.find((each) => each.rate === rate)?.name ?? `T${rate}`;

  return function show(day) {
    const rows = day.rows.filter((row) => row.import_w !== null);
    const x = (hour) => left + ((right - left) * hour) / day.hours;
    const [size, prefix] = [[1e6, "M"], [1e3, "k"], [1, ""]].find(([factor]) => Math.max(0, ...rows.flatMap((row) => [row.import_w, row.export_w])) >= factor) ?? [1, ""];
    const scale = scaleOf(Math.min(0, ...rows.map((row) => -row.export_w / size)), Math.max(...rows.map((row) => row.import_w / size), 0.001), 5);
    const y = (value) => bottom - ((bottom - top) * (value - scale.low)) / (scale.high - scale.low);
    const grid = rows.length ? scale.marks.flatMap((mark) => [svg("path", { class: Math.abs(mark) < 1e-9 ? "zero" : "grid", d: `M${left} ${y(mark).toFixed(1)}H${right}` }), svg("text", { class: "mark end", x: left - 6, y: (y(mark) + 4).toFixed(1) }, scale.label(mark))]) : [svg("path", { class: "zero", d: `M${left} ${bottom}H${right}` })];
    const hours = Array.from({ length: Math.floor(day.hours / 3) + 1 }, (_, n) => svg("text", { class: "mark middle", x: x(n * 3).toFixed(1), y: H - 6 }, String(n * 3).padStart(2, "0")));
    const bars = rows.flatMap((row) => [["import_w", 1], ["export_w", -1]].filter(([field]) => row[field] > 0).map(([field, sign]) => {
      const value = (sign * row[field]) / size;
      const edge = Math.min(y(value), y(0));
      return svg("rect", { class: row.flags.length ? "load flagged" : "load", x: (x(row.begin_h) + 0.6).toFixed(1), width: Math.max(1, x(row.end_h) - x(row.begin_h) - 1.2).toFixed(1), y: edge.toFixed(1), height: Math.abs(y(value) - y(0)).toFixed(1), fill: colour(row.rates[0]) },
        svg("title", {}, `${row.start.slice(11, 16)} UTC, ${row.rates.map(name).join(" ")}: ${figure(row[field], "W")} ${sign > 0 ? "import" : "export"}${row.flags.length ? ` (${row.flags.join(", ").replaceAll("_", " ")})` : ""}`));
    }));
    const empty = rows.length ? [] : [svg("text", { class: "nothing middle", x: W / 2, y: H / 2 }, `nothing was metered on ${day.day}`)];
    const total = rows.reduce((sum, row) => sum + row.import_wh, 0);
    const peak = rows.reduce((best, row) => (row.import_w > (best?.import_w ?? -1) ? row : best), null);
    const used = rates.filter((each) => rows.some((row) => row.rates.includes(each.rate)));
    place.replaceChildren(
      html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of the load curve" }, svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "curve", role: "img", "aria-label": `load curve of ${day.day}` }, grid, bars, hours, svg("text", { class: "mark", x: left + 4, y: 10 }, `${prefix}W`), empty)),
      html("p", { class: "under keys" }, ...used.map((each) => html("span", { class: "key-of" }, swatch(each.colour), each.name)),
        html("span", {}, rows.length ? `${day.day}: ${quantity(total, "Wh").join(" ")} import, most ${figure(peak.import_w, "W")}; ${day.zone}` : `the load profile begins ${day.first_day ?? "with the first quarter of an hour"}`)));
  };
}

const swatch = (colour) => svg("svg", { viewBox: "0 0 12 12", class: "swatch", "aria-hidden": "true" }, svg("rect", { width: 12, height: 12, rx: 2, fill: colour }));

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The rates of a year: days across, hours down. */
export function drawMap(place) {
  const W = 1100;
  const [left, top, bottom] = [34, 4, 196];

  return function show(map, today) {
    if (!map.days.length) { place.replaceChildren(html("p", { class: "nothing" }, map.title)); return; }
    const pitch = (W - left - 4) / map.days.length;
    const colours = Object.fromEntries(map.rates.map((each) => [each.rate, each.colour]));
    const paths = Object.fromEntries(map.rates.map((each) => [each.rate, []]));
    map.days.forEach((runs, day) => {
      for (const [first, count, rate] of runs) {
        const [x, y] = [left + pitch * day, top + ((bottom - top) * first) / map.cells];
        paths[rate]?.push(`M${x.toFixed(2)} ${y.toFixed(1)}h${pitch.toFixed(2)}v${(((bottom - top) * count) / map.cells).toFixed(1)}h${(-pitch).toFixed(2)}z`);
      }
    });
    const begins = MONTHS.map((_, month) => (Date.UTC(map.year, month, 1) - Date.UTC(map.year, 0, 1)) / 86400000);
    const months = MONTHS.map((month, n) => svg("text", { class: "mark", x: (left + pitch * begins[n] + 3).toFixed(1), y: bottom + 15 }, month));
    const lines = begins.slice(1).map((begin) => svg("path", { class: "month", d: `M${(left + pitch * begin).toFixed(1)} ${top}V${bottom}` }));
    const hours = [0, 6, 12, 18, 24].map((hour) => svg("text", { class: "mark end", x: left - 5, y: (top + ((bottom - top) * hour) / 24 + (hour === 24 ? 0 : hour ? 4 : 8)).toFixed(1) }, hour));
    const now = today.startsWith(String(map.year)) ? [svg("path", { class: "today", d: `M${(left + pitch * ((Date.UTC(map.year, Number(today.slice(5, 7)) - 1, Number(today.slice(8, 10))) - Date.UTC(map.year, 0, 1)) / 86400000 + 0.5)).toFixed(1)} ${top}V${bottom}` })] : [];
    place.replaceChildren(
      html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of the rates" }, svg("svg", { viewBox: `0 0 ${W} 216`, class: "map", role: "img", "aria-label": `rates of ${map.year}, calendar ${map.name}` },
        Object.entries(paths).map(([rate, parts]) => svg("path", { d: parts.join("") || "M0 0", fill: colours[rate], "shape-rendering": "crispEdges" })), lines, now, months, hours)),
      html("p", { class: "under keys" }, ...map.rates.map((each) => html("span", { class: "key-of" }, swatch(each.colour), `${each.name}  ${each.hours} h`)), html("span", {}, `${map.name}${map.title ? `: ${map.title}` : ""}`)));
  };
}
