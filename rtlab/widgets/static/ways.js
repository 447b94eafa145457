// The ways from this page to the lab's servers: directly, when both are on one machine, or through
// Jupyter's proxy. Each is tried out before it is offered.

const PATIENCE = 5000; // ms for a server's answer
const NOT_RUNNING = "Your server is not running: start it in the hub's control panel, then run " +
  "the notebook again from its first cell.";

// Where a server is for this page. `url` is what lab.url(...) says, on the kernel's own machine.
function addressOf(url, proxied) {
  const { protocol, port, pathname, search } = new URL(url);
  const base = proxied ? reach(port, { proxied: true }).http : `http://127.0.0.1:${port}`;
  const http = `${base}${pathname}${search}`;
  return protocol.startsWith("ws") ? http.replace(/^http/, "ws") : http;
}

// The clock beside a server, which says without further ado whether one gets through.
function clockOf(url, proxied) {
  const { port, search } = new URL(url);
  return addressOf(`http://127.0.0.1:${port}/clock${search}`, proxied);
}

// What came of an attempt: nothing to say if the clock was there, what to do about it otherwise.
// `landed`: the path that a redirect led to.
export function verdict({ proxied, status, said, hidden, origin, landed = "" }) {
  if (status === 200 && Number.isFinite(said?.perf_counter_ns)) return "";
  const allow = `Run lab.allow('${origin}') and try again.`;
  if (hidden) return `The server answers, but not to pages from ${origin} (CORS). ${allow}`;
  if (typeof said?.error === "string" || /lab\.allow/.test(said)) {
    if (/token/i.test(said.error ?? said)) return "The lab wants its token: run the cell again.";
    return `The lab does not let this page in (${status}). ${allow}`;
  }
  if (!proxied) {
    return "Nothing answers at 127.0.0.1: the lab is stopped, or the kernel is on another machine.";
  }
  if (status === 404) {
    return "Jupyter has no proxy here (404): pip install jupyter-server-proxy where Jupyter " +
      "runs, and restart it.";
  }
  // Of a server that is stopped JupyterHub says 424, its proxy 503 until it knows; of one that is
  // just stopping, a page of the hub tells.
  if (status === 424 || status === 503 || /\/hub\/(?!login$)/.test(landed)) return NOT_RUNNING;
  if (/\/login$/.test(landed)) return "You are logged out: log in and reload.";
  if (status >= 500) return `The proxy is there, the lab's server is not (${status}).`;
  if (status) return `Jupyter did not let the page through (${status}): log in and reload.`;
  return "Jupyter itself does not answer.";
}

// Try a way, and return what there is to say against it: nothing if it works.
async function objection(url, proxied) {
  const clock = clockOf(url, proxied);
  const options = () => ({ cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const found = { proxied, origin: location.origin };
  try {
    const answer = await fetch(clock, options());
    found.status = answer.status;
    if (answer.redirected) found.landed = new URL(answer.url).pathname;
    const text = await answer.text();
    try {
      found.said = JSON.parse(text);
    } catch {
      found.said = text.slice(0, 1000);
    }
  } catch {
    // A browser does not say whether nobody answered, or somebody whose answer is not for us.
    found.hidden = !proxied && (await answers(clock, options()));
  }
  return verdict(found);
}

async function answers(url, options) {
  try {
    await fetch(url, { ...options, mode: "no-cors" });
    return true;
  } catch {
    return false;
  }
}

// Whether a direct way makes sense: from pages of this machine, and from those that are not
// Jupyter's own and so have no proxy.
function mayBeDirect() {
  return reach(0).way === "direct" || !document.getElementById("jupyter-config-data");
}

// Let the reader choose the way. `found()` is called when one was found that works, and
// `changed(proxied)` when the reader takes another one.
function chooseWay({ found, changed }) {
  const said = make("p", { class: "rtlab-said", role: "status" });
  const again = make("button", { type: "button", hidden: true, onclick: () => find() },
    "Try again");
  const group = `rtlab-way-${Math.random().toString(36).slice(2)}`;
  const ways = [
    { proxied: false, name: "direct" },
    { proxied: true, name: "through Jupyter's proxy" },
  ];
  let taken = null;
  let wanted = {}; // the server that was asked for, and the way that was taken before
  const take = (way) => {
    taken = way;
    way.input.checked = true;
  };
  const element = make("fieldset", { class: "rtlab-ways" }, make("legend", {}, "The way"));
  for (const way of ways) {
    way.input = make("input", { type: "radio", name: group, disabled: true });
    way.input.addEventListener("change", () => {
      take(way);
      changed(way.proxied);
    });
    way.note = make("span", { class: "note" });
    element.append(make("label", {}, way.input, ` ${way.name} `, way.note));
  }
  element.append(said, again);

  // Try both ways, and take the first that works, or the one that was taken before.
  const find = async () => {
    const { url, before } = wanted;
    said.textContent = "";
    again.hidden = true;
    for (const way of ways) way.note.textContent = "…";
    await Promise.all(ways.map(async (way) => {
      const tried = way.proxied || mayBeDirect();
      way.why = tried ? await objection(url, way.proxied) : "Jupyter is on another machine.";
      way.input.disabled = way.why !== "";
      way.note.textContent = way.why;
    }));
    const open = ways.filter((way) => way.why === "");
    const chosen = open.find((way) => way.proxied === before) ?? open[0];
    again.hidden = Boolean(chosen);
    if (!chosen) {
      said.textContent = "No way leads to the lab's server: see above.";
      return;
    }
    take(chosen);
    found();
  };

  return {
    element,
    get proxied() {
      return taken?.proxied ?? null; // while none was found
    },
    // Where this page finds what lab.url(...) names.
    to: (url) => addressOf(url, taken?.proxied ?? false),
    find(url, before = null) {
      wanted = { url, before };
      return find();
    },
  };
}
