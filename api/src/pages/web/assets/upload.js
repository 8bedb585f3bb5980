// One file on its way: hashed, offered by its hash, and sent in parts where the drive does not have it.
//
// Whatever breaks on the way is tried again from what the drive says that it has. What was interrupted therefore goes on the same way,
// whether after a pause, a lost connection or in another session.

import { Unreachable, explain, isPassing, newKey, post, query, read } from "./api.js";
import { sha256 } from "./hash.js";
import { LANES, inTurn, sendPart } from "./part.js";

const PART_BYTES = 4 * 1024 * 1024;
// Larger files are sent without: reading them twice takes longer than most would wait.
const HASHED_BYTES_MAX = 8 * 1024 ** 3;
const WAIT_MILLISECONDS_MAX = 30_000;

export class Upload {
  // `open` is what the drive says of an upload that was begun earlier; its file is not at hand then.
  constructor({ file = null, name = file?.name, folder = null, open = null, changed }) {
    Object.assign(this, { file, folder, changed, state: "queued", done: 0, why: "", result: null });
    // As the drive keeps names.
    this.name = open?.name ?? name.normalize();
    this.size = open?.size ?? file.size;
    this.id = open?.upload_id ?? null;
    this.open = open;
    if (open) {
      this.folder = open.folder_id;
      this.state = "lost";
      this.done = received(open);
    }
  }

  get isRunning() {
    return ["starting", "hashing", "asking", "sending", "merging", "waiting"].includes(this.state);
  }

  get hasEnded() {
    return ["done", "instant", "failed"].includes(this.state);
  }

  // Goes on until the file is there, or somebody stops it, or the drive refuses it.
  async run() {
    const stop = new AbortController();
    this.stop = stop;
    this.#become("starting");
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      const before = this.done;
      try {
        await this.#goOn(stop.signal);
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!isPassing(error)) {
          this.error = error;
          this.#become("failed", explain(error));
          return;
        }
        if (this.done > before) tries = 0;
        this.#become("waiting", error instanceof Unreachable ? "" : explain(error));
        await passing(Math.max(1000 * 2 ** tries, 1000 * (error.retryAfter ?? 0)), stop.signal);
      }
    }
  }

  pause() {
    this.stop?.abort(new DOMException("paused", "AbortError"));
    this.#become("paused");
  }

  // Gives it up, here and in the drive.
  async cancel() {
    this.stop?.abort(new DOMException("cancelled", "AbortError"));
    if (this.id && !this.hasEnded) await post("/file/mpupload/cancel", { upload_id: this.id });
  }

  #become(state, why = "") {
    this.state = state;
    this.why = why;
    this.changed(this);
  }

  async #goOn(signal) {
    if (this.size <= HASHED_BYTES_MAX && !this.sha256) {
      this.#become("hashing");
      this.sha256 = await sha256([this.file], signal);
      if (this.open?.sha256 && this.open.sha256 !== this.sha256) this.#part();
    }
    if (this.sha256 && !this.id && !this.isUnknown) {
      this.#become("asking");
      const file = await this.#offer(signal);
      if (file) return this.#end("instant", file);
      this.isUnknown = true;
    }
    const upload = await this.#begin(signal);
    const file = upload.file ?? (await this.#send(upload, signal));
    return this.#end("done", file);
  }

  #end(state, file) {
    this.done = this.size;
    this.result = file;
    this.#become(state);
  }

  // What was begun earlier is of another content: this is an upload of its own, and the other stays open.
  #part() {
    this.parted = this.open;
    Object.assign(this, { id: null, open: null, done: 0 });
  }

  // Names the hash, and proves that the bytes are here. Null when the drive does not know them.
  async #offer(signal) {
    this.keys ??= [newKey(), newKey()];
    const { name, size, folder: folder_id } = this;
    const told = await post("/file/fastupload", { sha256: this.sha256, size, name, folder_id }, { signal, key: this.keys[0] });
    if (told.id) return told;
    const nonce = new Blob([Uint8Array.from(told.nonce.match(/../g), (digits) => Number.parseInt(digits, 16))]);
    const ranges = told.ranges.map(({ offset, length }) => this.file.slice(offset, offset + length));
    const proof = await sha256([nonce, ...ranges], signal);
    return post("/file/fastupload/prove", { challenge_id: told.challenge_id, proof }, { signal, key: this.keys[1] }).catch(
      (error) => {
        if (error.code === "upload_required") return null;
        throw error;
      },
    );
  }

  // The upload as the drive has it: the one that was begun, or a new one.
  async #begin(signal) {
    if (this.id) {
      const upload = await read(query("/file/mpupload/status", { upload_id: this.id }), { signal }).catch((error) => {
        if (error.code === "not_found") return null;
        throw error;
      });
      if (upload?.file || upload?.state === "open" || upload?.state === "merging") return upload;
    }
    const { name, size, folder: folder_id } = this;
    const sha256 = this.sha256 ?? null;
    const upload = await post("/file/mpupload/init", { name, size, sha256, folder_id, part_size: PART_BYTES }, { signal });
    this.id = upload.upload_id;
    return upload;
  }

  async #send(upload, signal) {
    const missing = upload.missing.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
    const going = new Map();
    let [there, broken] = [received(upload), null];
    const tell = () => {
      this.done = there + [...going.values()].reduce((sum, bytes) => sum + bytes, 0);
      this.changed(this);
    };
    this.done = there;
    this.#become("sending");
    const lane = async () => {
      while (missing.length > 0 && !broken) {
        await inTurn(async () => {
          const index = missing.shift();
          if (index === undefined || broken || signal.aborted) return;
          const from = (index - 1) * upload.part_size;
          const blob = this.file.slice(from, from + upload.part_size);
          try {
            await sendPart({
              uploadId: this.id,
              index,
              blob,
              signal,
              progress: (bytes) => {
                going.set(index, bytes);
                tell();
              },
            });
            there += blob.size;
          } catch (error) {
            broken ??= error;
          }
          going.delete(index);
          tell();
        });
      }
    };
    // When one part breaks, those that are on their way still arrive.
    await Promise.all(Array.from({ length: LANES }, lane));
    signal.throwIfAborted();
    if (broken) throw broken;
    this.#become("merging");
    return post("/file/mpupload/complete", { upload_id: this.id }, { signal });
  }
}

// Bytes of an upload that the drive has.
function received({ received: ranges, part_size, part_count, size }) {
  const parts = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const hasLast = ranges.some(([, last]) => last === part_count);
  return parts * part_size - (hasLast ? part_count * part_size - size : 0);
}

// Waits, but no longer than until the browser is online again.
function passing(milliseconds, signal) {
  return new Promise((over) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      over();
    };
    const timer = setTimeout(end, Math.min(milliseconds, WAIT_MILLISECONDS_MAX));
    addEventListener("online", end, { once: true });
    signal.addEventListener("abort", end, { once: true });
  });
}
