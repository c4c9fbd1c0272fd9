// The connection test: asks by the values of the form, and shows each step as it is done.
"use strict";

(() => {
  const integration = window.etlIntegration;
  const button = document.getElementById("test-button");
  if (!integration || !button) return;
  const byId = (id) => document.getElementById(id);
  const LOST = "The answer broke off. Try again; if it stays so, look at the network or the server's log.";

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  }

  function showStep(step) {
    const made = element("li");
    const icon = element("span", `material-symbols-outlined ${step.ok ? "etl-good" : "etl-bad"}`, step.ok ? "check_circle" : "error");
    icon.setAttribute("role", "img");
    icon.setAttribute("aria-label", step.ok ? "in order" : "failed");
    made.append(icon, element("b", "etl-strong", step.step), element("p", "", step.detail));
    if (step.request) made.append(element("p", "etl-source etl-mono", step.request));
    if (step.remedy) made.append(element("p", "etl-remedy", step.remedy));
    byId("test-steps").append(made);
  }

  function tag(text, tone) {
    const place = byId("health");
    if (!place) return;
    place.textContent = text;
    place.className = `etl-tag etl-tag-${tone}`;
  }

  function showEnd(end) {
    byId("test-summary").textContent = end.ok ? "everything works" : "something is wrong";
    if (!end.saved) return;
    tag(end.ok ? "Works" : "Broken", end.ok ? "good" : "bad");
    const detail = byId("health-detail");
    if (detail) detail.textContent = `${end.ok ? "Works" : "Broken"}, tested at ${end.at}`;
  }

  // Calls `take` with each line of JSON as it comes; returns whether the last one came.
  async function read(answer, take) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", isDone = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return isDone;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const told = JSON.parse(line);
        isDone = isDone || Boolean(told.done);
        take(told);
      }
    }
  }

  async function test() {
    button.disabled = true;
    byId("test-steps").replaceChildren();
    byId("test-summary").textContent = "asking…";
    byId("test-bar").hidden = false;
    byId("test-result").hidden = false;
    byId("test-result").scrollIntoView({ block: "nearest" });
    try {
      const answer = await integration.post(integration.form.dataset.test);
      if (answer.status === 422) {
        integration.showErrors((await answer.json()).errors);
        byId("test-result").hidden = true;
        return;
      }
      integration.showErrors({});
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const isWhole = await read(answer, (told) => (told.done ? showEnd(told) : showStep(told)));
      if (!isWhole) throw new Error(LOST);
    } catch (error) {
      byId("test-summary").textContent = "was not finished";
      showStep({ step: "test", detail: String(error.message || error), ok: false, request: "", remedy: "" });
    } finally {
      button.disabled = false;
      byId("test-bar").hidden = true;
      byId("test-result").scrollIntoView({ block: "nearest" });
    }
  }

  button.hidden = false;
  button.addEventListener("click", test);
})();
