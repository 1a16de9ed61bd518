// Keeps today's figures of a line fresh: asks for ready-made texts and puts them in place. Without it the page shows
// the figures of the moment when it was made.
(() => {
  "use strict";
  const box = document.querySelector("[data-live]");
  if (!box) return;
  const SECONDS = 5;
  const SECONDS_MAX = 60;
  let wait = SECONDS;
  const later = () => setTimeout(refresh, wait * 1000);
  const refresh = async () => {
    if (document.hidden) return later();
    try {
      const answer = await fetch(box.dataset.live, { headers: { accept: "application/json" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const figures = await answer.json();
      for (const place of document.querySelectorAll("[data-figure]")) {
        const text = figures[place.dataset.figure];
        if (typeof text === "string" && place.textContent !== text) place.textContent = text;
      }
      wait = SECONDS;
    } catch {
      // The server is away or the session has ended: ask less and less often.
      wait = Math.min(wait * 2, SECONDS_MAX);
    }
    later();
  };
  later();
})();
