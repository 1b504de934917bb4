// What pages do beyond HTML. All of them work without.
// After a change: make vendor-pages.
import { createAll } from "nhsuk-frontend";
import { Button } from "nhsuk-frontend/dist/nhsuk/components/button/button.mjs";
import { CharacterCount } from "nhsuk-frontend/dist/nhsuk/components/character-count/character-count.mjs";
import { Checkboxes } from "nhsuk-frontend/dist/nhsuk/components/checkboxes/checkboxes.mjs";
import { Code } from "nhsuk-frontend/dist/nhsuk/components/code/code.mjs";
import { ErrorSummary } from "nhsuk-frontend/dist/nhsuk/components/error-summary/error-summary.mjs";
import { FileUpload } from "nhsuk-frontend/dist/nhsuk/components/file-upload/file-upload.mjs";
import { Header } from "nhsuk-frontend/dist/nhsuk/components/header/header.mjs";
import { NotificationBanner } from "nhsuk-frontend/dist/nhsuk/components/notification-banner/notification-banner.mjs";
import { Radios } from "nhsuk-frontend/dist/nhsuk/components/radios/radios.mjs";
import { Scroll } from "nhsuk-frontend/dist/nhsuk/components/scroll/scroll.mjs";
import { SkipLink } from "nhsuk-frontend/dist/nhsuk/components/skip-link/skip-link.mjs";

// Of the design system's scripts only those that a page of ours uses: initAll
// would bring all of them.
for (const component of [
  Button,
  CharacterCount,
  Checkboxes,
  Code,
  ErrorSummary,
  FileUpload,
  Header,
  NotificationBanner,
  Radios,
  Scroll,
  SkipLink,
]) {
  createAll(component);
}

// A page that the browser kept may show what its reader must no longer see:
// after "Back" it is asked for again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// <dialog data-time-left="900"> with a button warns two minutes before a session ends,
// and makes it last longer. Another tab may have done so meanwhile: the server knows.
const warning = document.querySelector("dialog[data-time-left]");
if (warning) {
  const warnAt = 120;
  const ask = async () => {
    const answer = await fetch("/session", { headers: { Accept: "application/json" } });
    return answer.ok && !answer.redirected ? (await answer.json()).seconds_left : 0;
  };
  const wait = (left) => setTimeout(look, Math.max(0, left - warnAt) * 1000);
  const look = async () => {
    const left = await ask().catch(() => 0);
    if (left > warnAt) wait(left);
    else if (!warning.open) warning.showModal();
  };
  warning.querySelector("button").addEventListener("click", async () => {
    await fetch("/session", { method: "POST", redirect: "manual" }).catch(() => {});
    const left = await ask().catch(() => 0);
    if (left <= warnAt) return;
    warning.close();
    wait(left);
  });
  wait(Number(warning.dataset.timeLeft));
}

// <button data-print hidden> prints the page.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
