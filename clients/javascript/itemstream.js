// Live events of Itemstream: one socket for all topics, made again whenever it breaks; each event
// once, in the order of the log, none lost. For browsers and Node 20; no dependencies.

/** Something that reconnecting cannot mend. */
export class RealtimeError extends Error {
  name = "RealtimeError";
}

/**
 * The server takes these credentials no more. A provider throws it too, to say that there will be
 * no others: the client then stops.
 */
export class CredentialsError extends RealtimeError {
  name = "CredentialsError";
}

/** The server closed the socket for abuse; its reason is the message. */
export class AbuseError extends RealtimeError {
  name = "AbuseError";
}

/** The server refused a subscription; `problem` is its problem document (RFC 9457). */
export class ProblemError extends RealtimeError {
  name = "ProblemError";

  constructor(problem) {
    super([problem.title, problem.detail].filter(Boolean).join(": "));
    this.problem = problem;
    this.status = problem.status ?? 0;
  }
}

/** The log no longer holds what came after the cursor: load anew over REST. */
export class Reset {
  constructor(topic, cursor) {
    this.topic = topic;
    this.cursor = cursor;
    Object.freeze(this);
  }
}

// In milliseconds; the type Timing describes them.
const TIMING = {
  openWithin: 10_000,
  pingEvery: 270_000,
  pongWithin: 15_000,
  answerWithin: 10_000,
  firstWait: 500,
  longestWait: 30_000,
  stableAfter: 5_000,
  renewBefore: 60_000,
};
const TOKEN_IS_OVER = 4401;
const ABUSE = 1008;
// What RFC 6455 calls a connection that was closed without a word.
const LOST = 1006;
// The server counts by windows of one second and allows ten messages: this makes at most ten.
const MESSAGES_PER_SECOND = 5;
// A timer with more than this fires at once.
const LONGEST_TIMER = 2 ** 31 - 1;
const NO_LONGER_PERMITTED = {
  type: "about:blank",
  title: "Forbidden",
  status: 403,
  detail: "The new token does not permit this topic.",
};

/** A client of the WebSocket API. */
export class RealtimeClient {
  #url;
  #options;
  #WebSocket;
  #onState;
  #buffer;
  #timing;
  #inboxes = new Map();
  #connection = null;
  #closing = new AbortController();
  #error = null;
  #finished;

  constructor(url, options) {
    const { ticket, WebSocket = globalThis.WebSocket } = options ?? {};
    if (typeof ticket !== "function") {
      throw new TypeError("the option `ticket` must be a function that returns a ticket");
    }
    if (typeof WebSocket !== "function") {
      throw new TypeError(
        "there is no WebSocket here: start Node 20 with --experimental-websocket, or give one as " +
          "the option `WebSocket`",
      );
    }
    this.#url = new URL(url);
    this.#options = options;
    this.#WebSocket = WebSocket;
    this.#onState = options.onState ?? (() => {});
    this.#buffer = options.buffer ?? 10_000;
    this.#timing = { ...TIMING, ...options.timing };
    this.#finished = Promise.resolve().then(() => this.#run());
  }

