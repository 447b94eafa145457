// ChatRoom: clients of the chat side by side, each on a WebSocket of the browser's own.

const LINES = 200; // that a pane shows
const BUDGET = 1_000_000; // characters that they may have together
const SHORT = 300; // characters of a line that are shown at once
const FAULTS = [1003, 1007, 1008, 1009]; // close codes that blame the client: no use to come back
const CUT = 4; // seconds

// ms to wait before the next attempt, after so many that failed. Half of it is chance: a thousand
// clients that were cut together do not come back together.
export function pause(retries, random = Math.random) {
  const ceiling = Math.min(1000 * 2 ** Math.min(retries, 20), 30_000);
  return ceiling / 2 + (random() * ceiling) / 2;
}

const MEANINGS = {
  1000: "in order",
  1001: "the server goes away",
  1003: "the server takes no binary data",
  1005: "a Close frame came, without a code",
  1006: "no Close frame came: the browser makes this number up",
  1007: "the text was not UTF-8",
  1008: "the server does not let this client in",
  1009: "the message was too long",
  1011: "the server's handler failed",
  1013: "this client reads too slowly",
};

// What a close event says, as it came, and what it means.
export function ending({ code, reason }, proxied = false) {
  const said = `Closed: ${code}${reason ? ` “${reason}”` : ", no reason given"}`;
  const meaning = MEANINGS[code] ? `${said} (${MEANINGS[code]}).` : `${said}.`;
  const hidden = proxied && [1005, 1006].includes(code);
  return hidden ? `${meaning} Jupyter's proxy hands no codes on.` : meaning;
}

const MOVES = { join: "has come", leave: "has left", welcome: "is your name here", who: "" };

// A message of the server as a line of the log. Whatever is none of ours is shown as it came.
export function lineOf(data) {
  if (typeof data !== "string") return { kind: "raw", text: `binary, ${data.size} bytes` };
  const raw = { kind: "raw", text: data };
  let message;
  try {
    message = JSON.parse(data) ?? {};
  } catch {
    return raw;
  }
  const { type, name, text, error } = message;
  if (type === "error") return { kind: "error", text: `The server: ${error}` };
  if (type === "say") {
    const whole = typeof name === "string" && typeof text === "string";
    return whole ? { kind: "say", name, text } : raw;
  }
  if (!Object.hasOwn(MOVES, type) || !Array.isArray(message.here)) return raw;
  const here = message.here.map(String);
  if (type === "who") return { kind: "event", text: `Here: ${here.join(", ")}`, here };
  const welcome = type === "welcome";
  return { kind: "event", name: String(name), text: MOVES[type], here, welcome };
}

// The newest lines, as many as fit.
export class Log {
  lines = [];
  forgotten = 0;
  #size = 0;

  add(line) {
    this.lines.push(line);
    this.#size += line.text.length;
    while (this.lines.length > LINES || (this.#size > BUDGET && this.lines.length > 1)) {
      this.#size -= this.lines.shift().text.length;
      this.forgotten += 1;
    }
  }
}

// The lesson's client. `dial` gives it a WebSocket; `view.changed` is called whenever it is in
// another state, `view.heard` with every line for the log.
export class ChatClient {
  state = "closed"; // connecting, open, joined, waiting
  wanted = null; // the name and the room
  name = ""; // what the server calls it
  here = [];
  retries = 0;
  delay = 0; // ms
  #ws = null;
  #timer = null;

  constructor({ dial, view, proxied = () => false, timers = globalThis, random = Math.random }) {
    Object.assign(this, { dial, view, proxied, timers, random });
  }

  join(name, room) {
    this.wanted = { name, room };
    this.retries = 0;
    this.#connect();
  }

  leave() {
    this.wanted = null;
    this.timers.clearTimeout(this.#timer);
    if (this.#ws) this.#ws.close(1000);
    else this.#become("closed");
  }

  // Connect anew, as when the way has changed.
  again() {
    this.#ws?.close(1000);
  }

  // Send whatever it is: the server has to cope.
  send(text) {
    this.#ws.send(text);
  }

  say(text) {
    this.send(JSON.stringify({ type: "say", text }));
  }

  #connect() {
    this.#become("connecting");
    const ws = this.dial();
    this.#ws = ws;

    ws.onopen = () => {
      if (!this.wanted) return;
      this.#become("open");
      ws.send(JSON.stringify({ type: "join", ...this.wanted }));
    };

    ws.onmessage = (event) => this.#hear(lineOf(event.data));

    ws.onclose = (event) => {
      this.#ws = null;
      this.here = [];
      this.view.heard({ kind: "closed", text: ending(event, this.proxied()) });
      if (FAULTS.includes(event.code)) this.wanted = null;
      if (this.wanted) this.#wait();
      else this.#become("closed");
    };
  }

  #wait() {
    this.delay = pause(this.retries, this.random);
    this.retries += 1;
    this.#timer = this.timers.setTimeout(() => this.#connect(), this.delay);
    this.#become("waiting");
  }

