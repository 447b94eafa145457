// Four lanes: what travels between server and client, drawn from the times that Python measured.

const COLUMNS = ["transport", "client", "delivered", "lost", "duplicated", "requests"].concat([
  "bytes up",
  "bytes down",
  "median latency",
]);

const range = (from, to, step) =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_, at) => from + at * step);
const inAll = (number) => number.toLocaleString("en");
const perSecond = (rate) => `${inAll(rate)} message${rate === 1 ? "" : "s"}/s`;
const seconds = (value) => `${inAll(value)} s`;
const ms = (value) => inMs(value * 1000);

// What each control sets, and the values that it offers.
const CONTROLS = {
  link: {
    latency: { label: "latency, each way", values: range(0, 500, 5).map((v) => v / 1000), words: ms },
    jitter: { label: "jitter, either way", values: range(0, 200, 5).map((v) => v / 1000), words: ms },
    bandwidth: {
      label: "bandwidth, each way",
      values: [2000, 5000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, null],
      words: (value) => (value === null ? "unlimited" : `${inBytes(value)}/s`),
    },
  },
  settings: {
    rate: {
      label: "publish",
      values: [0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      words: perSecond,
    },
    payload_size: { label: "payload", values: [32, 100, 300, 1000, 3000, 10_000], words: inBytes },
    period: { label: "polling asks every", values: [0.1, 0.2, 0.5, 1, 2, 5], words: seconds },
  },
};
const PATIENCE = 1500; // ms after which a wish that is not done is said to wait
const LEGEND = [
  "● message",
  "▶ on its way up: a request, or a WebSocket frame",
  "○ answer that nothing is new",
  "✕ lost to a cut",
  "▪ latency of a message, at the time at which it was published",
];
const GROUPS = { link: ["The link", "impair"], settings: ["The messages", "set"] };

function render({ model, el, signal }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const clock = new Clock();
  const state = { lanes: [], heads: [], latest: null, paused: null, alive: true, wish: null };
  let send = () => {};
  const ask = (content) => {
    state.wish = { id: `${Math.random()}`, at: performance.now() };
    send({ ...content, wish: state.wish.id });
  };

  // ── what there is to see ──
  const canvas = make("canvas", { role: "img", "aria-label": "Four lanes, as in the table below" });
  const stage = make("div", { class: "stage" }, canvas);
  const said = make("p", { class: "said", role: "status" });
  const behind = make("p", { class: "note" });
  const link = make("p", { class: "note" });
  const body = make("tbody");
  const head = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, name)));
  const table = make("table", {}, make("thead", {}, head), body);
  const counted = make("p", { class: "note" }); // outside of what scrolls: in there it would be cut
  const scroll = { class: "scroll", tabindex: 0, role: "region", "aria-label": "The same as a table" };
  const sliders = {};
  const fields = Object.entries(CONTROLS).map(([group, controls]) => {
    const [legend, kind] = GROUPS[group];
    sliders[group] = {};
    const inside = Object.entries(controls).map(([name, control]) => {
      const wish = (value) => ask({ kind, [name]: value });
      sliders[group][name] = slider({ ...control, wish, signal });
      return sliders[group][name].element;
    });
    return make("fieldset", {}, make("legend", {}, legend), ...inside);
  });
  const button = (text, onclick) => make("button", { type: "button", onclick }, text);
  const cutAll = button("Cut all four", () => ask({ kind: "cut" }));
  const pause = button("Pause", () => (state.paused === null ? stop() : go()));
  const anew = button("Count anew", () => ask({ kind: "count" }));
  el.classList.add("rtlab-lanes");

  // ── the news ──
  const take = (content, buffers) => {
    clock.hear(content.now, performance.now());
    clock.wanted = content.link.behind;
    const now = clock.time(performance.now());
    const [published, ...rows] = buffers.map(numbers);
    state.published.add(published);
    state.lanes.forEach((lane, at) => {
      lane.add(rows[2 * at], now);
      lane.addCrossings(rows[2 * at + 1], now, content.link.transit);
    });
    state.latest = content;
    if (state.wish?.id === content.done) state.wish = null;
    tellWish(content);
    advance(now);
    tellSoon();
    wake();
  };
  // The lab's thread tells its news even while a cell runs; what is asked for has to wait then.
  const tellWish = ({ said: { text, wrong }, link, settings }) => {
    const waits = state.wish !== null && performance.now() - state.wish.at > PATIENCE;
    setText(said, waits ? "The kernel is busy with a cell: this waits until it has run." : text);
    said.classList.toggle("wrong", wrong && !waits);
    if (state.wish !== null) return; // the controls show what is wished, not yet what is
    for (const [group, values] of [["link", link], ["settings", settings]]) {
      for (const [name, control] of Object.entries(sliders[group])) control.set(values[name]);
    }
  };
  const advance = (now) => {
    state.published.advance(now);
    for (const lane of state.lanes) lane.advance(now);
  };

  // Words change four times a second: quicker than that nobody reads.
  let telling = null;
  const tellSoon = () => (telling ??= setTimeout(tell, 250));
  const tell = () => {
    telling = null;
    const { latest, published, lanes } = state;
    lanes.forEach((lane, at) => tellLane(latest.lanes[at], lane.strip.median(clock.drawn), at));
    const { rate, payload_size: size } = latest.settings;
    const real = rate < 20 ? "" : ` (${inAll(Math.round(published.rate))}/s came out)`;
    setText(
      counted,
      `${perSecond(rate)}${real} of ${inBytes(size)}. Requests and bytes are those of all clients ` +
        "of this lab; the median is that of the last 10 s."
    );
    setText(link, `The links: ${latest.link.text}.`);
    setText(behind, state.paused === null ? late() : paused());
  };
  const late = () =>
    `Drawn ${(clock.behind / 1000).toFixed(1)} s late, from the real times of publishing, ` +
    "sending and receiving: by then they are known.";
  const paused = () => {
    const count = Math.max(0, state.latest.last - state.paused.last);
    const went = `${inAll(count)} message${count === 1 ? "" : "s"} went by`;
    return `The drawing is paused${state.paused.why}: ${went} meanwhile, and nothing is lost.`;
  };
  const tellLane = ([transport, client, ...counts], median, at) => {
    const cells = body.rows[at].cells;
    const latency = median === null ? "–" : inMs(median);
    const texts = [client, ...counts.slice(0, 6).map(inAll), latency];
    texts.forEach((text, place) => setText(cells[place + 1], text));
    setText(state.heads[at].client, client);
    setText(state.heads[at].latency, median === null ? "" : `${latency} median`);
  };
  const setText = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  // ── the drawing ──
  let place = null;
  let colours = {};
  let coloured = -Infinity;
  let frame = null;
  let seen = true;
  const context = canvas.getContext("2d");
  const fit = () => {
    const width = Math.max(300, stage.clientWidth);
    const scale = window.devicePixelRatio || 1;
    place = layout(width, state.lanes.length);
    canvas.width = width * scale;
    canvas.height = place.height * scale;
    canvas.style.height = `${place.height}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    state.heads.forEach(({ element }, at) => {
      element.style.top = `${place.boxes[at].y}px`;
      element.style.width = `${place.boxes[at].head}px`;
    });
    draw();
  };
  const draw = () => {
    const now = clock.drawn;
    if (now === null || place === null || !state.lanes.length) return;
    if (performance.now() - coloured > 1000) {
      coloured = performance.now();
      colours = paint(el);
    }
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colours.soft;
    const { client, server, strip } = place.boxes[0];
    context.fillText("client", client - 3, 12);
    context.fillText("server", server - 30, 12);
    if (!place.narrow) context.fillText("latency of each message, last 15 s", strip.x, 12);
    const top = scaleTop(Math.max(...state.lanes.map((lane) => lane.strip.top(now))));
    const { newest } = state.published;
    state.lanes.forEach((lane, at) =>
      drawLane(context, lane, place.boxes[at], { now, newest, top, colours })
    );
  };
  const tick = () => {
    frame = null;
    const now = clock.time(performance.now());
    advance(now);
    draw();
    // What is over moves out of the strip, but of a lab that is stopped the end stays in sight.
    const over = Math.max(...state.lanes.map((lane) => lane.end)) + (state.alive ? WINDOW : TAIL);
    if (now < over || (state.alive && clock.behind !== clock.wanted)) wake();
  };
  const wake = () => {
    if (seen && state.paused === null && state.lanes.length) frame ??= requestAnimationFrame(tick);
  };
  const rest = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
  };

  // ── pausing ──
  const stop = (why = "") => {
    rest();
    pause.textContent = "Go on";
    state.paused = { last: state.latest?.last ?? 0, why };
    if (state.latest) tell();
  };
  const go = () => {
    pause.textContent = "Pause";
    state.paused = null;
    if (!state.latest) return;
    fit();
    tell();
    wake();
  };

  // ── the lanes themselves ──
  const build = ({ transports, lanes }) => {
    state.published = new Published();
    state.lanes = lanes.map((lane) => new Lane(lane.at(-1)));
    cutAll.textContent = transports.length === 1 ? "Cut it" : `Cut all ${transports.length}`;
    if (state.heads.length) return;
    for (const name of transports) {
      const client = make("span", { class: "client" });
      const latency = make("span", { class: "latency" });
      const cut = button("Cut", () => ask({ kind: "cut", transport: name }));
      cut.disabled = !state.alive;
      cut.setAttribute("aria-label", `Cut ${name}`);
      const element = make("div", { class: "head" }, make("b", {}, name), client, latency, cut);
      state.heads.push({ element, client, latency, cut });
      stage.append(element);
      const cells = COLUMNS.slice(1).map(() => make("td"));
      body.append(make("tr", {}, make("th", { scope: "row" }, name), ...cells));
    }
  };

  send = attach(
    { model, el, signal },
    {
      snapshot(content, buffers) {
        build(content);
        take(content, buffers);
        const first = buffers[0]?.byteLength ? numbers(buffers[0])[0] - 1 : 0;
        state.published.newest = Math.max(first, ...content.lanes.map((lane) => lane.at(-1)));
        advance(clock.drawn);
        if (state.paused !== null) state.paused.last = content.last;
        fit();
        tell();
      },
      news: (content, buffers) => state.lanes.length && take(content, buffers),
      alive(on) {
        state.alive = on;
        for (const b of [cutAll, pause, anew, ...state.heads.map(({ cut }) => cut)]) b.disabled = !on;
        for (const group of Object.values(sliders)) {
          for (const control of Object.values(group)) control.enable(on);
        }
      },
    }
  );

  keepKeys(el, signal);
  el.append(
    make("div", { class: "controls" }, ...fields),
    make("div", { class: "buttons" }, cutAll, pause, anew, said),
    stage,
    make("p", { class: "legend" }, ...LEGEND.map((text) => make("span", {}, text))),
    behind,
    link,
    make("div", scroll, table),
    counted
  );

  // While it is paused the picture is stretched: there is no other one of that moment.
  const resized = new ResizeObserver(() => state.paused === null && fit());
  resized.observe(stage);
  const looked = new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (seen) wake();
    else rest();
  });
  looked.observe(stage);
  if (still.matches) stop(", as your system asks for less motion");
  signal.addEventListener("abort", () => {
    rest();
    clearTimeout(telling);
    resized.disconnect();
    looked.disconnect();
  });
}

export default { render };