  /** Subscribes to a topic. */
  subscribe(topic, { after = null, onReset = null } = {}) {
    if (this.#closing.signal.aborted) {
      throw this.#error ?? new RealtimeError("the client is closed");
    }
    if (this.#inboxes.get(topic)?.ended === false) {
      throw new RangeError(`this client is subscribed to ${topic} already`);
    }
    const inbox = new Inbox(topic, after, this.#buffer, () => this.#connection?.add(inbox));
    this.#inboxes.set(topic, inbox);
    this.#connection?.add(inbox);
    return new Subscription(inbox, onReset, () => {
      if (this.#inboxes.get(topic) === inbox) this.#inboxes.delete(topic);
      this.#connection?.remove(inbox);
    });
  }

  /** Closes the socket and ends all subscriptions. */
  async close() {
    this.#closing.abort();
    await this.#finished;
  }

  async #run() {
    try {
      await this.#stayConnected(this.#closing.signal);
    } catch (error) {
      this.#error =
        error instanceof RealtimeError
          ? error
          : new RealtimeError(`the client broke: ${error}`, { cause: error });
    }
    this.#closing.abort();
    for (const inbox of this.#inboxes.values()) inbox.end(this.#error);
    this.#inboxes.clear();
    this.#onState({ name: "closed", reason: this.#error?.message ?? "", wait: 0 });
  }

  async #stayConnected(signal) {
    let attempt = 0;
    while (!signal.aborted) {
      this.#onState({ name: "connecting", reason: "", wait: 0 });
      const ended = await this.#connect(signal);
      if (signal.aborted) return;
      if (ended.code === ABUSE) throw new AbuseError(ended.reason);
      if (ended.lived >= this.#timing.stableAfter) attempt = 0;
      if (ended.atOnce) continue;
      const wait = pause(attempt, this.#timing);
      attempt += 1;
      this.#onState({ name: "waiting", reason: ended.reason, wait });
      await sleep(wait, signal);
    }
  }

  /** Lives through one connection, and returns how it ended. */
  async #connect(signal) {
    let address, endsAt;
    try {
      [address, endsAt] = await this.#opening();
    } catch (error) {
      if (error instanceof RealtimeError) throw error;
      return new Ended(`no credentials: ${error}`);
    }
    if (signal.aborted) return new Ended("closed");
    // An address that is none throws here, and ends the client.
    const socket = new this.#WebSocket(address);
    const refused = await opened(socket, this.#timing.openWithin, signal);
    if (refused) return refused;
    const since = performance.now();
    this.#onState({ name: "connected", reason: "", wait: 0 });
    const { token } = this.#options;
    const connection = new Connection(socket, this.#timing, token, endsAt, signal);
    this.#connection = connection;
    for (const inbox of this.#inboxes.values()) if (inbox.wanted) connection.add(inbox);
    const ended = await connection.ended;
    this.#connection = null;
    await closed(socket);
    ended.lived = performance.now() - since;
    return ended;
  }

  /** Returns the address of the next connection, and when its token ends if that is known. */
  async #opening() {
    const { ticket, token } = this.#options;
    const address = new URL(this.#url);
    address.searchParams.set("ticket", await ticket());
    // A ticket does not say when its token ends.
    return [address.href, token ? expiryOf(await token()) : null];
  }
}

/** The events of one topic, in the order of the log, each once. */
class Subscription {
  #inbox;
  #onReset;
  #leave;

  constructor(inbox, onReset, leave) {
    this.#inbox = inbox;
    this.#onReset = onReset;
    this.#leave = leave;
  }

  get topic() {
    return this.#inbox.topic;
  }

  get cursor() {
    return this.#inbox.read;
  }

  started() {
    return this.#inbox.started;
  }

  async close() {
    if (this.#inbox.ended) return;
    this.#inbox.end(null);
    this.#leave();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next() {
    for (;;) {
      const item = await this.#inbox.take();
      if (item === null) return { done: true, value: undefined };
      if (!(item instanceof Reset && this.#onReset)) return { done: false, value: item };
      await this.#onReset(item);
    }
  }

  // What `break` in a `for await` calls.
  async return() {
    await this.close();
    return { done: true, value: undefined };
  }
}

/** What has come of a topic and waits for its reader. */
class Inbox {
  #items = [];
  #room;
  #rejoin;
  #error = null;
  #letGo = false;
  #wake = () => {};
  #changed;
  #settle;

  constructor(topic, after, room, rejoin) {
    this.topic = topic;
    // Where the reader is, and where the next connection has to go on.
    this.read = this.received = after;
    this.ended = false;
    this.#room = room;
    this.#rejoin = rejoin;
    this.#renewChanged();
    this.started = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Nobody need wait for it.
    this.started.catch(() => {});
  }

  get wanted() {
    return !this.ended && !this.#letGo;
  }

  get full() {
    return this.#items.length >= this.#room;
  }

  confirm(cursor) {
    // Events may have come before this: then it is they that say where the reader is.
    if (this.received === null) this.read = this.received = cursor;
    this.#settle.resolve(cursor);
  }

  put(events) {
    for (const event of events) {
      // Cursors have one length, so that texts sort as the places do.
      if (this.received !== null && event.cursor <= this.received) continue;
      this.received = event.cursor;
      this.#items.push(event);
    }
    this.#wake();
  }

  reset(reset) {
    this.received = reset.cursor;
    this.#items.push(reset);
    this.#wake();
  }

  /** Lets the reader stop, once it has read what is there. */
  end(error) {
    this.ended = true;
    this.#error = error;
    this.#settle.reject(error ?? new RealtimeError("the subscription was closed"));
    this.#wake();
  }

  /** Takes nothing more until the reader has read what is there. */
  letGo() {
    this.#letGo = true;
  }

  async take() {
    while (this.#items.length === 0) {
      if (this.#error) throw this.#error;
      if (this.ended) return null;
      await this.#changed;
    }
    const item = this.#items.shift();
    this.read = item.cursor;
    if (this.#letGo && !this.ended && this.#items.length <= this.#room / 2) {
      this.#letGo = false;
      this.#rejoin();
    }
    return item;
  }

  #renewChanged() {
    this.#changed = new Promise((resolve) => {
      this.#wake = () => {
        resolve();
        this.#renewChanged();
      };
    });
  }
}

/** How a socket ended: why, by what code, and whether the client itself wants another at once. */
class Ended {
  lived = 0;

  constructor(reason, code = LOST, atOnce = false) {
    this.reason = reason;
    this.code = code;
    this.atOnce = atOnce;
  }
}

/**
 * One open socket, which serves subscriptions until it ends.
 *
 * A topic is subscribed to once on a socket: late events of an earlier subscription would pass for
 * those of the later one. Whoever wants a topic again gets another socket.
 */
class Connection {
  #socket;
  #timing;
  #inboxes = new Map();
  #used = new Set();
  #answers = new Map();
  #confirmed = new Set();
  // Those that were confirmed before a new token was handed in.
  #atStake = new Set();
  #authenticated = null;
  #pace = new Pace(MESSAGES_PER_SECOND);
  #sign = null;
  #over = new AbortController();
  #finish;

  constructor(socket, timing, token, endsAt, closing) {
    this.#socket = socket;
    this.#timing = timing;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    closing.addEventListener("abort", () => this.#end(new Ended("closed")), {
      signal: this.#over.signal,
    });
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      this.#end(new Ended(reason || "the connection was lost", code));
    };
    socket.onerror = () => this.#end(new Ended("the connection was lost"));
    if (socket.readyState > 1) this.#end(new Ended("the connection was lost"));
    this.#ping();
    if (token && endsAt) this.#renew(token, endsAt);
  }

  /** Subscribes, on another socket if this one had the topic before. */
  add(inbox) {
    if (this.#used.has(inbox.topic)) {
      this.#end(new Ended("a topic was subscribed to again", LOST, true));
      return;
    }
    this.#used.add(inbox.topic);
    this.#inboxes.set(inbox.topic, inbox);
    this.#subscribe(inbox);
  }

  /** Unsubscribes; nobody waits for the answer. */
  remove(inbox) {
    if (this.#inboxes.get(inbox.topic) !== inbox) return;
    this.#inboxes.delete(inbox.topic);
    this.#confirmed.delete(inbox.topic);
    this.#unsubscribe(inbox.topic);
  }

  #end(ended) {
    this.#over.abort();
    this.#finish(ended);
  }

  async #send(frame) {
    await this.#pace.turn(this.#over.signal);
    if (!this.#over.signal.aborted) this.#socket.send(JSON.stringify(frame));
  }

  // --- What comes ------------------------------------------------------------------------------

  #receive(text) {
    if (this.#over.signal.aborted) return;
    this.#sign?.settle(true);
    try {
      this.#handle(JSON.parse(text));
    } catch (error) {
      // It may have held events: the next socket goes on from the cursors.
      this.#end(new Ended(`a frame that cannot be read (${error})`));
    }
  }

  #handle(frame) {
    const inbox = this.#inboxes.get(frame.topic);
    switch (frame.type) {
      case "events":
        inbox?.put(frame.events.map(eventOf));
        if (inbox?.full) {
          // A socket cannot be told to wait: the topic is taken up again when there is room.
          inbox.letGo();
          this.remove(inbox);
        }
        break;
      case "reset":
        inbox?.reset(new Reset(frame.topic, text(frame.cursor)));
        break;
      case "subscribed":
        if (!inbox) break;
        this.#confirmed.add(frame.topic);
        inbox.confirm(text(frame.cursor));
        this.#answers.get(frame.topic)?.settle(null);
        break;
      case "authenticated":
        this.#permit(new Set(frame.topics));
        this.#authenticated?.settle(Date.parse(frame.expires_at));
        break;
      case "error":
        this.#refused(new ProblemError(frame.problem), frame);
        break;
      case "closing":
        this.#end(new Ended(frame.reason || `the server closes with ${frame.code}`, frame.code));
        break;
    }
  }

  #refused(error, { action, topic }) {
    // The server knows this connection no more, whatever is asked.
    if (error.status === 410) this.#end(new Ended(error.message));
    else if (action === "authenticate") this.#authenticated?.settle(null);
    else this.#answers.get(topic)?.settle(error);
  }

