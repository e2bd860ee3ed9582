// What the module does beside the scenarios that it shares with the Python client: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CredentialsError, ProblemError, RealtimeClient, RealtimeError } from "./itemstream.js";

const cursor = (sequence) => String(sequence).padStart(20, "0");
const ticket = async () => "a ticket & more";
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A WebSocket that the test speaks for. */
function sockets() {
  const made = [];
  class Socket {
    readyState = 0;
    sent = [];

    constructor(url) {
      this.url = url;
      made.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close(code) {
      this.readyState = 3;
      this.closed = code;
      this.onclose?.({ code, reason: "" });
    }

    async open() {
      this.readyState = 1;
      this.onopen();
      await settled();
    }

    tell(frame) {
      this.onmessage({ data: JSON.stringify(frame) });
    }

    tellEvents(first, last) {
      const events = [];
      for (let sequence = first; sequence <= last; sequence += 1) {
        events.push({ id: `e${sequence}`, sequence: cursor(sequence) });
      }
      this.tell({ type: "events", topic: "items", cursor: cursor(last), events });
    }
  }
  return { made, Socket };
}

/** A client whose first socket is open. */
async function connected(context, options) {
  const { made, Socket } = sockets();
  const client = new RealtimeClient("wss://example.com/v1?version=1", {
    ticket,
    WebSocket: Socket,
    timing: { firstWait: 0 },
    ...options,
  });
  context.after(() => client.close());
  await settled();
  await made[0].open();
  return { client, made };
}

test("the ticket is added to the address", async (context) => {
  const { made } = await connected(context);
  assert.equal(made[0].url, "wss://example.com/v1?version=1&ticket=a+ticket+%26+more");
});

test("a topic whose reader stands still is let go, and taken up again", async (context) => {
  const { client, made } = await connected(context, { buffer: 20 });
  const items = client.subscribe("items", { after: cursor(0) });
  await settled();
  made[0].tell({ type: "subscribed", topic: "items", cursor: cursor(0) });

  // When more comes than there is room for
  for (let first = 1; first <= 91; first += 10) made[0].tellEvents(first, first + 9);
  await settled();

  // Then the server is told to stop, and nothing that comes still is kept
  assert.deepEqual(made[0].sent.at(-1), { action: "unsubscribe", topic: "items" });
  const read = [];
  for (let count = 0; count < 9; count += 1) read.push((await items.next()).value.id);
  await settled();
  assert.equal(made.length, 1);

  // And when half of it is read, another socket goes on where the first was left
  read.push((await items.next()).value.id);
  await settled();
  await settled();
  await made[1].open();
  assert.deepEqual(made[1].sent, [{ action: "subscribe", topic: "items", after: cursor(20) }]);
  made[1].tellEvents(21, 25);
  while (read.length < 25) read.push((await items.next()).value.id);
  assert.deepEqual(read, Array.from({ length: 25 }, (_, index) => `e${index + 1}`));
});

test("break unsubscribes", async (context) => {
  const { client, made } = await connected(context);
  const items = client.subscribe("items", { after: cursor(0) });
  await settled();
  made[0].tell({ type: "subscribed", topic: "items", cursor: cursor(0) });
  made[0].tellEvents(1, 3);

  for await (const event of items) {
    assert.equal(event.id, "e1");
    break;
  }
  await settled();

  assert.deepEqual(made[0].sent.at(-1), { action: "unsubscribe", topic: "items" });
  assert.equal(items.cursor, cursor(1));
});

test("many topics at once are no flood", async (context) => {
  const { client, made } = await connected(context);

  for (let number = 0; number < 50; number += 1) client.subscribe(`items/${number}`);
  await settled();

  // The server allows ten messages in a second.
  assert.equal(made[0].sent.length, 5);
});

test("closing the client ends its readers and its socket", async (context) => {
  const { client, made } = await connected(context);
  const items = client.subscribe("items");
  const reading = items.next();

  await client.close();

  assert.deepEqual(await reading, { done: true, value: undefined });
  await assert.rejects(items.started(), RealtimeError);
  assert.equal(made[0].closed, 1000);
  assert.throws(() => client.subscribe("calls"), RealtimeError);
});

test("people can be told how the connection is", async (context) => {
  const states = [];
  const { client, made } = await connected(context, {
    onState: (state) => states.push(state.name),
  });
  made[0].onclose({ code: 1006, reason: "" });
  await settled();
  await client.close();
  assert.deepEqual(states.slice(0, 3), ["connecting", "connected", "waiting"]);
  assert.equal(states.at(-1), "closed");
});

test("a client that gets no ticket any more tells its readers", async () => {
  const client = new RealtimeClient("wss://example.com", {
    WebSocket: sockets().Socket,
    ticket: async () => {
      throw new CredentialsError("signed out");
    },
  });
  await assert.rejects(client.subscribe("items").next(), CredentialsError);
  assert.throws(() => client.subscribe("items"), CredentialsError);
});

test("a refused topic can be asked for again", async (context) => {
  const { client, made } = await connected(context);
  const items = client.subscribe("items");
  assert.throws(() => client.subscribe("items"), RangeError);
  await settled();
  const problem = { type: "about:blank", title: "Forbidden", status: 403, detail: "No." };
  made[0].tell({ type: "error", problem, topic: "items", action: "subscribe" });
  await assert.rejects(items.next(), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(error.problem, problem);
    assert.equal(error.message, "Forbidden: No.");
    return true;
  });
  client.subscribe("items");
});

test("what is given wrongly is told at once", () => {
  const { Socket } = sockets();
  assert.throws(() => new RealtimeClient("wss://example.com"), /`ticket`/);
  assert.throws(() => new RealtimeClient("nowhere", { ticket, WebSocket: Socket }), TypeError);
  assert.throws(
    () => new RealtimeClient("wss://example.com", { ticket, WebSocket: null }),
    /--experimental-websocket/,
  );
});
