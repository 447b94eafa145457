// The clients of the lesson, on what every browser has built in. A view shows the text of these
// functions beside what they do, and it is these functions that run. `view` is all they know of it.

// The address that asks for what came after the last message seen.
export function after(cursor, url) {
  const target = new URL(url);
  if (cursor !== null) target.searchParams.set("since", cursor);
  return target;
}

// ms to wait before the next attempt, after so many that failed.
export function backoff(retries) {
  const ceiling = Math.min(1000 * 2 ** retries, 30000);
  // Half of it by chance: a thousand clients that were cut
  // together do not come back together.
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

async function pollingClient(url, view) {
  let cursor = view.cursor;
  let retries = 0;

  while (view.wanted) {
    try {
      const answer = await fetch(after(cursor, url), { signal: view.signal });
      if (answer.status === 410) cursor = view.lost(await answer.json());
      for (const message of await view.list(answer)) {
        cursor = message.seq;
        view.receive(message);
      }
      retries = 0;
      await view.wait(view.period);
    } catch (error) {
      await view.wait(backoff(retries++), error);
    }
  }
}

async function longPollingClient(url, view) {
  let cursor = view.cursor;
  let retries = 0;

  while (view.wanted) {
    try {
      // The server holds its answer back: 25 s, or until there is news.
      const answer = await fetch(after(cursor, url), { signal: view.signal });
      if (answer.status === 410) cursor = view.lost(await answer.json());
      for (const message of await view.list(answer)) {
        cursor = message.seq;
        view.receive(message);
      }
      retries = 0;
    } catch (error) {
      await view.wait(backoff(retries++), error);
    }
  }
}

function eventSourceClient(url, view) {
  const events = new EventSource(after(view.cursor, url));
  view.uses(events);

  events.onmessage = (e) => {
    const message = JSON.parse(e.data);
    view.receive(message);
  };
  events.addEventListener("lost", (e) => {
    view.lost(JSON.parse(e.data));
  });
  // Nothing here reconnects: EventSource does it by itself, and
  // says in Last-Event-ID which message it saw last.
}

function webSocketClient(url, view) {
  let cursor = view.cursor;
  let retries = 0;

  function connect() {
    const ws = new WebSocket(url);
    view.uses(ws);

    ws.onopen = () => {
      ws.send(JSON.stringify({ since: cursor }));
    };

    ws.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.seq) {
        cursor = message.seq;
        view.receive(message);
      } else if (message.hello) {
        retries = 0; // the server itself has answered
        view.welcome(message.hello);
      } else if (message.ack) {
        view.taken(message.ack);
      } else if (message.lost) {
        cursor = view.lost(message.lost);
      }
    };

    ws.onclose = (event) => {
      view.log("close", `Disconnected: ${event.code} ${event.reason}`);
      // Reconnect with exponential backoff, unless the fault is ours
      if ([1003, 1007, 1008, 1009].includes(event.code)) view.giveUp();
      else view.later(connect, backoff(retries++));
    };
  }

  connect();
}

// Publish a message where no connection goes up: by a request of its own.
async function publish(url, text) {
  return fetch(url, { // the answer is {"seq": 7}
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: text,
  });
}

const LESSON = {
  polling: { name: "fetch, again and again", run: pollingClient, reads: [after, backoff, publish] },
  long_polling: { name: "fetch, held", run: longPollingClient, reads: [after, backoff, publish] },
  sse: { name: "EventSource", run: eventSourceClient, reads: [after, publish] },
  websocket: { name: "WebSocket", run: webSocketClient, reads: [backoff] },
};

// What runs, as text.
export function codeOf(transport) {
  const { run, reads } = LESSON[transport];
  return [run, ...reads].map(String).join("\n\n");
}
