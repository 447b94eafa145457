// What the views of the browser's own clients have in common, beside what they draw: the clients,
// the way to the server, the clock, what Python is told, and that all of it ends.

const DRAWN_EVERY = 100; // ms
const TOLD_EVERY = 5; // s; at once when a state changes
const CLOCK_EVERY = 5; // s, while something is open
const LONG_AWAY = 30_000; // ms in a hidden tab that are worth a line

// `made(clients, content)` is called once, with the first snapshot; `draw()` after changes, ten
// times a second at most; `alive(yes)` when the lab stops. `arrived` and `revive` are for every
// client; `always` connects it without being asked.
function desk(context, { made, draw, alive, arrived, revive = false, always = false }) {
  const { el, signal } = context;
  const clock = new Clock(grainOf());
  const clients = new Map();
  const state = { last: 0, ready: false, alive: true };
  let servers = {}; // what lab.url(...) says: through the link, and past it
  let dirty = true;

  const changed = () => {
    dirty = true;
  };
  const beside = () => Object.values(servers)[0].direct;
  // What is open is worth something as long as the clock beside it answers.
  const look = async () => {
    const answered = await askClock(clock, clockOf(beside(), way.proxied), 1, signal);
    for (const client of state.alive && !signal.aborted ? clients.values() : []) {
      if (client.journal.up && (client.doubtful || !answered)) client.check();
    }
  };
  const compare = () => askClock(clock, clockOf(beside(), way.proxied), 8, signal);
  const way = chooseWay({
    found: async () => {
      state.ready = true;
      changed();
      if (signal.aborted) return;
      await compare();
      for (const [transport, client] of clients) {
        const wanted = always || servers[transport].report.wanted;
        if (wanted && state.alive && !signal.aborted) client.open();
      }
    },
    changed: async (proxied) => {
      const open = [...clients.values()].filter((client) => client.wanted);
      for (const client of open) client.close("the way is another one");
      await compare();
      if (way.proxied === proxied && !signal.aborted) for (const client of open) client.open();
      changed();
    },
  });

  const begin = (content) => {
    servers = content.servers;
    for (const [transport, { report }] of Object.entries(servers)) {
      const client = new Client(transport, {
        clock, changed, arrived, revive,
        period: (content.period ?? 1) * 1000,
        url: () => way.to(servers[transport].url),
        explain: () => objection(servers[transport].direct, way.proxied),
        proxied: () => way.proxied,
      });
      client.journal.restore(report);
      clients.set(transport, client);
    }
    made(clients, content);
    if (state.alive) way.find(beside(), content.proxied);
  };

  const handlers = {
    snapshot: (content) => {
      state.last = content.last;
      if (!clients.size) begin(content);
    },
    news: (content) => {
      if (content.last !== undefined) state.last = content.last;
      for (const { transport, connections, seconds } of content.cuts ?? []) {
        const away = seconds ? `, new ones are turned away for ${seconds} s` : "";
        clients.get(transport)?.journal.note("cut", `connections: ${connections}${away}`);
      }
      changed();
    },
    alive: (yes) => {
      state.alive = yes;
      if (!yes) for (const client of clients.values()) client.retire();
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
    if (!clients.size || !state.alive || Date.now() < silent) return;
    const reports = {};
    for (const [transport, client] of clients) reports[transport] = client.report;
    told = stateOf(clients);
    toldAt = Date.now();
    ask({ kind: "report", clients: reports, proxied: way.proxied });
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
    for (const client of always && state.alive ? clients.values() : []) {
      if (client.crowded) client.open(); // once somebody has made room
    }
    const late = Date.now() - toldAt > TOLD_EVERY * 1000;
    if (told !== stateOf(clients) || ((news || dirty) && late)) {
      news = false;
      tell();
    }
    const up = [...clients.values()].some(({ journal }) => journal.up);
    if (up && !document.hidden && seconds % CLOCK_EVERY === 0) look();
  }, 1000);
  let hiddenAt = null;
  const turned = () => {
    if (document.hidden) {
      hiddenAt = Date.now();
      tell();
      return;
    }
    const away = hiddenAt === null ? 0 : Date.now() - hiddenAt;
    hiddenAt = null;
    for (const client of away > LONG_AWAY ? clients.values() : []) {
      if (client.wanted) client.journal.note("hidden", `The tab was hidden for ${ms(away)}: ` +
        "browsers hold back the timers of hidden tabs, down to one a minute.");
    }
    changed();
  };
  document.addEventListener("visibilitychange", turned);
  window.addEventListener("beforeunload", leaving);
  signal.addEventListener("abort", () => {
    clearInterval(drawing);
    clearInterval(ticking);
    document.removeEventListener("visibilitychange", turned);
    window.removeEventListener("beforeunload", leaving);
    for (const client of clients.values()) client.destroy();
  });
  return { clock, clients, state, way, ask, changed };
}

// What is told to Python as soon as it changes. Loops ask and wait in turn: that is no news.
function stateOf(clients) {
  const one = ({ wanted, journal }) => `${wanted} ${journal.up} ${journal.reconnects}`;
  return [...clients.values()].map(one).join();
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
export function showState(element, client) {
  const { state, doubtful } = client;
  const detail = doubtful ? "in doubt: no answer" : client.detail;
  const text = `${doubtful ? "?" : MARKS[state]} ${state}${detail ? `, ${detail}` : ""}`;
  if (element.textContent !== text) element.textContent = text;
  element.dataset.state = doubtful ? "DOUBTFUL" : state;
}
