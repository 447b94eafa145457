// FeelIt: dots that follow the pointer by way of the server, one for each transport.

const IDLE = 120_000; // ms without a move, after which the connections are closed
const CUT = 2; // seconds
const PERIODS = [0.1, 0.25, 0.5, 1, 2]; // seconds

const inMs = (seconds) => (seconds === null ? "–" : `${Math.round(seconds * 1000)} ms`);

// The table with the same content, and a switch for each transport.
function table(transports, { toggled }) {
  const head = ["transport", "client", "back / sent", "median lag", "p95 lag"];
  const rows = new Map(transports.map((transport) => {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => toggled(transport));
    const drawn = { viewBox: "-10 -10 20 20", "aria-hidden": "true" };
    const icon = make("svg", drawn, shapeOf(transport));
    const name = make("th", { scope: "row" }, make("label", {}, box, icon, transport));
    const cells = head.slice(1).map(() => make("td"));
    return [transport, { box, cells, row: make("tr", {}, name, ...cells) }];
  }));
  const id = `rtlab-${Math.random().toString(36).slice(2)}`;
  const what = make("p", { class: "what", id }, "Lag: from when this page sent a position until " +
    "it was back, on the page's own clock; measured anew when the latency changes.");
  const shown = make("table", { "aria-label": "lag", "aria-describedby": id },
    make("thead", {}, make("tr", {}, ...head.map((it) => make("th", { scope: "col" }, it)))),
    make("tbody", {}, ...[...rows.values()].map(({ row }) => row)));
  return {
    element: make("div", { class: "results" }, what, shown),
    wanted: (transport) => rows.get(transport).box.checked,
    show(transport, state, { sent, back, median, p95 }) {
      const count = (number) => number.toLocaleString("en");
      const words = [state, `${count(back)} / ${count(sent)}`, inMs(median), inMs(p95)];
      rows.get(transport).cells.forEach((cell, place) => {
        if (cell.textContent !== words[place]) cell.textContent = words[place];
      });
    },
  };
}

// How much latency the links have, each way; `wish` is called with seconds.
function latencySlider(signal, wish) {
  const output = make("output");
  const input = make("input", { type: "range", min: 0, max: 500, step: 10, value: 0 });
  let timer = null;
  let touched = -Infinity;
  const say = () => {
    output.textContent = `${input.value} ms each way`;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    touched = performance.now();
    say();
    timer ??= setTimeout(() => {
      timer = null;
      wish(input.value / 1000);
    }, 100);
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    input,
    element: make("label", {}, "Latency ", input, " ", output),
    set(seconds) {
      if (performance.now() - touched < 600) return; // not under the reader's hand
      input.value = Math.round(seconds * 1000);
      say();
    },
  };
}

// All of it, once the kernel has said what there is.
function board(context, { urls, beside, lags, rate, period }, tell) {
  const { signal } = context;
  const transports = Object.keys(urls);
  const id = Math.random().toString(36).slice(2, 8);
  const state = { running: false, alive: true, last: 0, latency: 0, moved: 0 };
  const said = make("p", { class: "said", role: "status" });
  const start = make("button", { type: "button" });
  const cut = make("button", { type: "button" }, `Cut the links for ${CUT} s`);
  const choices = [...new Set([...PERIODS, period])].sort((one, other) => one - other);
  const options = choices.map((it) => make("option", { value: it }, `${it} s`));
  const periods = make("select", {}, ...options);
  periods.value = period;
  const latency = latencySlider(signal, (seconds) => tell({ kind: "impair", latency: seconds }));
  const way = chooseWay({
    found: () => tidy(""),
    changed: () => {
      if (!state.running) return;
      pause("");
      run();
    },
  });

  const stage = pad(transports, { signal, moved: () => {
    state.moved = performance.now();
    draw();
  } });
  const draw = () => stage.draw((transport) => lanes.get(transport).trips.shown);
  const lanes = new Map(transports.map((transport) => [transport, new Lane(transport, {
    id, changed: draw, url: () => way.to(urls[transport]), period: () => periods.value * 1000,
  })]));
  const figures = table(transports, { toggled: (transport) => {
    if (!state.running) return;
    if (figures.wanted(transport)) lanes.get(transport).open(state.last);
    else lanes.get(transport).close();
  } });
  const show = () => {
    for (const [transport, lane] of lanes) {
      const measured = lane.trips.sent ? lane.trips.figures : lags[transport];
      figures.show(transport, lane.state, measured);
    }
  };

  let timers = [];
  const run = () => {
    state.running = true;
    state.moved = performance.now();
    for (const [transport, lane] of lanes) if (figures.wanted(transport)) lane.open(state.last);
    const beat = () => {
      for (const lane of lanes.values()) lane.offer(stage.position);
      if (performance.now() - state.moved > IDLE) pause("Nothing moved for two minutes: paused.");
    };
    const report = () => {
      const measured = [...lanes].filter(([, lane]) => lane.trips.sent);
      const told = measured.map(([transport, lane]) => [transport, lane.trips.figures]);
      if (told.length) tell({ kind: "lags", lags: Object.fromEntries(told) });
    };
    timers = [setInterval(beat, 1000 / rate), setInterval(show, 250), setInterval(report, 1000)];
    tidy("");
  };
  const pause = (why) => {
    state.running = false;
    for (const timer of timers) clearInterval(timer);
    for (const lane of lanes.values()) lane.close();
    show();
    tidy(why);
  };
  const tidy = (why) => {
    start.textContent = state.running ? "Pause" : "Start";
    cut.disabled = latency.input.disabled = !state.alive;
    start.disabled = !state.alive || way.proxied === null;
    said.textContent = why;
    const idle = way.proxied === null ? "Looking for a way to the server: see below."
      : "Press Start, then move here.";
    stage.say(state.running ? "" : idle);
    draw();
  };
  start.addEventListener("click", () => {
    if (state.running) pause("");
    else run();
  });
  cut.addEventListener("click", () => tell({ kind: "cut", seconds: CUT }));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && state.running) pause("The tab was hidden: paused.");
  }, { signal });
  signal.addEventListener("abort", () => pause(""));
  const resized = new ResizeObserver(draw);
  resized.observe(stage.element);
  signal.addEventListener("abort", () => resized.disconnect());
  show();
  tidy("");
  if (state.alive) way.find(beside);

  return {
    elements: [
      make("div", { class: "line" }, start, latency.element, cut, said),
      stage.element, figures.element,
      way.element,
      make("div", { class: "line" }, make("label", {}, "Polling asks every ", periods)),
      make("p", { class: "hint" }, "HTTP transports send positions up by POST, one at a time and " +
        "always the newest: see how many they sent. WebSocket sends on its one connection, and " +
        "its dot moves when the acknowledgement is back. Every client also gets the positions " +
        "of the others."),
    ],
    news({ latency: seconds, last }) {
      if (seconds !== state.latency) for (const lane of lanes.values()) lane.trips.anew();
      state.latency = seconds;
      state.last = last;
      latency.set(seconds);
    },
    live(alive) {
      state.alive = alive;
      if (!alive && state.running) pause("");
      else tidy("");
    },
  };
}

export default {
  render(context) {
    const { el, signal } = context;
    let here = null;
    let alive = true;
    el.classList.add("rtlab-feel");
    keepKeys(el, signal);
    const tell = attach(context, {
      snapshot(content) {
        if (!here) {
          here = board(context, content, tell);
          el.append(...here.elements);
          if (!alive) here.live(false);
        }
        here.news(content);
      },
      news: (content) => here?.news(content),
      alive(value) {
        alive = value;
        here?.live(value);
      },
    });
  },
};
