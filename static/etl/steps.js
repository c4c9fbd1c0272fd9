// The steps of a workflow: dragged, moved by buttons, added and removed; numbers follow the order,
// the picture follows both. Everything is put in as text.
"use strict";

(() => {
  const LAST = "discarded";

  class Steps {
    constructor(section) {
      this.section = section;
      this.prefix = section.dataset.steps;
      this.rows = section.querySelector("[data-rows]");
      this.empty = section.querySelector("[data-empty]");
      this.total = section.querySelector(`[name="${this.prefix}-TOTAL_FORMS"]`);
      this.told = section.querySelector("[data-steps-told]");
      this.picture = section.querySelector("[data-picture]");
      if (!this.rows) return;
      section.addEventListener("click", (event) => this.clicked(event));
      section.addEventListener("input", () => this.draw());
      section.addEventListener("change", () => this.draw());
      this.rows.addEventListener("pointerdown", (event) => this.grabbed(event));
      this.rows.addEventListener("keydown", (event) => this.pressed(event));
    }

    list() { return [...this.rows.querySelectorAll("[data-row]")]; }
    shown() { return this.list().filter((row) => !row.hidden); }
    field(row, name) { return row.querySelector(`[name$="-${name}"]`); }
    name(row) { return this.field(row, "name").value || "The new step"; }

    clicked(event) {
      const row = event.target.closest("[data-row]");
      if (event.target.closest("[data-add]")) this.add();
      else if (!row) return;
      else if (event.target.closest("[data-up]")) this.move(row, -1, "[data-up]");
      else if (event.target.closest("[data-down]")) this.move(row, 1, "[data-down]");
      else if (event.target.closest("[data-remove]")) this.remove(row);
    }

    // Alt with an arrow moves the row in which the keyboard is.
    pressed(event) {
      const row = event.target.closest("[data-row]");
      if (!row || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      this.move(row, event.key === "ArrowUp" ? -1 : 1, null, event.target);
    }

    move(row, by, button, focused) {
      const rows = this.shown();
      const other = rows[rows.indexOf(row) + by];
      if (!other) return;
      if (by < 0) other.before(row); else other.after(row);
      this.number();
      const target = focused || row.querySelector(button);
      if (target) target.focus();
      this.told.textContent = `${this.name(row)} is now step ${this.shown().indexOf(row) + 1}`;
    }

    add() {
      const number = Number(this.total.value);
      const made = this.empty.content.firstElementChild.cloneNode(true);
      for (const each of [made, ...made.querySelectorAll("*")]) {
        for (const attribute of [...each.attributes]) {
          if (attribute.value.includes("__prefix__")) {
            attribute.value = attribute.value.replaceAll("__prefix__", String(number));
          }
        }
      }
      const rows = this.shown();
      const before = rows.find((row) => !this.field(row, "position").value);
      if (before) before.before(made); else this.rows.append(made);
      this.field(made, "position").value = "1";
      this.total.value = String(number + 1);
      this.number();
      this.field(made, "name").focus();
    }

    remove(row) {
      row.querySelector("[data-delete]").value = "on";
      row.hidden = true;
      this.number();
    }

    // Steps with a number are numbered as they stand; those without stay outside the order.
    number() {
      let next = 1;
      for (const row of this.shown()) {
        const position = this.field(row, "position");
        if (position.value) position.value = String(next++);
      }
      this.draw();
      this.section.dispatchEvent(new CustomEvent("steps-changed", { bubbles: true }));
    }

    grabbed(event) {
      const grip = event.target.closest("[data-grip]");
      if (!grip) return;
      event.preventDefault();
      const row = grip.closest("[data-row]");
      row.classList.add("mp-dragged");
      const drag = (moved) => {
        const over = this.shown().find((other) => {
          const box = other.getBoundingClientRect();
          return other !== row && moved.clientY > box.top && moved.clientY < box.bottom;
        });
        if (!over) return;
        const box = over.getBoundingClientRect();
        if (moved.clientY < box.top + box.height / 2) over.before(row); else over.after(row);
      };
      const drop = () => {
        for (const [name, listener] of listeners) document.removeEventListener(name, listener);
        row.classList.remove("mp-dragged");
        this.number();
      };
      // On the document, for a row that moves in it loses a captured pointer.
      const listeners = [["pointermove", drag], ["pointerup", drop], ["pointercancel", drop]];
      for (const [name, listener] of listeners) document.addEventListener(name, listener);
    }

    draw() {
      const flow = this.picture.querySelector(".mp-flow");
      const rows = this.shown().sort((a, b) => this.place(a) - this.place(b));
      flow.replaceChildren(...rows.map((row) => this.box(row)));
    }

    place(row) { return Number(this.field(row, "position").value) || 10000; }

    box(row) {
      const made = document.createElement("span");
      const category = this.field(row, "category").value || "to_do";
      const aside = this.field(row, "position").value ? "" : " mp-step-aside";
      made.className = `mp-step mp-step-${/^\w+$/.test(category) ? category : LAST}${aside}`;
      made.setAttribute("role", "listitem");
      if (row.querySelector("input[type=radio]").checked) {
        const flag = document.createElement("span");
        flag.className = "material-symbols-outlined";
        flag.setAttribute("aria-label", "commitment point");
        flag.textContent = "flag";
        made.append(flag);
      }
      const name = document.createElement("bdi");
      name.textContent = this.field(row, "name").value || "…";
      made.append(name);
      return made;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const section of document.querySelectorAll("[data-steps]")) new Steps(section);
  });
})();
