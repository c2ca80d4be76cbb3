"use strict";
/* Saves a typed cell without leaving the page, and shows what it reads as. The forms work without it. */
{
  const place = document.querySelector("[data-counts]");
  let counting = 0;

  /* The counts of the whole list, once nothing was saved for a while. */
  function countSoon() {
    clearTimeout(counting);
    counting = setTimeout(async () => {
      try {
        clopos.put(await (await fetch(place.dataset.counts, { headers: { Accept: "application/json" } })).json());
      } catch { /* the server is gone: saving says so */ }
    }, 800);
  }

  const note = (form) => form.querySelector(".note");
  const typed = (form) => form.querySelector("input[name=is]");

  async function save(form, submitter) {
    const input = typed(form);
    const text = input.value;
    if (!submitter && text === input.dataset.old) return;
    form.dataset.saving = "";
    const result = await clopos.send(form, submitter);
    delete form.dataset.saving;
    if (!result) { note(form).textContent = place.dataset.gone; return; }
    const { status, answer } = result;
    if (status === 200) {
      input.dataset.old = submitter && submitter.value === "empty" ? "" : text;
      input.value = input.dataset.old;
      input.setAttribute("aria-invalid", "false");
      delete input.dataset.todo;
      form.classList.add("saved");
      countSoon();
    } else {
      const error = answer.error || {};
      note(form).textContent = [error.what, error.why, error.fix].filter(Boolean).join(". ");
      input.setAttribute("aria-invalid", "true");
    }
    clopos.put(answer);
    for (const [id, value] of Object.entries(answer.value || {})) {
      if (id !== input.id) continue;
      input.dataset.old = value;
      if (status === 409 && input.value === text) input.value = value;
    }
    input.dataset.note = note(form).textContent;
    clopos.say(note(form).textContent);
  }

  /* Go to the next field that is still to be looked at, up or down. */
  function leave(input, up) {
    const fields = [...document.querySelectorAll("[data-fix] input[name=is]")];
    const others = up ? fields.slice(0, fields.indexOf(input)).reverse() : fields.slice(fields.indexOf(input) + 1);
    const next = others.find((field) => "todo" in field.dataset);
    if (next) { next.focus(); next.select(); }
  }

  for (const form of document.querySelectorAll("[data-fix]")) {
    const input = typed(form);
    const row = form.dataset.fix === "row";
    input.dataset.old = input.value;
    input.dataset.note = note(form).textContent;
    for (const button of form.querySelectorAll(".save")) button.hidden = true; // leaving the cell saves it
    let reading = 0;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if ("saving" in form.dataset) return;
      save(form, event.submitter || form.querySelector("button[value=set]"));
    });
    input.addEventListener("input", () => {
      form.classList.remove("saved");
      clearTimeout(reading);
      reading = setTimeout(async () => {
        const text = input.value;
        const query = new URLSearchParams({
          column: form.elements.column.value, row: input.dataset.row, line: form.elements.line.value, text,
        });
        try {
          const answer = await (await fetch(place.dataset.reading + "?" + query, { headers: { Accept: "application/json" } })).json();
          if (input.value === text && !form.classList.contains("saved")) clopos.put(answer);
        } catch { /* the server is gone: saving says so */ }
      }, 250);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = input.dataset.old; note(form).textContent = input.dataset.note; }
      if (event.key !== "Enter" || !row) return;
      event.preventDefault();
      leave(input, event.shiftKey);
      if (document.activeElement === input) save(form); // the last one
    });
    if (row) input.addEventListener("change", () => { if (!("saving" in form.dataset)) save(form); });
  }
}
