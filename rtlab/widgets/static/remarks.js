// What native objects and answers say, in words.

const READY = {
  sse: ["CONNECTING", "OPEN", "CLOSED"], // WHATWG HTML §9.2.2
  websocket: ["CONNECTING", "OPEN", "CLOSING", "CLOSED"], // WHATWG WebSockets §3.1
};

// What an answer that is no success says: the lab's servers give a reason in JSON.
export function reasonOf(text) {
  try {
    return String(JSON.parse(text).error ?? text);
  } catch {
    return text.trim().startsWith("<") ? "a page for people" : text.trim();
  }
}

// What an error of EventSource means.
function remarkOn(gone, proxied) {
  if (!gone) return "EventSource tries again by itself.";
  const who = proxied ? "Jupyter's proxy answered for a server it did not reach" : "it was refused";
  return `EventSource has given up: the answer was no event stream (${who}).`;
}