  #hear(line) {
    if (line.here) this.here = line.here;
    if (line.welcome) {
      this.retries = 0; // only now: a proxy opens before it knows whether the server is there
      this.name = line.name;
      this.#become("joined");
    } else if (line.here) this.view.changed();
    this.view.heard(line);
    if (line.kind === "error" && this.state === "open") this.leave(); // it does not let us in
  }

  #become(state) {
    this.state = state;
    this.view.changed();
  }
}

// What a client is doing, in words.
export function doing({ state, name, wanted, retries, delay }) {
  if (state === "closed") return "not connected";
  if (!wanted) return "leaving";
  if (state === "connecting") return retries ? `connecting, attempt ${retries}` : "connecting";
  if (state === "open") return "open; the server has not answered yet";
  if (state === "waiting") return `lost; attempt ${retries} in ${(delay / 1000).toFixed(1)} s`;
  return `in ${wanted.room} as ${name}`;
}

// A line as elements. What came over the wire is text, and does not turn what stands around it.
function row({ kind, name, text }) {
  const item = make("li", { class: kind });
  if (name) item.append(make("bdi", { class: "who" }, name), kind === "event" ? " " : ": ");
  item.append(make("bdi", {}, text.slice(0, SHORT)));
  if (text.length > SHORT) {
    const all = make("summary", {}, `… all ${text.length.toLocaleString("en")} characters`);
    const details = make("details", {}, all);
    const show = () => details.append(make("pre", { tabindex: 0, role: "region" }, text));
    details.addEventListener("toggle", show, { once: true });
    item.append(details);
  }
  return item;
}

// The log of a client, drawn once a frame at the most, and not at all while nobody looks.
function journal(title, signal) {
  const log = new Log();
  const list = make("ol");
  const element = make(
    "div", { class: "log", role: "log", tabindex: 0, "aria-label": title }, list,
  );
  let drawing = null;
  const draw = () => {
    drawing = null;
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 8;
    const rows = log.lines.map((line) => (line.row ??= row(line)));
    if (log.forgotten) {
      const count = log.forgotten.toLocaleString("en");
      rows.unshift(make("li", { class: "event" }, `${count} older lines are not kept`));
    }
    list.replaceChildren(...rows);
    if (atEnd) element.scrollTop = element.scrollHeight;
  };
  const add = (line) => {
    if (signal.aborted) return;
    log.add(line);
    drawing ??= requestAnimationFrame(draw);
  };
  signal.addEventListener("abort", () => cancelAnimationFrame(drawing));
  return { element, add };
}

// Enter in a field sends its form: JupyterLab keeps it from doing so by itself.
function enters(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    form.requestSubmit();
  });
  return form;
}

// What a reader does with one client.
function desk(title) {
  const id = `rtlab-${Math.random().toString(36).slice(2)}`;
  const field = (what, attributes) => make("input", {
    id: `${id}-${what}`, type: "text", autocomplete: "off", spellcheck: "false", ...attributes,
  });
  const named = (words, control) =>
    make("span", { class: "named" }, make("label", { for: control.id }, words), control);
  const name = field("name", { size: 9, maxlength: 60 });
  const room = field("room", { size: 9, maxlength: 60 });
  const enter = make("button", { type: "submit" }, "Join");
  const text = field("text", { size: 14, class: "text" });
  const how = make("select", { "aria-label": "how it is sent" },
    make("option", { value: "say" }, "say it"),
    make("option", { value: "raw" }, "send it as it is"));
  const send = make("button", { type: "submit" }, "Send");
  const state = make("p", { class: "state", role: "status" });
  const here = make("p", { class: "here" });
  const joining = enters(make("form", { class: "line", "aria-label": `${title} joins` },
    named("Name", name), named("Room", room), enter));
  const saying = enters(make("form", { class: "line", "aria-label": `${title} sends` },
    named("Text", text), how, send));
  return { name, room, enter, text, how, send, state, here, joining, saying };
}

