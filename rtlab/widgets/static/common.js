// What all views share. Python puts this in front of each view's own module.

// Make an element. Text becomes text nodes: nothing that came over a wire is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "line", "path", "circle", "rect", "text", "polyline", "title"];
  const element = svg.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// What a model tells when its kernel is restarted, or its widget closed.
const LOST = ["comm_live_update", "comm:close", "destroy"];
const BEGIN_AGAIN = "Run the notebook again from its first cell.";
const STOPPED =
  "The lab is stopped: what you see is how it ended. Start it again, then run this cell again.";

const HERE = 20_000; // ms between two words that a view is there
const OVERDUE = 10_000; // ms after which an answer to that is missed
const SILENT = "Nothing comes from the kernel: a cell keeps it busy, or Jupyter's server is " +
  "stopped. If it is stopped, start it (on a hub in its control panel), reload the page, and run " +
  "the notebook again from its first cell.";

// Tie a view to its kernel. `handlers.snapshot` gets all there is to know, now and when the view
// was silent for long; `handlers.news` what is new since then. Returns `ask`, which sends a wish.
function attach({ model, el, signal }, handlers) {
  const view = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const status = make("p", { class: "rtlab-status", role: "status" });
  el.classList.add("rtlab-view");
  el.append(status);

  const say = (text) => {
    status.textContent = text;
  };
  const send = (content) => {
    try {
      model.send({ view, ...content });
    } catch {
      lost = true;
      say(`The kernel is gone. ${BEGIN_AGAIN}`);
    }
  };
  const hear = (content, buffers) => {
    clearTimeout(overdue);
    overdue = null;
    if (lost || silent) live();
    if (content.kind === "snapshot" && content.for === view) {
      if (waiting) live();
      handlers.snapshot(content, buffers);
    } else if (content.kind === "news") handlers.news(content, buffers);
  };
  let waiting = null;
  let lost = false; // and found again, if the kernel was only out of reach for a while
  let overdue = null;
  let silent = false;
  const rest = () => {
    clearTimeout(waiting);
    clearTimeout(overdue);
    waiting = overdue = null;
  };
  const live = () => {
    rest();
    lost = silent = false;
    say(model.get("alive") ? "" : STOPPED);
    handlers.alive?.(model.get("alive"));
  };
  const gone = () => {
    rest();
    lost = true;
    say(`The kernel was restarted. ${BEGIN_AGAIN}`);
    handlers.alive?.(false);
  };
  // Nobody tells that a server was stopped: what is sent to it goes nowhere.
  const quiet = () => {
    silent = true;
    say(SILENT);
  };

  model.on("msg:custom", hear);
  model.on("change:alive", live);
  for (const event of LOST) model.on(event, gone);
  const timer = setInterval(() => {
    send({ kind: "here" });
    if (model.get("alive") && !lost) overdue ??= setTimeout(quiet, OVERDUE);
  }, HERE);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    rest();
    model.off("msg:custom", hear);
    model.off("change:alive", live);
    for (const event of LOST) model.off(event, gone);
    send({ kind: "gone" });
  });
  live();
  waiting = setTimeout(() => say("This view waits for the kernel: a cell is running."), 2000);
  send({ kind: "ready", origin: location.origin });
  return (wish) => send(wish);
}

// Watch over the kernel of a view that has no lab: `changed` is called with false when it is gone,
// and with true if it was only out of reach. The view says so as well.
function watch({ model, el, signal }, changed) {
  const status = make("p", { class: "rtlab-status", role: "status" });
  el.classList.add("rtlab-view");
  el.append(status);
  let here = true;
  const turn = (alive) => {
    if (alive === here) return;
    here = alive;
    status.textContent = alive ? "" : `The kernel was restarted. ${BEGIN_AGAIN}`;
    changed(alive);
  };
  const gone = () => turn(false);
  const back = () => turn(true);
  model.on("change", back);
  for (const event of LOST) model.on(event, gone);
  signal.addEventListener("abort", () => {
    model.off("change", back);
    for (const event of LOST) model.off(event, gone);
  });
}

// What is typed in a view is the view's: a notebook has plans of its own for arrow keys and letters.
// It keeps those with Ctrl, Alt or Cmd, and Shift+Enter, which runs the cell.
function keepKeys(el, signal) {
  const keep = (event) => {
    if (!el.contains(event.target)) return;
    const { ctrlKey, altKey, metaKey, shiftKey, key } = event;
    const theirs = ctrlKey || altKey || metaKey || (shiftKey && key === "Enter");
    // On the very element that has the focus: JupyterLab looks at that one first, and then outwards.
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
  };
  window.addEventListener("keydown", keep, { capture: true, signal });
}

// Where a port of the kernel's machine is for this page: directly if that is this machine, through
// Jupyter's proxy otherwise. `way` says which.
function reach(port, { proxied = null } = {}) {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (local && proxied !== true) return { http: `http://127.0.0.1:${port}`, way: "direct" };
  const config = document.getElementById("jupyter-config-data");
  const base = config ? JSON.parse(config.textContent).baseUrl : "/";
  const url = new URL(`${base}proxy/${port}`, location.href);
  return { http: url.href, way: "through Jupyter's proxy" };
}
