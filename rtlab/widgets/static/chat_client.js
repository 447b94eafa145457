// A client of the chat, on a WebSocket of the browser's own, and what it hears.

const LINES = 200; // that a pane shows
const BUDGET = 1_000_000; // characters that they may have together
const FAULTS = [1003, 1007, 1008, 1009]; // close codes that blame the client: no use to come back

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

  constructor({ dial, view, proxied = () => false, timers = globalThis, wait = backoff }) {
    Object.assign(this, { dial, view, proxied, timers, wait });
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
    this.delay = this.wait(this.retries);
    this.retries += 1;
    this.#timer = this.timers.setTimeout(() => this.#connect(), this.delay);
    this.#become("waiting");
  }

  #hear(line) {
    this.retries = 0; // only now: a proxy opens before it knows whether the server is there
    if (line.here) this.here = line.here;
    if (line.welcome) {
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
