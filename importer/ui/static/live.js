"use strict";
/* Follows a task in progress: by a stream, or by asking now and then where others need the streams. */
(() => {
  const box = document.querySelector("[data-live]");
  if (!box) return;
  const gone = document.getElementById("live-gone");
  let source = null;
  let asking = null;

  function take(state) {
    gone.hidden = true;
    if (state.key !== box.dataset.live) { location.reload(); return; }
    clopos.put(state);
    if (state.say) clopos.say(state.say);
  }
  async function ask() {
    try {
      take(await (await fetch(box.dataset.state, { headers: { Accept: "application/json" } })).json());
    } catch {
      gone.hidden = false;
    }
  }
  function follow() {
    clearInterval(asking);
    asking = null;
    source = new EventSource(box.dataset.events);
    source.addEventListener("message", (event) => take(JSON.parse(event.data)));
    source.addEventListener("error", () => { gone.hidden = false; });
    source.addEventListener("bye", () => {
      source.close();
      source = null;
      asking = setInterval(ask, 5000);
    });
  }
  addEventListener("focus", () => { if (!source) follow(); });
  addEventListener("pagehide", () => { if (source) source.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  follow();
})();
