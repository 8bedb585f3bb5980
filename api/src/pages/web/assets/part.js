// Sends one part. XMLHttpRequest, because fetch does not tell how much has gone.

import { headersOfPage, judged, query, Unreachable } from "./api.js";

// A connection over which nothing goes for so long is dead, also when nobody has said so.
const STALLED_MILLISECONDS = 30_000;

export function sendPart({ uploadId, index, blob, signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled = 0;
    const watch = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED_MILLISECONDS);
    };
    const stop = () => request.abort();
    const end = (settle) => () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", stop);
      settle();
    };
    request.upload.addEventListener("progress", ({ loaded }) => {
      watch();
      progress(Math.min(loaded, blob.size));
    });
    request.addEventListener(
      "error",
      end(() => reject(new Unreachable("the connection broke"))),
    );
    request.addEventListener(
      "abort",
      end(() => reject(signal.aborted ? signal.reason : new Unreachable("the connection stalled"))),
    );
    request.addEventListener(
      "load",
      end(() => {
        try {
          resolve(judged(request.status, request.response, (name) => request.getResponseHeader(name)));
        } catch (error) {
          reject(error);
        }
      }),
    );
    signal.addEventListener("abort", stop, { once: true });
    request.open("PUT", query("/file/mpupload/uppart", { upload_id: uploadId, index }));
    for (const [name, value] of Object.entries(headersOfPage())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    watch();
    request.send(blob);
  });
}

// A browser keeps six connections to one host; two stay free for the rest of the page.
const AT_ONCE = 4;
const waiting = [];
let free = AT_ONCE;

// Runs some work when one of the connections for parts, of all uploads together, is free.
export async function inTurn(work) {
  if (free > 0) free -= 1;
  else await new Promise((ready) => waiting.push(ready));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

export const LANES = AT_ONCE;
