// The form of an integration: shows the fields of the chosen way to sign in, says what is not
// saved, and posts the form's values for those who ask by them. Errors are put in as text.
"use strict";

window.etlIntegration = (() => {
  const form = document.getElementById("integration-form");
  if (!form) return null;
  const method = form.elements.namedItem("method");
  const unsaved = document.getElementById("unsaved");
  const errorsOf = (field) => field.querySelector("[data-errors]");

  function showMethod() {
    for (const part of form.querySelectorAll("[data-method]")) {
      part.hidden = part.dataset.method !== method.value;
    }
  }

  function values() {
    const data = new FormData(form);
    return new URLSearchParams([...data].filter(([, value]) => typeof value === "string")).toString();
  }

  const before = values();
  const isChanged = () => values() !== before;

  // Takes the errors of an answer to their fields; returns whether there are any.
  function showErrors(errors) {
    const left = { ...errors };
    for (const field of form.querySelectorAll("[data-field]")) {
      const told = left[field.dataset.field] || [];
      delete left[field.dataset.field];
      errorsOf(field).replaceChildren(...told.map(item));
      field.classList.toggle("errors", told.length > 0);
      if (told.length) field.closest("details")?.setAttribute("open", "");
    }
    const rest = Object.values(left).flat();
    const place = form.querySelector("[data-form-errors]");
    place.replaceChildren(...rest.map(item));
    place.hidden = !rest.length;
    const first = form.querySelector(".etl-field.errors input, .etl-field.errors select, .etl-field.errors textarea");
    if (first) first.focus();
    return Object.keys(errors).length > 0;
  }

  function item(text) {
    const made = document.createElement("li");
    made.textContent = text;
    return made;
  }

  // Posts the form's values, and more; the answer as it is, whatever its status.
  function post(address, more) {
    const body = new URLSearchParams(values());
    for (const [name, value] of Object.entries(more || {})) body.set(name, value);
    return fetch(address, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": form.elements.namedItem("csrfmiddlewaretoken").value },
      credentials: "same-origin",
    });
  }

  let isLeaving = false;
  form.addEventListener("submit", () => { isLeaving = true; });
  form.addEventListener("input", () => { unsaved.hidden = !isChanged(); });
  window.addEventListener("beforeunload", (event) => {
    if (!isLeaving && isChanged()) event.preventDefault();
  });
  method.addEventListener("change", showMethod);
  showMethod();
  const wrong = form.querySelector(".etl-field.errors input, .etl-field.errors select, .etl-field.errors textarea");
  if (wrong) wrong.focus();
  return { form, isChanged, post, showErrors };
})();
