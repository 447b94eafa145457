// What native objects and answers say, in words.

const READY = {
  sse: ["CONNECTING", "OPEN", "CLOSED"], // WHATWG HTML §9.2.2
  websocket: ["CONNECTING", "OPEN", "CLOSING", "CLOSED"], // WHATWG WebSockets §3.1
};

// What an answer says that is not the one wanted: the lab's servers give a reason in JSON.
export function reasonOf(text) {
  try {
    return String(JSON.parse(text).error ?? text);
  } catch {
    return text.trim().startsWith("<") ? "a page for people" : text.trim();
  }
}

// The JSON of an answer. Whoever answers in the server's place has none: an error says what came.
export async function jsonOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${answer.status} ${answer.statusText}: ${reasonOf(text)}`);
  }
}

// What an error of EventSource means.
export function remarkOn(gone, proxied) {
  if (!gone) return "EventSource tries again by itself.";
  const who = proxied ? "the proxy, or a login page, answered instead" : "it was refused";
  return `EventSource has given up: the answer was no event stream (${who}).`;
}
