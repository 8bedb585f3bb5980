// The SHA-256 of blobs, in hex, made by a worker of its own that ends with the work.

import { t } from "./text.js";

// The file was changed, moved or deleted since it was chosen.
export class Unreadable extends Error {
  get message() {
    return t("upload.unreadable");
  }
}

export function sha256(blobs, signal, progress = () => {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const worker = new Worker("/assets/hash-worker.js", { type: "module" });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    signal?.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    worker.addEventListener("error", (event) => end(reject, new Error(event.message || "the worker did not start")));
    worker.addEventListener("message", ({ data }) => {
      if (data.sha256) end(resolve, data.sha256);
      else if (data.error) end(reject, new Unreadable());
      else progress(data.done);
    });
    worker.postMessage(blobs);
  });
}
