"use strict";
/* Makes quick what works without it. It holds no word and formats no number: the server sends both.
   Only textContent and value are ever set. Other scripts use `clopos.send` and `clopos.put`. */
const clopos = (() => {
  const root = document.querySelector(".brand a").getAttribute("href");

  /* Put finished texts, and values of bars and fields, in their places by id. The field that has the
     focus is left alone. */
  function put(answer) {
    for (const [id, text] of Object.entries(answer.text || {})) {
      const element = document.getElementById(id);
      if (element && element.textContent !== text) element.textContent = text;
    }
    for (const [id, value] of Object.entries(answer.value || {})) {
      const element = document.getElementById(id);
      if (element && element !== document.activeElement) element.value = value;
    }
    if (answer.value && "bar-n" in answer.value) document.querySelector("footer.fixes").hidden = false;
    if (answer.go) location.assign(answer.go);
  }

  /* Send a form as it would be sent, and take texts back. Returns null where no answer came. */
  async function send(form, submitter) {
    const body = new URLSearchParams(new FormData(form, submitter));
    const action = (submitter && submitter.getAttribute("formaction")) || form.getAttribute("action");
    try {
      const response = await fetch(action, { method: "POST", body, headers: { Accept: "application/json" } });
      return { status: response.status, answer: await response.json() };
    } catch {
      return null;
    }
  }

  const say = (text) => { document.getElementById("live").textContent = text; };
  return { root, put, send, say };
})();

/* A menu closes by Escape and by a click elsewhere. */
for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
}

/* A link to something that is folded away opens it. */
function unfold() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.matches("details")) target.open = true;
}
addEventListener("hashchange", unfold);
unfold();

/* A button that was pressed isn't pressed twice; Back must find it usable. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog") return;
  setTimeout(() => {
    for (const button of event.target.querySelectorAll("button")) button.disabled = true;
  });
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("main button:disabled:not([data-off])")) button.disabled = false;
});

for (const form of document.querySelectorAll("[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const progress = form.querySelector(".progress");
  const failed = form.querySelector(".failed");
  let request = null;

  function stop(text) {
    progress.hidden = true;
    failed.textContent = text;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
  function upload() {
    failed.textContent = "";
    const body = new FormData();
    body.append("file", input.files[0]);
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      progress.querySelector("progress").value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("load", () => {
      const answer = request.response || {};
      if (answer.go) { location.assign(answer.go); return; }
      const error = answer.error || {};
      stop([error.what, error.why, error.fix].filter(Boolean).join(". ") || form.dataset.failed);
    });
    request.addEventListener("error", () => stop(form.dataset.failed));
    request.addEventListener("abort", () => stop(""));
    progress.hidden = false;
    request.send(body);
  }
  form.addEventListener("submit", (event) => {
    if (!input.files.length) return;
    event.preventDefault();
    upload();
  });
  form.querySelector("[data-cancel]").addEventListener("click", () => request && request.abort());
  input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });
  for (const name of ["dragenter", "dragover"]) {
    addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}

/* A form that keeps what was typed where it fails: the server has no page with it. */
for (const form of document.querySelectorAll("[data-stay]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector(".failed");
    const buttons = form.querySelectorAll("button");
    failed.textContent = "";
    for (const button of buttons) button.disabled = true;
    const result = await clopos.send(form, event.submitter);
    for (const button of buttons) button.disabled = false;
    if (!result) { failed.textContent = form.dataset.stay; return; }
    const error = result.answer.error || {};
    failed.textContent = [error.what, error.why, error.fix].filter(Boolean).join(". ");
    clopos.put(result.answer);
  });
}

/* Counts that were not made yet when the page was: it is loaded again with them, unless one types. */
for (const note of document.querySelectorAll("[data-stale]")) {
  fetch(note.dataset.stale, { headers: { Accept: "application/json" } }).then((answer) => {
    if (answer.ok && !document.querySelector("main input:focus")) location.reload();
  }, () => { /* the server is gone: the next act says so */ });
}

/* How well another column fits a field, before anything is saved. */
for (const form of document.querySelectorAll("[data-fit]")) {
  form.addEventListener("change", async (event) => {
    const field = event.target.dataset.field;
    if (!field) return;
    const query = new URLSearchParams({ field });
    for (const select of form.querySelectorAll("select[data-field]")) {
      if (select.dataset.field === field && select.value) query.append("column", select.value);
    }
    try {
      clopos.put(await (await fetch(form.dataset.fit + "?" + query)).json());
    } catch { /* the server is gone: saving says so */ }
  });
}

/* A server that is gone: noticed when one comes back to the page, before a form is lost. */
{
  const gone = document.getElementById("gone");
  let asked = 0;
  addEventListener("focus", async () => {
    if (Date.now() - asked < 2000) return;
    asked = Date.now();
    try {
      gone.hidden = (await fetch(gone.dataset.ping, { cache: "no-store" })).ok;
    } catch {
      gone.hidden = false;
    }
  });
}

/* Keys, unless one types or has switched them off. */
{
  const dialog = document.getElementById("keys");
  const on = document.getElementById("keys-on");
  const stored = "clopos-keys";
  try { on.checked = localStorage.getItem(stored) !== "off"; } catch { /* private windows */ }
  on.addEventListener("change", () => {
    try { localStorage.setItem(stored, on.checked ? "on" : "off"); } catch { /* private windows */ }
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key !== "?" && !on.checked) return;
    const target = event.key === "?" ? null : document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (event.key === "?") dialog.showModal();
    else if (target && target.matches("input")) target.focus();
    else if (target) target.click();
    else return;
    event.preventDefault();
  });
}
