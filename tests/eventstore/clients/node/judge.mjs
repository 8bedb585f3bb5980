// Judges a server by what the official Node.js client of EventStoreDB makes of it: `judge.mjs URL`.
//
// Prints what was checked. Ends with 1 at the first difference and says what was expected. Works against a real server too: every
// stream that it uses has a name of its own. `NODE_MODULES` may name the directory that the client is installed in.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";

const modules = process.env.NODE_MODULES;
const require = createRequire(modules ? `${modules}/` : import.meta.url);
const esdb = require("@eventstore/db-client");
const { ANY, BACKWARDS, END, ErrorType, FORWARDS, NO_STREAM, START, STREAM_EXISTS } = esdb;

const RUN = randomUUID().slice(0, 8);
const WAIT_MILLISECONDS = 20_000;
const ALL_MILLISECONDS_MAX = 90_000;
// With credentials the client uses `Append`, without `BatchAppend`.
const ONE_CALL = { credentials: { username: "admin", password: "changeit" } };
const BATCHES = {};

class Difference extends Error {}

const streamName = (name) => `judge-node-${RUN}-${name}`;
const event = (type, data = {}) => esdb.jsonEvent({ id: randomUUID(), type, data });
const show = (value) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));

function expect(what, expected, actual) {
  if (!isDeepStrictEqual(expected, actual)) {
    throw new Difference(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

async function expectError(what, type, call) {
  let result;
  try {
    result = await call();
  } catch (error) {
    expect(`${what}: the error (${error})`, type, error.type);
    return error;
  }
  throw new Difference(`${what}: expected the error ${type}, got the result ${show(result)}`);
}

async function inTime(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Difference(`${what}: nothing came`)), WAIT_MILLISECONDS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function all(read) {
  const events = [];
  for await (const { event } of read) events.push(event);
  return events;
}

const types = (events) => events.map((event) => event.type);

async function append(client) {
  for (const [way, options] of Object.entries({ ONE_CALL, BATCHES })) {
    const name = streamName(`append-${way}`);
    const first = [event("A"), event("B")];
    const write = (events, expectedRevision) => client.appendToStream(name, events, { ...options, expectedRevision });
    const written = await write(first, NO_STREAM);
    expect(`${way}: the revision`, 1n, written.nextExpectedRevision);
    expect(`${way}: a repeated append`, written, await write(first, NO_STREAM));
    expect(`${way}: at an exact revision`, 2n, (await write(event("C"), 1n)).nextExpectedRevision);
    expect(`${way}: at any revision`, 3n, (await write(event("D"), ANY)).nextExpectedRevision);
    expect(`${way}: where a stream exists`, 4n, (await write(event("E"), STREAM_EXISTS)).nextExpectedRevision);
    const last = (await all(client.readStream(name, { fromRevision: END, direction: BACKWARDS, maxCount: 1 })))[0];
    expect(`${way}: that positions grow`, true, last.position.commit > written.position.commit);
  }
  const parts = streamName("parts");
  const many = Array.from({ length: 50 }, (_, number) => event("Counted", { number }));
  const { nextExpectedRevision } = await client.appendToStream(parts, many, { batchAppendSize: 200 });
  expect("a batch in many parts", 49n, nextExpectedRevision);
  expect("its order", many.map(({ data }) => data), (await all(client.readStream(parts))).map(({ data }) => data));
}

async function conflict(client) {
  for (const [way, options] of Object.entries({ ONE_CALL, BATCHES })) {
    const name = streamName(`conflict-${way}`);
    const write = (expectedRevision) => client.appendToStream(name, event("X"), { ...options, expectedRevision });
    for (const [expected, current] of [[STREAM_EXISTS, NO_STREAM], [3n, NO_STREAM], [NO_STREAM, 1n], [0n, 1n], [7n, 1n]]) {
      if (current === 1n) await client.appendToStream(name, [event("A"), event("B")], { expectedRevision: ANY }).catch(() => {});
      const revision = (await all(client.readStream(name)).catch(() => [])).length - 1;
      const error = await expectError(`${way}: ${show(expected)}`, ErrorType.WRONG_EXPECTED_VERSION, () => write(expected));
      expect(`${way}: what was expected`, expected, error.expectedVersion);
      expect(`${way}: what is there`, current === NO_STREAM ? NO_STREAM : BigInt(revision), error.actualVersion);
      expect(`${way}: the stream`, name, error.streamName);
    }
  }
}

async function limit(client) {
  const big = { id: randomUUID(), type: "Big", contentType: "application/octet-stream", data: Buffer.alloc(1 << 20) };
  for (const [way, options] of Object.entries({ ONE_CALL, BATCHES })) {
    const name = streamName(`limit-${way}`);
    const call = () => client.appendToStream(name, esdb.binaryEvent(big), options);
    const error = await expectError(`${way}: more than 1 MiB`, ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED, call);
    expect(`${way}: the limit`, 1 << 20, error.maxAppendSize);
    await expectError(`${way}: the stream`, ErrorType.STREAM_NOT_FOUND, () => all(client.readStream(name)));
  }
}

async function readStream(client) {
  const name = streamName("read");
  const before = Date.now();
  const written = ["A", "B", "C", "D", "E"].map((type) => ({ ...event(type, { type }), metadata: { about: type } }));
  await client.appendToStream(name, written, { expectedRevision: NO_STREAM });
  const read = await all(client.readStream(name));
  for (const field of ["id", "type", "data", "metadata"]) {
    expect(`the ${field}`, written.map((event) => event[field]), read.map((event) => event[field]));
  }
  expect("the stream", [name, name, name, name, name], read.map(({ streamId }) => streamId));
  expect("the revisions", [0n, 1n, 2n, 3n, 4n], read.map(({ revision }) => revision));
  expect("the time", true, read.every(({ created }) => Math.abs(created.getTime() - before) < WAIT_MILLISECONDS));
  const page = async (options) => types(await all(client.readStream(name, options)));
  expect("from 3", ["D", "E"], await page({ fromRevision: 3n }));
  expect("the first two", ["A", "B"], await page({ fromRevision: START, direction: FORWARDS, maxCount: 2 }));
  expect("backwards", ["E", "D", "C", "B", "A"], await page({ fromRevision: END, direction: BACKWARDS }));
  expect("backwards from 1", ["B", "A"], await page({ fromRevision: 1n, direction: BACKWARDS }));
  await expectError("no stream", ErrorType.STREAM_NOT_FOUND, () => all(client.readStream(streamName("nothing"))));
}

async function readAll(client) {
  const [name, other] = [streamName("all-a"), streamName("all-b")];
  const first = await client.appendToStream(name, [event("A")], { expectedRevision: NO_STREAM });
  await client.appendToStream(name, [event("B")], { expectedRevision: 0n });
  const middle = await client.appendToStream(other, [event("C")], { expectedRevision: NO_STREAM });
  await client.appendToStream(name, [event("D")], { expectedRevision: 1n });
  const page = async (options) => types(await all(client.readAll(options)));
  expect("from a position, with it", ["A", "B", "C", "D"], await page({ fromPosition: first.position }));
  expect("backwards", ["D", "C", "B", "A"], await page({ fromPosition: END, direction: BACKWARDS, maxCount: 4 }));
  const backwards = { fromPosition: middle.position, direction: BACKWARDS, maxCount: 2 };
  expect("backwards from a position, without it", ["B", "A"], await page(backwards));
  expect("the system's events", true, (await page({})).some((type) => type.startsWith("$")));
}

// Collects what a subscription says, from its start on.
function listen(subscription) {
  const said = [];
  const note = (text) => {
    said.push(text);
    subscription.emit("noted");
  };
  subscription.on("confirmation", () => note("confirmed"));
  subscription.on("caughtUp", () => note("caught up"));
  subscription.on("data", ({ event }) => note(event.type));
  subscription.on("error", (error) => note(`error ${error.type}`));
  return async (what, expected) => {
    while (said.length < expected.length) {
      await inTime(`${what}: after ${show(said)}`, once(subscription, "noted"));
    }
    expect(what, expected, said.splice(0, expected.length));
  };
}

async function subscribe(client) {
  const name = streamName("subscribe");
  const first = await client.appendToStream(name, [event("A")], { expectedRevision: NO_STREAM });
  await client.appendToStream(name, [event("B")], { expectedRevision: 0n });
  const checkpoints = [];
  const checkpointReached = async (_, position) => checkpoints.push(position.commit);
  const filter = esdb.streamNameFilter({ prefixes: [name], maxSearchWindow: 2, checkpointReached });
  const subscriptions = {
    $all: client.subscribeToAll({ fromPosition: first.position }),
    filtered: client.subscribeToAll({ fromPosition: START, filter }),
    ours: client.subscribeToAll({ fromPosition: END, filter: esdb.excludeSystemEvents() }),
    stream: client.subscribeToStream(name, { fromRevision: 0n }),
    end: client.subscribeToStream(name, { fromRevision: END }),
    later: client.subscribeToStream(streamName("later"), { fromRevision: START }),
  };
  const said = Object.fromEntries(Object.entries(subscriptions).map(([key, value]) => [key, listen(value)]));
  await said.$all("$all behind a position", ["confirmed", "B", "caught up"]);
  await said.filtered("$all with a filter", ["confirmed", "A", "B", "caught up"]);
  expect("that the filter has checkpoints", true, checkpoints.length > 0);
  await said.ours("the end of $all", ["confirmed", "caught up"]);
  await said.stream("a stream behind revision 0", ["confirmed", "B", "caught up"]);
  await said.end("a stream from its end", ["confirmed", "caught up"]);
  await client.appendToStream(name, [event("C"), event("D")], { expectedRevision: 1n });
  await client.appendToStream(streamName("later"), [event("E")], { expectedRevision: NO_STREAM });
  await said.$all("the news of $all", ["C", "D", "E"]);
  await said.filtered("the news with a filter", ["C", "D"]);
  await said.ours("the news without the system's", ["C", "D", "E"]);
  await said.stream("the news of a stream", ["C", "D"]);
  await said.end("the news at a stream's end", ["C", "D"]);
  await client.tombstoneStream(name);
  await said.stream("a tombstone", ["$streamDeleted", `error ${ErrorType.STREAM_DELETED}`]);
  for (const key of ["$all", "filtered", "ours", "later"]) await subscriptions[key].unsubscribe();
}

async function deletion(client) {
  const name = streamName("delete");
  await client.appendToStream(name, [event("A"), event("B")], { expectedRevision: NO_STREAM });
  const wrong = { expectedRevision: 0n };
  const error = await expectError("a deletion at 0", ErrorType.WRONG_EXPECTED_VERSION, () => client.deleteStream(name, wrong));
  expect("what is there", 1n, error.actualVersion);
  await client.deleteStream(name, { expectedRevision: 1n });
  await expectError("a soft-deleted stream", ErrorType.STREAM_NOT_FOUND, () => all(client.readStream(name)));
  const { nextExpectedRevision } = await client.appendToStream(name, [event("C")], { expectedRevision: NO_STREAM });
  expect("the revision after the deletion", 2n, nextExpectedRevision);
  expect("the events after the deletion", ["C"], types(await all(client.readStream(name))));
  await client.tombstoneStream(name);
  await expectError("a tombstoned stream", ErrorType.STREAM_DELETED, () => all(client.readStream(name)));
  for (const [way, options] of Object.entries({ ONE_CALL, BATCHES })) {
    const call = () => client.appendToStream(name, event("X"), options);
    await expectError(`${way}: an append to it`, ErrorType.STREAM_DELETED, call);
  }
}

const url = process.argv[2];
if (!url) {
  console.error("usage: judge.mjs URL");
  process.exit(2);
}
// A client that waits for ever is a difference too.
setTimeout(() => {
  console.error(`@eventstore/db-client: not done after ${ALL_MILLISECONDS_MAX} ms`);
  process.exit(1);
}, ALL_MILLISECONDS_MAX);
const client = esdb.EventStoreDBClient.connectionString(url);
for (const check of [append, conflict, limit, readStream, readAll, subscribe, deletion]) {
  try {
    await check(client);
  } catch (error) {
    console.error(`@eventstore/db-client: ${check.name}: ${error instanceof Difference ? error.message : error.stack}`);
    process.exit(1);
  }
  console.log(`@eventstore/db-client: ${check.name}: as expected`);
}
await client.dispose();
process.exit(0);
