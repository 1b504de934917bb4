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

// <button data-print hidden> prints the page.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
