// What the views of the browser's own clients have in common, beside what they draw: their
// sessions, the way to the server, the clock, what Python is told, and that all of it ends.

const DRAWN_EVERY = 100; // ms
const TOLD_EVERY = 5; // s; at once when a state changes
const CLOCK_EVERY = 5; // s, while something is open

// `made(sessions, content)` is called once, with the first snapshot; `draw()` after changes, ten
// times a second at most; `alive(yes)` when the lab stops. `arrived` and `revive` are for every
// session; `always` connects it without being asked.
function desk(context, { made, draw, alive, arrived, revive = false, always = false }) {
  const { el, signal } = context;
  const clock = new Clock(grainOf());
  const sessions = new Map();
  const state = { last: 0, ready: false, alive: true };
  let servers = {}; // what lab.url(...) says: through the link, and past it
  let dirty = true;

  const changed = () => {
    dirty = true;
  };
  const beside = () => Object.values(servers)[0].direct;
  const way = chooseWay(async (proxied) => {
    const open = [...sessions.values()].filter((session) => session.wanted);
    for (const session of open) session.close("the way is another one");
    await askClock(clock, clockOf(beside(), proxied), 8, signal);
    if (way.proxied === proxied && !signal.aborted) for (const session of open) session.open();
    changed();
  });

  const begin = async (content) => {
    servers = content.servers;
    for (const [transport, { report }] of Object.entries(servers)) {
      const session = new Session(transport, {
        clock, changed, arrived, revive,
        period: (content.period ?? 1) * 1000,
        url: () => addressOf(servers[transport].url, way.proxied),
        explain: () => objection(servers[transport].direct, way.proxied),
        proxied: () => way.proxied,
      });
      session.journal.restore(report);
      sessions.set(transport, session);
    }
    made(sessions, content);
    if (!state.alive) return;
    state.ready = await way.find(beside(), content.proxied);
    changed();
    if (!state.ready || signal.aborted) return;
    await askClock(clock, clockOf(beside(), way.proxied), 8, signal);
    for (const [transport, session] of sessions) {
      const wanted = always || servers[transport].report.wanted;
      if (wanted && state.alive && !signal.aborted) session.open();
    }
  };

  const handlers = {
    snapshot: (content) => {
      state.last = content.last;
      if (!sessions.size) begin(content);
    },
    news: (content) => {
      if (content.last !== undefined) state.last = content.last;
      for (const { transport, connections, seconds } of content.cuts ?? []) {
        const away = seconds ? `, new ones are turned away for ${seconds} s` : "";
        sessions.get(transport)?.journal.note("cut", `connections: ${connections}${away}`);
      }
      changed();
    },
    alive: (yes) => {
      state.alive = yes;
      if (!yes) for (const session of sessions.values()) session.retire();
      alive(yes);
      changed();
    },
  };
  const ask = attach(context, handlers);
  keepKeys(el, signal);

  let told = "";
  let toldAt = 0;
  let silent = 0; // until when: a page that goes closes its connections first, which is no news
  const tell = () => {
    if (!sessions.size || !state.alive || Date.now() < silent) return;
    const clients = {};
    for (const [transport, session] of sessions) clients[transport] = session.report;
    told = stateOf(sessions);
    toldAt = Date.now();
    ask({ kind: "report", clients, proxied: way.proxied });
  };
  const leaving = () => {
    tell();
    silent = Date.now() + 3000; // the reader may stay after all
  };
  let news = false;
  const drawing = setInterval(() => {
    if (!dirty || document.hidden) return;
    dirty = false;
    news = true;
    draw();
  }, DRAWN_EVERY);
  let seconds = 0;
  const ticking = setInterval(() => {
    seconds += 1;
    const late = Date.now() - toldAt > TOLD_EVERY * 1000;
    if (told !== stateOf(sessions) || ((news || dirty) && late)) {
      news = false;
      tell();
    }
    const up = [...sessions.values()].some(({ journal }) => journal.up);
    if (up && !document.hidden && seconds % CLOCK_EVERY === 0) {
      askClock(clock, clockOf(beside(), way.proxied), 1, signal);
    }
  }, 1000);
  const turned = () => document.hidden && tell();
  document.addEventListener("visibilitychange", turned);
  window.addEventListener("beforeunload", leaving);
  signal.addEventListener("abort", () => {
    clearInterval(drawing);
    clearInterval(ticking);
    document.removeEventListener("visibilitychange", turned);
    window.removeEventListener("beforeunload", leaving);
    for (const session of sessions.values()) session.destroy();
  });
  return { clock, sessions, state, way, ask, changed };
}

// What is told to Python as soon as it changes. Loops ask and wait in turn: that is no news.
function stateOf(sessions) {
  const one = ({ wanted, journal }) => `${wanted} ${journal.up} ${journal.reconnects}`;
  return [...sessions.values()].map(one).join();
}

// The controls that cut a link: now, or for some seconds as well.
function cutControls(cut) {
  const choice = make("select", { "aria-label": "for how long" });
  for (const [seconds, text] of [[0, "an instant"], [3, "3 s"], [10, "10 s"]]) {
    choice.append(make("option", { value: seconds }, text));
  }
  const button = make("button", { type: "button", class: "cut" }, "Cut the link");
  button.addEventListener("click", () => cut(Number(choice.value)));
  return { button, choice, element: make("span", { class: "together" }, button, " for ", choice) };
}

const MARKS = {
  CONNECTING: "◌", OPEN: "●", CLOSING: "◍", CLOSED: "×", ASKING: "→", WAITING: "◷",
};

// A state as mark and text, never as colour alone.
function showState(element, session) {
  const { state, detail } = session;
  const text = `${MARKS[state]} ${state}${detail ? `, ${detail}` : ""}`;
  if (element.textContent !== text) element.textContent = text;
  element.dataset.state = state;
}