// One client and all that belongs to it.
function pane(place, { signal, way, tell }) {
  const title = `Client ${place + 1}`;
  const parts = desk(title);
  const { name, room, enter, text, how, send, state, here, joining, saying } = parts;
  const log = journal(`what ${title} hears`, signal);
  const element = make("section", { class: "pane", "aria-label": title },
    make("strong", {}, title), joining, state, here, log.element, saying);
  let alive = true;

  const changed = () => {
    if (signal.aborted) return;
    const idle = client.state === "closed";
    const connected = client.wanted && ["open", "joined"].includes(client.state);
    state.textContent = doing(client);
    state.dataset.state = client.state;
    here.textContent = client.here.length ? `Here: ${client.here.join(", ")}` : "";
    enter.textContent = idle ? "Join" : "Leave";
    enter.disabled = !alive || (!idle && !client.wanted);
    name.disabled = room.disabled = !alive || !idle;
    text.disabled = how.disabled = send.disabled = !alive || !connected;
  };
  const client = new ChatClient({
    dial: () => new WebSocket(way.url()),
    proxied: () => way.proxied(),
    view: { changed, heard: log.add },
  });

  joining.addEventListener("submit", (event) => {
    event.preventDefault();
    if (client.state === "closed") client.join(name.value, room.value);
    else client.leave();
    const wanted = client.wanted !== null;
    tell({ kind: "pane", pane: place, name: name.value, room: room.value, wanted });
  });
  saying.addEventListener("submit", (event) => {
    event.preventDefault();
    const raw = how.value === "raw";
    if (raw) client.send(text.value);
    else client.say(text.value);
    log.add({ kind: "own", name: raw ? "sent as it is" : client.name || "you", text: text.value });
    text.value = "";
    text.focus();
  });
  signal.addEventListener("abort", () => client.leave());
  changed();

  return {
    element,
    again: () => client.again(),
    // Stand as before the page was loaded.
    restore(before, lines) {
      name.value = before.name;
      room.value = before.room;
      if (!before.wanted) return;
      for (const line of lines.filter((said) => said.room === before.room)) {
        const words = MOVES[line.type];
        const kind = words ? "event" : "say";
        log.add({ kind, name: line.name, text: words ?? line.text });
      }
      log.add({ kind: "event", text: "The page was loaded again; above is what Python has kept." });
      client.join(before.name, before.room);
    },
    live(value) {
      alive = value;
      if (!alive) client.leave();
      changed();
    },
  };
}

// The way from this page to the chat, and the choice of it where there is one.
function wayTo(changed) {
  const local = reach(0).way === "direct";
  const choice = make("select", { "aria-label": "the way to the server", onchange: changed },
    ...(local ? [make("option", { value: "direct" }, "direct")] : []),
    make("option", { value: "proxied" }, "through Jupyter's proxy"));
  const shown = make("code");
  let target = null;
  const proxied = () => choice.value === "proxied";
  const url = () => {
    const { http } = reach(target.port, { proxied: proxied() });
    return `${http.replace(/^http/, "ws")}${target.pathname}${target.search}`;
  };
  return {
    element: make("span", {}, "The way: ", choice, " ", shown),
    proxied,
    url,
    show(text = null) {
      if (text) target = new URL(text);
      shown.textContent = url().split("?")[0]; // without the token
    },
  };
}

// What the server itself knows, in words.
export function knows({ rooms, connections, up, down }) {
  const who = Object.entries(rooms).map(([room, here]) => `${room}: ${here.join(", ")}`);
  const count = (number) => number.toLocaleString("en");
  return `The server has ${connections} ${connections === 1 ? "connection" : "connections"}; ` +
    `${who.join("; ") || "nobody is in a room"}. ` +
    `${count(up)} bytes went up, ${count(down)} down.`;
}

export default {
  render(context) {
    const { el, signal } = context;
    const way = wayTo(() => {
      way.show();
      for (const each of panes) each.again();
    });
    const cut = make("button", { type: "button" }, `Cut the link for ${CUT} s`);
    const grid = make("div", { class: "panes" });
    const server = make("p", { class: "server" });
    const note = make("p", { class: "rtlab-status", role: "status" });
    const hint = make("p", { class: "hint" }, "From Python: ",
      make("code", {}, 'async with chat.join("Python") as room: await room.say("hi")'),
      ". Every frame, bit by bit: ", make("code", {}, "chat.recording"), ".");
    el.classList.add("rtlab-chat");
    keepKeys(el, signal);

    let panes = [];
    let alive = true;
    let running = true;
    const live = () => {
      cut.disabled = !(alive && running);
      for (const each of panes) each.live(alive && running);
    };
    const tell = attach(context, {
      snapshot({ url, panes: before, lines, server: known }) {
        way.show(url);
        if (!panes.length) {
          panes = before.map((_, place) => pane(place, { signal, way, tell }));
          grid.replaceChildren(...panes.map((each) => each.element));
          if (known.running) panes.forEach((each, place) => each.restore(before[place], lines));
        }
        this.news({ server: known });
      },
      news({ server: known }) {
        server.textContent = knows(known);
        if (running === known.running) return;
        running = known.running;
        note.textContent = running ? "" : "This chat was stopped, or replaced by a new one: run " +
          "the cell that starts it, and then this one.";
        live();
      },
      alive(value) {
        alive = value;
        live();
      },
    });
    el.append(note, make("div", { class: "line" }, way.element, cut), grid, server, hint);
    cut.addEventListener("click", () => tell({ kind: "cut", seconds: CUT }));
  },
};
