// Plays a recording. Its token stands behind the "#" of the address and goes into a header.
(async () => {
  "use strict";
  const root = document.querySelector("[data-video]");
  const said = root.querySelector(".live-said");
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname); // not for whoever looks over the shoulder
  try {
    const answer = await fetch(root.dataset.video, { headers: { Authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error("refused");
    const video = root.querySelector("video");
    video.src = URL.createObjectURL(await answer.blob());
    video.hidden = false;
    said.textContent = "";
  } catch {
    said.textContent = root.dataset.refused;
  }
})();
