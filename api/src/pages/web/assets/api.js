// The drive's interface, as the pages call it. The session is a cookie that no script can read; the header says that a page asks.

import { has, t } from "./text.js";

// Where the log stood after the last change; a read waits for it, whichever process answers.
let position = 0;

export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.code ?? `status ${status}`);
    Object.assign(this, { status, problem, code: problem.code, retryAfter });
  }

  // Whether the same may go well a little later.
  get isPassing() {
    return (this.status >= 500 && this.status !== 507) || this.status === 429 || this.status === 408;
  }
}

export class Unreachable extends Error {
  get isPassing() {
    return true;
  }
}

export const isPassing = (error) => error.isPassing === true;

// What went wrong, for people.
export function explain(error) {
  if (error instanceof Unreachable) return t("problem.unreachable");
  if (!(error instanceof Refusal)) return error.message;
  const fields = (error.problem.errors ?? []).map(wrongField);
  if (fields.length > 0) return fields.join(" ");
  const key = `problem.${error.code}`;
  if (has(key)) return t(key);
  return error.problem.detail ?? t("problem.other", { status: error.status });
}

function wrongField({ field, message }) {
  const key = `problem.invalid.${field}`;
  return has(key) ? t(key) : t("problem.invalid", { what: `${field}: ${message}` });
}

export const headersOfPage = () => ({ Accept: "application/json", "Cairn-Session": "cookie" });

// What an answer means, whichever way it came.
export function judged(status, body, header) {
  if (status >= 400) throw new Refusal(status, body ?? {}, Number(header("Retry-After")) || 0);
  position = Math.max(position, Number(header("Cairn-Position")) || 0);
  return body;
}

// What browsers throw when no answer came or only a part of one.
export function lost(error) {
  throw error instanceof TypeError || error instanceof SyntaxError ? new Unreachable(error.message) : error;
}

export const reach = (path, options) => fetch(path, options).catch(lost);

export async function call(method, path, { json, signal, key } = {}) {
  const headers = headersOfPage();
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (method === "GET" && position) headers["Cairn-Min-Position"] = String(position);
  const options = { method, headers, signal, body: json === undefined ? undefined : JSON.stringify(json), cache: "no-store" };
  const answer = await reach(path, options);
  const body = answer.status === 204 ? null : await answer.json().catch((error) => (answer.ok ? lost(error) : null));
  return judged(answer.status, body, (name) => answer.headers.get(name));
}

export const read = (path, options) => call("GET", path, options);
export const post = (path, json, options) => call("POST", path, { json, ...options });

export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return `${path}?${new URLSearchParams(given)}`;
}

// Everything of a list, page after page.
export async function all(path, parameters = {}) {
  const items = [];
  let cursor = null;
  do {
    const page = await read(query(path, { limit: 1000, ...parameters, cursor }));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

// A retry under the same key changes nothing twice.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
