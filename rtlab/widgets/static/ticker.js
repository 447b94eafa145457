// The lesson's price ticker, on the browser's own EventSource.

const POINTS = 400; // that are remembered
const WINDOW = [10_000, 60_000]; // ms of the chart: at least, at most
const HEIGHT = 150;
const TABLE = 20; // rows
const RATES = [0, 1, 2, 5, 10, 20];

// A message as a point of the chart; null if it has no price.
export function pointOf(message, { live, how }) {
  const price = message.data?.price;
  if (typeof price !== "number" || !Number.isFinite(price)) return null;
  const came = how === "twice" ? "again" : live ? "at once" : "afterwards";
  return { seq: message.seq, at: message.published_ns / 1e6, price, came };
}

// How much time a chart shows: what there is, within limits.
export function windowOf(points, now) {
  const [least, most] = WINDOW;
  return points.length ? Math.min(most, Math.max(least, (now - points[0].at) * 1.02)) : least;
}

// Where times and prices lie on a chart so wide.
export function scaleOf(points, now, width) {
  const span = windowOf(points, now);
  const prices = points.map(({ price }) => price);
  const low = Math.min(...prices);
  const high = Math.max(...prices);
  const range = high - low || 1;
  return {
    x: (at) => Math.max(0, width - 6 - ((now - at) / span) * (width - 6)),
    y: (price) => HEIGHT - 14 - ((price - low) / range) * (HEIGHT - 32),
    low, high,
  };
}

// What to say of the last time when nothing was open.
export function tale({ from, to, filled, givenUp, ended }, missing) {
  const who = givenUp
    ? "EventSource has given up, because the answer was no event stream; this view makes a new one"
    : "EventSource tries again by itself";
  if (to === null) return `No connection. ${who}. Published meanwhile: ${missing}.`;
  if (ended) return "There was no connection in the end, and nobody came back.";
  const how = givenUp
    ? "EventSource had given up, and a new one asked for what came after the last one seen"
    : "EventSource came back by itself and said which it had seen last";
  return `There was no connection for ${ms(to - from)}. Messages that were published meanwhile ` +
    `and came afterwards: ${filled}. ${how}.`;
}

// Where an outage lies on a chart that is drawn as of `now`: one that began after that has no width.
export function bandOf({ from, to }, { x, now, clock }) {
  const left = x(clock.server(from));
  return { x: left, width: Math.max(0, x(to === null ? now : clock.server(to)) - left) };
}

function draw(chart, points, outages, clock, now) {
  const width = Math.max(240, chart.clientWidth || 600);
  const shown = points.filter(({ at }) => at > now - WINDOW[1]);
  chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const { x, y, low, high } = scaleOf(shown, now, width);
  const parts = [];
  for (const outage of outages) {
    const band = bandOf(outage, { x, now, clock });
    if (band.x + band.width <= 0) continue;
    parts.push(make("rect", { class: "cut", ...band, y: 0, height: HEIGHT }));
    parts.push(make("text", { x: band.x + 3, y: 11 }, "cut"));
  }
  if (shown.length) {
    const line = shown.map(({ at, price }) => `${x(at).toFixed(1)},${y(price).toFixed(1)}`);
    parts.push(make("polyline", { points: line.join(" ") }));
    for (const { at, price, came } of shown) {
      parts.push(make("circle", { class: came === "at once" ? "live" : "late", r: 3,
        cx: x(at).toFixed(1), cy: y(price).toFixed(1) }));
    }
    parts.push(make("text", { class: "scale", x: 2, y: y(high) - 5 }, high.toFixed(2)));
    if (high > low) parts.push(make("text", { class: "scale", x: 2, y: y(low) + 12 },
      low.toFixed(2)));
  }
  const last = shown.at(-1);
  parts.push(make("title", {}, last
    ? `Prices of the last minute, ${low.toFixed(2)} to ${high.toFixed(2)}, now ${last.price}`
    : "No price in the last minute"));
  chart.replaceChildren(...parts);
}

