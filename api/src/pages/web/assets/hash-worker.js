// Hashes beside the page, so that it stays usable: pieces of bytes or of a file, one after the other.

import { Sha256 } from "./sha256.js";

const STEP_BYTES = 4 * 1024 * 1024;
// What browsers have built in is some ten times faster, but needs everything at once, and HTTPS.
const AT_ONCE_BYTES_MAX = 16 * 1024 * 1024;

async function digest(pieces) {
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (crypto.subtle && size <= AT_ONCE_BYTES_MAX) {
    const hash = await crypto.subtle.digest("SHA-256", await new Blob(pieces).arrayBuffer());
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const hash = new Sha256();
  let done = 0;
  for (const piece of pieces) {
    for (let from = 0; from < piece.size; from += STEP_BYTES) {
      const bytes = new Uint8Array(await piece.slice(from, from + STEP_BYTES).arrayBuffer());
      hash.update(bytes);
      done += bytes.length;
      postMessage({ done });
    }
  }
  return hash.digest();
}

addEventListener("message", ({ data }) => {
  digest(data).then(
    (sha256) => postMessage({ sha256 }),
    (error) => postMessage({ error: error.message }),
  );
});