  /** Ends the subscriptions that a new token does not permit. */
  #permit(topics) {
    for (const topic of this.#atStake) {
      if (topics.has(topic) || !this.#confirmed.delete(topic)) continue;
      this.#inboxes.get(topic).end(new ProblemError(NO_LONGER_PERMITTED));
      this.#inboxes.delete(topic);
    }
  }

  // --- What is sent ----------------------------------------------------------------------------

  /** Asks for a topic until there is an answer: a lost one costs repeats, and no event. */
  async #subscribe(inbox) {
    const { topic } = inbox;
    for (let attempt = 0; this.#inboxes.get(topic) === inbox; attempt += 1) {
      const answer = new Answer(this.#over.signal);
      this.#answers.set(topic, answer);
      const after = inbox.received;
      await this.#send({ action: "subscribe", topic, ...(after === null ? {} : { after }) });
      const problem = await answer.within(this.#timing.answerWithin);
      if (problem === null || this.#over.signal.aborted) return;
      if (problem === undefined) continue;
      if (!mayPass(problem.status)) {
        this.#inboxes.delete(topic);
        inbox.end(problem);
        return;
      }
      const wait = (problem.problem.retry_after ?? 0) * 1000 + pause(attempt, this.#timing);
      await sleep(wait, this.#over.signal);
    }
  }

  async #unsubscribe(topic) {
    // Messages may overtake each other on their way through the server.
    await this.#answers.get(topic).within(this.#timing.answerWithin);
    await this.#send({ action: "unsubscribe", topic });
  }

  /** Keeps the socket open, and finds out that the other side is gone. */
  async #ping() {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await sleep(this.#timing.pingEvery, signal);
      this.#sign = new Answer(signal);
      await this.#send({ action: "ping" });
      if (!(await this.#sign.within(this.#timing.pongWithin))) {
        this.#end(new Ended("the server does not answer"));
      }
    }
  }

  /** Hands in a fresh token before the old one ends, as long as that moves the end. */
  async #renew(token, endsAt) {
    const { signal } = this.#over;
    const { renewBefore } = this.#timing;
    for (let left; (left = endsAt - Date.now()) > 1000 && !signal.aborted; ) {
      // A provider that still has the old token is asked again, ever closer to its end.
      await sleep(left > 2 * renewBefore ? left - renewBefore : left / 2, signal);
      const renewed = await this.#renewed(token, endsAt);
      if (renewed !== null && renewed <= endsAt) return;
      endsAt = renewed ?? endsAt;
    }
  }

  /** Returns the connection's new end; null if there is no fresh token, or it is refused. */
  async #renewed(provider, endsAt) {
    let token;
    try {
      token = await provider();
    } catch {
      return null;
    }
    if ((expiryOf(token) ?? Infinity) <= endsAt || this.#over.signal.aborted) return null;
    this.#authenticated = new Answer(this.#over.signal);
    this.#atStake = new Set(this.#confirmed);
    await this.#send({ action: "authenticate", token });
    return (await this.#authenticated.within(this.#timing.answerWithin)) ?? null;
  }
}

/** What a frame of the server will settle. */
class Answer {
  #signal;
  #value;

  constructor(signal) {
    this.#signal = signal;
    this.#value = new Promise((resolve) => (this.settle = resolve));
  }

  /** Returns the answer, or undefined when the time or the connection is over. */
  async within(milliseconds) {
    const waiting = new AbortController();
    const waited = sleep(milliseconds, AbortSignal.any([this.#signal, waiting.signal]));
    const value = await Promise.race([this.#value, waited]);
    waiting.abort();
    return value;
  }
}

/** Lets messages through so that no second sees more than twice `rate`. */
class Pace {
  #rate;
  #free;
  #seen = performance.now();
  #last = Promise.resolve();

  constructor(rate) {
    this.#rate = this.#free = rate;
  }

  /** Waits until a message may go; those that wait go in their order. */
  turn(signal) {
    this.#last = this.#last.then(async () => {
      this.#refill();
      if (this.#free < 1) {
        await sleep(((1 - this.#free) / this.#rate) * 1000, signal);
        this.#refill();
      }
      this.#free -= 1;
    });
    return this.#last;
  }

  #refill() {
    const now = performance.now();
    const more = ((now - this.#seen) / 1000) * this.#rate;
    this.#free = Math.min(this.#rate, this.#free + more);
    this.#seen = now;
  }
}

/** Waits until a socket is open; returns how it ended if it never was. */
function opened(socket, milliseconds, signal) {
  const waiting = new AbortController();
  return new Promise((resolve) => {
    socket.onopen = () => resolve(null);
    // Nobody is told why: browsers keep the status of a refused handshake to themselves. Node 20
    // tells of the error alone, browsers of the error and the close.
    socket.onerror = socket.onclose = () => resolve(new Ended("the handshake failed"));
    sleep(milliseconds, AbortSignal.any([signal, waiting.signal])).then(() => {
      resolve(new Ended("the handshake took too long"));
    });
  }).then((refused) => {
    waiting.abort();
    socket.onopen = null;
    if (refused) socket.close();
    return refused;
  });
}

/** Closes a socket, and gives the other side a second to say goodbye. */
async function closed(socket) {
  const { CLOSED = 3 } = socket;
  if (socket.readyState === CLOSED) return;
  const waiting = new AbortController();
  socket.onclose = () => waiting.abort();
  socket.close(1000);
  await sleep(1000, waiting.signal);
}

/** Waits, or less if the signal says so. */
function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, Math.min(milliseconds, LONGEST_TIMER));
    signal.addEventListener("abort", finish);
  });
}

/** Returns a random part of a pause that doubles with each attempt, the first being 0. */
function pause(attempt, { firstWait, longestWait }) {
  // Full jitter: clients that were cut off together come back apart.
  return Math.random() * Math.min(longestWait, firstWait * 2 ** attempt);
}

/** Tells whether the same request may succeed later. */
function mayPass(status) {
  return [408, 425, 429].includes(status) || status >= 500;
}

function eventOf(document) {
  const { id, type, subject, time, data = null, dataref = null } = document;
  return { id, type, subject, time, cursor: text(document.sequence), data, dataref, document };
}

function text(value) {
  if (typeof value !== "string") throw new TypeError(`${value} is no text`);
  return value;
}

/** Returns when a token ends, in milliseconds since 1970, if it can be read. */
function expiryOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { exp } = JSON.parse(atob(payload));
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null;
  }
}
