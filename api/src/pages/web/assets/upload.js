// One file on its way: hashed, offered by its hash, and sent in parts where the drive does not have it.
//
// Whatever breaks on the way is tried again from what the drive says that it has. What was interrupted therefore goes on the same way,
// whether after a pause, a lost connection or in another session.

import { Unreachable, explain, isPassing, newKey, post, query, read } from "./api.js";
import { sha256 } from "./hash.js";
import { received, sendParts } from "./send.js";

const PART_BYTES = 4 * 1024 * 1024;
const WAIT_MILLISECONDS_MAX = 30_000;

export class Upload {
  // `open` is what the drive says of an upload that was begun earlier; its file is not at hand then.
  constructor({ file = null, name = file?.name, folder = null, open = null, changed }) {
    Object.assign(this, { file, folder, changed, state: "queued", done: 0, hashed: 0, error: null, result: null });
    // As the drive keeps names.
    this.name = open?.name ?? name.normalize();
    this.size = open?.size ?? file.size;
    this.id = open?.upload_id ?? null;
    this.open = open;
    if (open) {
      this.folder = open.folder_id;
      // Without a hash nobody can tell which file it was: only who began it can go on.
      this.state = open.sha256 ? "lost" : "elsewhere";
      this.done = received(open);
    }
  }

  get isRunning() {
    return ["starting", "hashing", "asking", "sending", "merging", "waiting"].includes(this.state);
  }

  get hasEnded() {
    return ["done", "instant", "failed"].includes(this.state);
  }

  // Why it waits or has failed, for people; nothing where it is plain from the state.
  get why() {
    const isPlain = this.error === null || (this.state === "waiting" && this.error instanceof Unreachable);
    return isPlain ? "" : explain(this.error);
  }

  // Goes on until the file is there, or somebody stops it, or the drive refuses it.
  async run() {
    if (this.isRunning) return;
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
          this.#become("failed", error);
          return;
        }
        if (this.done > before) tries = 0;
        this.#become("waiting", error);
        await passing(Math.max(1000 * 2 ** tries, 1000 * (error.retryAfter ?? 0)), stop.signal);
      }
    }
  }

  // What the drive is putting together already can't be held up any more.
  pause() {
    if (this.state !== "merging" && !this.hasEnded) this.#halt("paused");
  }

  // Gives it up, here and in the drive. What has ended there by itself is what was wanted.
  async cancel() {
    const before = this.state;
    this.#halt("cancelling");
    try {
      await this.beginning?.catch(() => {});
      if (this.id && !this.result) await post("/file/mpupload/cancel", { upload_id: this.id });
    } catch (error) {
      if (["not_found", "upload_closed"].includes(error.code)) return;
      this.#become(this.file ? "paused" : before);
      throw error;
    }
  }

  #halt(state) {
    this.stop?.abort(new DOMException(state, "AbortError"));
    this.#become(state);
  }

  #become(state, error = null) {
    this.state = state;
    this.error = error;
    this.changed(this);
  }

  async #goOn(signal) {
    this.sha256 ??= await this.#hash(signal);
    if (this.open && this.open.sha256 !== this.sha256) this.#part();
    if (!this.id && !this.isUnknown) {
      this.#become("asking");
      const file = await this.#offer(signal);
      if (file) return this.#end("instant", file);
      this.isUnknown = true;
    }
    const upload = await this.#begin(signal);
    const file = upload.file ?? (await this.#send(upload, signal));
    return this.#end("done", file);
  }

  #hash(signal) {
    this.hashed = 0;
    this.#become("hashing");
    return sha256([this.file], signal, (bytes) => {
      this.hashed = bytes;
      this.changed(this);
    });
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
    const upload = await this.#init();
    signal.throwIfAborted();
    return upload;
  }

  // Is never broken off, so that whoever gives the upload up knows which one it is; and is done once, also when its answer was lost.
  #init() {
    const { name, size, sha256, folder: folder_id } = this;
    this.initKey ??= newKey();
    const wish = { name, size, sha256, folder_id, part_size: PART_BYTES };
    this.beginning ??= post("/file/mpupload/init", wish, { key: this.initKey })
      .then((upload) => {
        this.id = upload.upload_id;
        this.initKey = null;
        return upload;
      })
      .finally(() => {
        this.beginning = null;
      });
    return this.beginning;
  }

  async #send(upload, signal) {
    this.done = received(upload);
    this.#become("sending");
    await sendParts(upload, this.file, signal, (bytes) => {
      this.done = bytes;
      this.changed(this);
    });
    this.#become("merging");
    return post("/file/mpupload/complete", { upload_id: this.id }, { signal });
  }
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
