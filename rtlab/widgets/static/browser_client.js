// The reader's own browser as the client.

const ROWS = 100; // of the log that are shown
const AT_ONCE = 30; // that are added in one drawing: what comes faster nobody can read
const PROXY_NOTES = {
  polling: "",
  long_polling: "",
  sse: "Through Jupyter's proxy, a server that is not reached is a 500: EventSource gives up. And " +
    "every stream ends after two minutes, for the proxy keeps it if its reader leaves: " +
    "EventSource comes back.",
  websocket: "Through Jupyter's proxy, a WebSocket opens even if nobody is there, close codes " +
    "are lost (1005, 1006), and the proxy itself answers pings.",
};

// What a reader typed, as JSON: as it is if it is JSON, as a string if it is not.
export function asJson(typed) {
  try {
    JSON.parse(typed);
    return typed;
  } catch {
    return JSON.stringify(typed);
  }
}

// A time of day: the hours apart, for narrow pages to leave out.
function timeOfDay(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const rest = `${two(date.getMinutes())}:${two(date.getSeconds())}.` +
    String(date.getMilliseconds()).padStart(3, "0");
  return [make("span", { class: "hours" }, `${two(date.getHours())}:`), rest];
}

// The figures of a client, in the order in which they are shown.
export function figuresOf(client, last) {
  const { tally, reconnects, waited, figures } = client.journal;
  return [
    ["received", tally.received],
    ["lost", tally.lost],
    ["twice", tally.twice],
    ["reconnects", reconnects],
    ["cursor", `${tally.cursor ?? "–"} of ${Math.max(last, tally.cursor ?? 0)}`],
    ["came afterwards", waited],
    ["latency: median", ms(figures.median)],
    ["95 %", ms(figures.p95)],
    ["most", ms(figures.most)],
  ];
}

// One client: its controls, its state, its log, and the code that runs.
function pane(client, { desk, single, paused }) {
  const { transport, kind } = client;
  const button = (text, act) => make("button", { type: "button", onclick: act }, text);
  const connect = button("Connect", () => client.open());
  const close = button("Close", () => client.close());
  const cutting = cutControls((seconds) => {
    client.journal.note("cut", "asked of the kernel");
    desk.ask({ kind: "cut", transport, seconds });
  });
  const typed = make("input", {
    type: "text", "aria-label": "message", value: '{"hello": "from the browser"}', size: 26,
  });
  // JupyterLab keeps Enter from doing this by itself.
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit(send);
  });
  const send = make("button", { type: "submit" }, transport === "websocket" ? "Send" : "POST");
  const form = make("form", { class: "together", onsubmit: (event) => {
    event.preventDefault();
    client.send(asJson(typed.value));
  } }, typed, " ", send);
  const quiet = transport === "sse" || transport === "websocket" ? { role: "status" } : {};
  const state = make("span", { class: "state", ...quiet });
  const address = make("code", { class: "address" });
  const note = make("p", { class: "note" });
  const figures = make("dl", { class: "figures" });
  const values = new Map();
  const empty = make("tr", { class: "empty" },
    make("td", { colspan: 4 }, "Nothing yet: press Connect."));
  const body = make("tbody", {}, empty);
  const log = make("div", { class: "log", tabindex: 0, role: "region",
    "aria-label": `what ${kind.name} did, newest first` },
    make("table", {}, make("thead", {}, make("tr", {},
      ...["time", "what", "data", "latency"].map((name) => make("th", { scope: "col" }, name)))),
      body));
  const code = make("details", { open: single }, make("summary", {}, "The code that runs"),
    make("pre", { tabindex: 0 }, make("code", {}, codeOf(transport))));
  const element = make("section", { class: "pane", "aria-label": `${transport}: ${kind.name}` },
    make("p", { class: "head" }, make("strong", {}, transport), ` ${kind.name} `, state),
    make("div", { class: "controls" }, connect, close, cutting.element, form),
    address, note, figures, make("div", { class: "sides" }, log, code));

  let drawn = 0;
  const row = ({ at, what, text, latency }) => make("tr", { "data-what": what },
    make("td", {}, ...timeOfDay(at)), make("td", {}, what),
    make("td", { colspan: latency === null ? 2 : 1 }, text),
    ...(latency === null ? [] : [make("td", {}, ms(latency))]));
  const drawLog = () => {
    const { lines, noted } = client.journal;
    const fresh = noted - drawn;
    const most = drawn ? AT_ONCE : ROWS;
    drawn = noted;
    if (fresh === 0) return;
    const rows = lines.slice(-Math.min(fresh, most)).reverse().map(row);
    // What was left out leaves no hole: the older rows go as well.
    if (fresh > most) body.replaceChildren(...rows);
    else body.prepend(...rows);
    empty.remove();
    while (body.childElementCount > ROWS) body.lastElementChild.remove();
  };
  const drawFigures = () => {
    for (const [name, value] of figuresOf(client, desk.state.last)) {
      if (!values.has(name)) {
        values.set(name, make("dd"));
        figures.append(make("div", {}, make("dt", {}, name), values.get(name)));
      }
      values.get(name).textContent = value;
    }
  };
  return { element, draw: () => {
    const { ready, alive } = desk.state;
    showState(state, client);
    connect.disabled = !ready || !alive || client.wanted;
    close.disabled = !client.wanted;
    cutting.button.disabled = !alive;
    send.disabled = !ready || !alive;
    address.textContent = ready ? client.url().replace(/token=[^&]*/, "token=*") : "";
    note.textContent = desk.way.proxied ? PROXY_NOTES[transport] : "";
    if (paused()) return;
    drawFigures();
    drawLog();
  } };
}

export default {
  render(context) {
    const { el } = context;
    const panes = [];
    let paused = false;
    const pause = make("button", { type: "button", "aria-pressed": "false", onclick: () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Go on" : "Pause";
      said.textContent = paused ? "The log stands still; the client goes on." : "";
      table.changed();
    } }, "Pause");
    const said = make("span", { class: "note", role: "status" });
    const clock = make("span", { class: "note" });
    const list = make("div", { class: "panes" });
    const table = desk(context, {
      made: (clients) => {
        const single = clients.size === 1;
        for (const client of clients.values()) {
          panes.push(pane(client, { desk: table, single, paused: () => paused }));
        }
        list.classList.toggle("many", !single);
        list.append(...panes.map(({ element }) => element));
      },
      draw: () => {
        clock.textContent = String(table.clock);
        for (const { draw } of panes) draw();
      },
      alive: () => {},
    });
    el.append(make("div", { class: "rtlab-browser" }, table.way.element,
      make("p", { class: "controls" }, pause, said, clock), list));
  },
};
