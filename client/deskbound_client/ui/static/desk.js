"use strict";
// A page that is locked shows nothing any more: what was on it is taken away.
(function () {
  const EVERY = 5000;

  function locked() {
    document.title = "Locked · Deskbound";
    const main = document.createElement("main");
    const heading = document.createElement("h1");
    heading.textContent = "Locked";
    const say = document.createElement("p");
    say.textContent = "The vault is closed. Run “deskbound ui” again to come back.";
    main.append(heading, say);
    document.body.className = "plain";
    document.body.replaceChildren(main);
  }

  async function look() {
    try {
      const answer = await fetch("/live/alive", { cache: "no-store" });
      if (!answer.ok) return locked();
    } catch (unreachable) {
      return locked();
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
})();
