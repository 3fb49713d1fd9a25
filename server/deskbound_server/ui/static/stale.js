"use strict";
// Figures that nobody renews any more must not look as if they were of now.
(function () {
  function say(words) {
    if (document.getElementById("stale")) return;
    const note = document.createElement("section");
    note.id = "stale";
    note.className = "notice bad";
    note.setAttribute("role", "alert");
    const line = document.createElement("p");
    const strong = document.createElement("strong");
    strong.textContent = words;
    line.append(strong);
    note.append(line);
    document.getElementById("main").prepend(note);
  }
  document.addEventListener("htmx:sendError", function () {
    say("No answer: what this page shows is old. Is “deskbound-server ui” still running?");
  });
  document.addEventListener("htmx:responseError", function (event) {
    const out = event.detail.xhr.status === 401;
    say(out ? "You are not in any more: what this page shows is old. Load it anew to come in."
            : "Something went wrong: what this page shows is old.");
  });
  document.addEventListener("htmx:afterOnLoad", function (event) {
    if (event.detail.xhr.status < 400) document.getElementById("stale")?.remove();
  });
})();
