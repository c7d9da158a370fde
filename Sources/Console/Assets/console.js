// What makes the pages livelier. Everything works without it.
"use strict";

// Acts that can't be undone are asked about once more.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Texts to take along get a button.
for (const text of document.querySelectorAll("pre.copy, .snippet pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  text.after(button);
}

// A trigger is read while it is typed.
for (const text of document.querySelectorAll("textarea[data-check]")) {
  const words = document.getElementById("trigger-words");
  let wait;
  text.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(async () => {
      const form = new URLSearchParams({ csrf: text.form.elements.csrf.value, trigger: text.value });
      try {
        const answer = await fetch(text.dataset.check, { method: "POST", body: form });
        if (!answer.ok) return;
        words.textContent = text.value ? await answer.text() : "";
        words.className = words.textContent ? "error" : "note";
        text.setAttribute("aria-invalid", words.textContent ? "true" : "false");
      } catch {
        // Saving says it too.
      }
    }, 300);
  });
}

// What the event beside an action becomes is shown while it is edited.
for (const form of document.querySelectorAll("form[data-example]")) {
  const place = document.getElementById("example");
  let wait;
  form.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(async () => {
      const body = new URLSearchParams(new FormData(form));
      body.set("act", "example");
      try {
        const answer = await fetch(form.action, { method: "POST", body });
        if (!answer.ok) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        // With a mistake in it the last one that could be read stays.
        const other = fresh.getElementById("example");
        if (other && !fresh.querySelector("main > .error")) place.replaceChildren(...other.childNodes);
      } catch {
        // The button says it too.
      }
    }, 400);
  });
}

// When something happens the server says so, and the parts of the page that can change are taken from it anew. Whoever
// reads further back, selects, types or goes by the keyboard is left alone.
const parts = () => document.querySelectorAll("[data-live]");
const isPast = new URLSearchParams(location.search).has("cursor");
if (parts().length && !isPast && "EventSource" in window) {
  const sign = document.getElementById("live");
  let isBusy = false;
  let isStale = false;

  const isInUse = (part) => {
    const selection = document.getSelection();
    const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    const focused = document.activeElement;
    const isFilled = [...part.querySelectorAll("input")].some(
      (input) => input.value !== input.defaultValue || input.checked !== input.defaultChecked);
    return isSelected || isFilled || (focused !== part && part.contains(focused));
  };

  const renew = async () => {
    if (isBusy) { isStale = true; return; }
    isBusy = true;
    isStale = false;
    try {
      const answer = await fetch(location.href, { headers: { "X-Ferry-Live": "1" }, credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const other = fresh.getElementById(part.id);
        if (!other || isInUse(part) || other.innerHTML === part.innerHTML) continue;
        const open = [...part.querySelectorAll("details")].map((details) => details.open);
        const left = part.scrollLeft;
        part.replaceChildren(...other.childNodes);
        [...part.querySelectorAll("details")].forEach((details, number) => {
          if (number < open.length) details.open = open[number];
        });
        part.scrollLeft = left;
      }
    } catch {
      // The next sign tries again.
    } finally {
      isBusy = false;
      if (isStale) setTimeout(renew, 1000);
    }
  };

  // Only while the page is seen: a browser keeps few connections to one host.
  let changes;
  const follow = () => {
    if (document.hidden) {
      changes?.close();
      changes = undefined;
    } else if (!changes) {
      changes = new EventSource("/console/changes");
      changes.addEventListener("open", () => { sign.hidden = false; });
      changes.addEventListener("error", () => { sign.hidden = true; });
      changes.addEventListener("message", renew);
      if (isStale) renew();
    }
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => { changes?.close(); changes = undefined; });
  addEventListener("pageshow", follow);
  follow();
}
