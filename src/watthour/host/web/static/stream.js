// The stream of a meter: opened again by itself when it breaks or falls silent.

const SILENCE_MS = 3000;
const AGAIN_MS = 400;

/** Hand each event to its handler; tell `state` "live" or "lost". */
export function follow(handlers, state) {
  let source = null;
  let watchdog = 0;
  let again = 0;

  function alive() {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, SILENCE_MS);
  }

  function lost() {
    state("lost");
    source?.close();
    clearTimeout(watchdog);
    clearTimeout(again);
    again = setTimeout(open, AGAIN_MS);
  }

  function open() {
    source = new EventSource("events");
    const mine = source;
    for (const [name, handle] of Object.entries(handlers)) {
      mine.addEventListener(name, (event) => {
        if (mine !== source) return;
        alive();
        state("live");
        handle(JSON.parse(event.data));
      });
    }
    mine.addEventListener("error", () => { if (mine === source) lost(); });
    alive();
  }

  addEventListener("online", () => lost());
  open();
}

/** Ask the interface; throws with its words where it refuses. */
export async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(`api/v1/${path}`, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message || words(told.detail) || `refused (${answer.status})`);
  return told;
}

const words = (detail) => (typeof detail === "string" ? detail : detail?.[0]?.msg);
