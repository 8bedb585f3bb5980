// Sends the parts of an upload that the drive does not have, several at once.

import { Unreachable } from "./api.js";
import { Unreadable } from "./hash.js";
import { LANES, inTurn, sendPart } from "./part.js";

// `progress` hears how many bytes of the whole file are there or on their way.
export async function sendParts(upload, file, signal, progress) {
  const missing = upload.missing.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
  const going = new Map();
  let [there, broken] = [received(upload), null];
  const tell = () => progress(there + [...going.values()].reduce((sum, bytes) => sum + bytes, 0));
  const send = async (index) => {
    const from = (index - 1) * upload.part_size;
    const blob = file.slice(from, from + upload.part_size);
    const sent = (bytes) => {
      going.set(index, bytes);
      tell();
    };
    try {
      await sendPart({ uploadId: upload.upload_id, index, blob, signal, progress: sent });
      there += blob.size;
    } catch (error) {
      broken ??= error instanceof Unreachable && !(await isReadable(blob)) ? new Unreadable() : error;
    }
    going.delete(index);
    tell();
  };
  const lane = async () => {
    while (missing.length > 0 && !broken && !signal.aborted) {
      await inTurn(async () => {
        const index = missing.shift();
        if (index !== undefined && !broken && !signal.aborted) await send(index);
      });
    }
  };
  // When one part breaks, those that are on their way still arrive.
  await Promise.all(Array.from({ length: LANES }, lane));
  signal.throwIfAborted();
  if (broken) throw broken;
}

// A file that was changed or deleted meanwhile looks to a request like a broken connection.
const isReadable = (blob) =>
  blob
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

// Bytes of an upload that the drive has.
export function received({ received: ranges, part_size, part_count, size }) {
  const parts = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const hasLast = ranges.some(([, last]) => last === part_count);
  return parts * part_size - (hasLast ? part_count * part_size - size : 0);
}
