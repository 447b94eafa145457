// ChatRoom: clients of the chat side by side.

const SHORT = 300; // characters of a line that are shown at once
const CUT = 4; // seconds

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
function pane(place, { signal, way, url, tell }) {
  const title = `Client ${place + 1}`;
  const parts = desk(title);
  const { name, room, enter, text, how, send, state, here, joining, saying } = parts;
  const log = journal(`what ${title} hears`, signal);
  const element = make("section", { class: "pane", "aria-label": title },
    make("strong", {}, title), joining, state, here, log.element, saying);
  let alive = false; // until there is a way to the server

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
    dial: () => new WebSocket(way.to(url())),
    proxied: () => way.proxied,
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
    restore(before) {
      name.value = before.name;
      room.value = before.room;
    },
    // Be who it was then.
    rejoin(before, lines) {
      if (!before.wanted || client.wanted) return;
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
    let url = "";
    const where = make("code");
    const show = () => {
      where.textContent = way.proxied === null ? "" : way.to(url).split("?")[0];
    };
    const way = chooseWay({
      found: () => {
        if (signal.aborted) return;
        show();
        live();
        const { panes: before, lines, server: known } = first;
        if (known.running) panes.forEach((each, place) => each.rejoin(before[place], lines));
      },
      changed: () => {
        show();
        for (const each of panes) each.again();
      },
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
    let first = null; // snapshot: how it stood before the page was loaded
    let alive = true;
    let running = true;
    const live = () => {
      cut.disabled = !(alive && running);
      for (const each of panes) each.live(alive && running && way.proxied !== null);
    };
    const tell = attach(context, {
      snapshot(content) {
        url = content.url;
        show();
        if (!panes.length) {
          first = content;
          panes = first.panes.map((_, place) => pane(place, { signal, way, url: () => url, tell }));
          grid.replaceChildren(...panes.map((each) => each.element));
          panes.forEach((each, place) => each.restore(first.panes[place]));
          if (alive && content.server.running) way.find(content.beside);
        }
        this.news(content);
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
    el.append(note, way.element, make("div", { class: "line" }, where, cut), grid, server, hint);
    cut.addEventListener("click", () => tell({ kind: "cut", seconds: CUT }));
  },
};
