/**
 * What only the operator may do from the page: add a table, have its files read again, remove it.
 */

import { datasetPath, get, post, upload } from "./api.js";
import { problemMessage } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { navigate, writeAddress } from "./state.js";

/** Where a file is dropped or chosen; null where the server takes none from here. */
export function uploadArea({ may_upload: mayUpload }) {
  if (!mayUpload) return null;
  const input = h("input", { type: "file", id: "upload", class: "hidden", tabindex: -1, "aria-label": "Your own table", onchange: () => send(input.files[0]) });
  const message = h("div", { class: "upload-message", role: "status" });
  const area = h(
    "section",
    { class: "upload", "aria-labelledby": "add" },
    h("h2", { id: "add" }, "Your own table"),
    h(
      "p",
      {},
      "Drop a file here, or ",
      h("button", { type: "button", class: "button small", id: "choose", onclick: () => input.click() }, "choose one"),
      ": CSV, Excel, JSON or Parquet, with a row for each number, or a column for each year.",
    ),
    h("p", { class: "muted" }, "It is kept on this machine and goes nowhere else. You can remove it again."),
    input,
    message,
  );
  const mark = (event, isOver) => {
    event.preventDefault();
    area.classList.toggle("over", isOver);
  };
  area.addEventListener("dragover", (event) => mark(event, true));
  area.addEventListener("dragleave", (event) => mark(event, false));
  area.addEventListener("drop", (event) => {
    mark(event, false);
    send(event.dataTransfer.files[0]);
  });

  async function send(file) {
    if (!file) return;
    replaceChildren(message, h("p", {}, `Sending ${file.name}`));
    try {
      const dataset = await upload(file);
      navigate(writeAddress({ view: "data", dataset: dataset.name }));
    } catch (error) {
      input.value = "";
      replaceChildren(message, problemMessage(error));
    }
  }

  return area;
}

/** What an uploaded table does not say itself, to be written here; null for other tables, and for whom may not. */
export function describing(dataset, { may_upload: mayUpload }, signal) {
  if (!mayUpload || !dataset.uploaded) return null;
  const text = h("textarea", { id: "toml", rows: 8, spellcheck: "false", placeholder: '[columns]\nquestion = "Habit"\nlocation = "Land"' });
  const message = h("div", { role: "status" });
  const save = h("button", { type: "button", class: "button", id: "describe" }, "Save and read again");
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      await post(`${datasetPath(dataset.name)}/description`, { toml: text.value });
      dispatchEvent(new Event("meantime:navigate"));
    } catch (error) {
      replaceChildren(message, problemMessage(error));
    }
    save.disabled = false;
  });
  get(`${datasetPath(dataset.name)}/description`, { signal }).then(
    ({ toml }) => {
      if (!text.value) text.value = toml;
    },
    (error) => error.name !== "AbortError" && replaceChildren(message, problemMessage(error)),
  );
  return h(
    "details",
    { class: "describing", open: dataset.status === "failed" },
    h("summary", {}, "Say what the file does not"),
    h("p", {}, h("label", { for: "toml" }, "Lines of TOML"), ", kept beside the file. ", h("code", {}, "--column location=Land"), " is a line ", h("code", {}, "[columns]"), " and below it ", h("code", {}, 'location = "Land"'), "; ", h("code", {}, '--set question="Tea"'), " is a line ", h("code", {}, 'question = "Tea"'), " above it."),
    text,
    h("div", { class: "row" }, save),
    message,
  );
}

/** Buttons that read a data set's files again and remove it, as far as these are possible from here. */
export function datasetButtons(dataset, { may_reload: mayReload, may_upload: mayUpload }) {
  const message = h("div", { role: "status" });
  const act = async (button, what, then) => {
    button.disabled = true;
    try {
      await then();
    } catch (error) {
      replaceChildren(message, error.code === "reload-failed" ? h("p", { class: "notice" }, error.detail) : problemMessage(error));
    }
    button.disabled = false;
    button.textContent = what;
  };
  const reload = h("button", { type: "button", class: "button", id: "reload" }, "Read the file again");
  reload.addEventListener("click", () =>
    act(reload, "Read the file again", async () => {
      reload.textContent = "Reading";
      const { outcome } = await post(`${datasetPath(dataset.name)}/reload`, undefined, { headers: { prefer: "wait=60" } });
      if (outcome === "unchanged" && dataset.status === "ready" && !dataset.failure) replaceChildren(message, h("p", { class: "muted" }, "Nothing has changed in the file."));
      else dispatchEvent(new Event("meantime:navigate"));
    }),
  );
  const remove = h("button", { type: "button", class: "button", id: "remove" }, "Remove this table");
  remove.addEventListener("click", () => {
    // A second click within the page, since a dialog of the browser cannot be styled, read or tested.
    if (remove.dataset.asked) {
      act(remove, "Remove this table", async () => {
        await post(datasetPath(dataset.name), undefined, { method: "DELETE" });
        navigate("/");
      });
    } else {
      remove.dataset.asked = "yes";
      remove.textContent = "Remove it: are you sure?";
    }
  });
  const buttons = [mayReload && dataset.reading === null && reload, mayUpload && dataset.uploaded && remove].filter(Boolean);
  return buttons.length > 0 && h("div", { class: "operating" }, h("div", { class: "row" }, buttons), message);
}