export default {
  render(context) {
    const { el, signal } = context;
    const points = [];
    const taken = new Set(); // sequence numbers of the points
    let client = null;
    let start = 0;
    let paused = false;
    let last = null;

    const add = (point) => {
      if (!point || taken.has(point.seq)) return;
      points.push(point);
      taken.add(point.seq);
      points.sort((one, other) => one.seq - other.seq);
      while (points.length > POINTS) taken.delete(points.shift().seq);
    };

    const price = make("b", { class: "price" }, "–");
    const state = make("span", { class: "state", role: "status" });
    const pause = make("button", { type: "button", "aria-pressed": "false", onclick: () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Go on" : "Pause";
      said.textContent = paused ? "The picture stands still; the ticker goes on." : "";
      table.changed();
    } }, "Pause");
    const said = make("span", { class: "note", role: "status" });
    const rate = make("select", { "aria-label": "prices per second" });
    rate.addEventListener("change", () => table.ask({ kind: "rate", rate: Number(rate.value) }));
    const cutting = cutControls((seconds) => {
      table.ask({ kind: "cut", transport: "sse", seconds });
    });
    const chart = make("svg", { role: "img", class: "chart" });
    const legend = make("p", { class: "note" },
      "● came at once   ○ published while nothing was open, came afterwards");
    const story = make("p", { class: "story", role: "status" });
    const trouble = make("p", { class: "rtlab-said", role: "status" });
    const clock = make("p", { class: "note" });
    const figures = make("dl", { class: "figures" });
    const body = make("tbody");
    const rows = make("details", {}, make("summary", {}, "The newest prices as a table"),
      make("div", { class: "rows", tabindex: 0, role: "region", "aria-label": "newest prices" },
        make("table", {}, make("thead", {}, make("tr", {},
          ...["message", "price", "came"].map((name) => make("th", { scope: "col" }, name)))),
          body)));
    const code = make("details", {}, make("summary", {}, "The code that runs"),
      make("pre", { tabindex: 0 },
        make("code", {}, [eventSourceClient, after].map(String).join("\n\n"))));

    const showFigures = () => {
      const { tally, reconnects, figures: { median } } = client.journal;
      const published = Math.max(table.state.last, tally.cursor ?? 0) - start;
      const values = [
        ["received", `${tally.received} of ${published}`], ["lost", tally.lost],
        ["twice", tally.twice], ["reconnects", reconnects], ["latency: median", ms(median)],
      ];
      figures.replaceChildren(...values.map(([name, value]) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
    };
    const showRows = () => {
      const newest = points.slice(-TABLE).reverse();
      body.replaceChildren(...newest.map((point) => make("tr", {},
        make("th", { scope: "row" }, String(point.seq)),
        make("td", {}, point.price.toFixed(2)), make("td", {}, point.came))));
    };
    const show = () => {
      if (!client) return;
      showState(state, client);
      trouble.textContent = client.trouble;
      cutting.button.disabled = rate.disabled = !table.state.alive;
      const { outages, tally } = client.journal;
      const outage = outages.at(-1);
      const missing = Math.max(0, table.state.last - (tally.cursor ?? 0));
      const text = outage ? tale(outage, missing) : "";
      if (story.textContent !== text) story.textContent = text;
      if (paused) return;
      const newest = points.at(-1);
      if (newest) {
        const before = points.at(-2)?.price ?? newest.price;
        const way = newest.price > before ? "▲" : newest.price < before ? "▼" : "=";
        price.textContent = `${newest.price.toFixed(2)} ${way}`;
      }
      if (table.state.alive) last = table.clock.server(performance.now());
      if (last !== null) draw(chart, points, outages, table.clock, last);
      showFigures();
      showRows();
      clock.textContent = String(table.clock);
    };

    const table = desk(context, {
      made: (clients, content) => {
        client = clients.get("sse");
        start = content.start;
        for (const message of content.history) {
          add(pointOf(message, { live: true, how: "in order" }));
        }
        const known = [...new Set([...RATES, content.rate])].sort((one, other) => one - other);
        rate.append(...known.map((value) => make("option",
          { value, selected: value === content.rate },
          value ? `${value} a second` : "none but yours")));
      },
      draw: show,
      alive: () => {},
      arrived: (message, how) => add(pointOf(message, how)),
      revive: true,
      always: true,
    });
    // While nothing arrives the picture moves on all the same: the gap grows.
    const moving = setInterval(() => table.state.alive && !paused && table.changed(), 500);
    signal.addEventListener("abort", () => clearInterval(moving));
    el.append(make("div", { class: "rtlab-ticker" },
      make("p", { class: "controls" }, price, state),
      make("p", { class: "controls" }, make("span", { class: "together" }, "Prices: ", rate),
        cutting.element, pause, said),
      trouble, chart, legend, story, figures, rows, code, table.way.element, clock));
  },
};
