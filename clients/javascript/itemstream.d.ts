/** Live events of Itemstream, for browsers and Node 20. */

/** Something that happened: a CloudEvent. */
export interface RealtimeEvent {
  /** The same whenever this event is told again. */
  readonly id: string;
  /** What happened, such as `item.updated`. */
  readonly type: string;
  /** Id of the item, call or report that it is about. */
  readonly subject: string;
  /** When it happened, in ISO 8601. */
  readonly time: string;
  /** Its place in the log: subscribe `after` it to go on from here. */
  readonly cursor: string;
  /** What there is to say; null for an event that was too large to send. */
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Of such an event: where to read what it is about, relative to the REST API. */
  readonly dataref: string | null;
  /** The whole CloudEvent, as it came. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** The log no longer holds what came after the cursor: load anew over REST. */
export class Reset {
  constructor(topic: string, cursor: string);
  readonly topic: string;
  /** Events after this one follow. */
  readonly cursor: string;
}

/** A problem document (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly [member: string]: unknown;
}

/** Something that reconnecting cannot mend. */
export class RealtimeError extends Error {}

/**
 * The server takes these credentials no more. A provider throws it too, to say that there will be
 * no others: the client then stops.
 */
export class CredentialsError extends RealtimeError {}

/** The server closed the socket for abuse; its reason is the message. */
export class AbuseError extends RealtimeError {}

/** The server refused a subscription, and says why. */
export class ProblemError extends RealtimeError {
  constructor(problem: Problem);
  readonly problem: Problem;
  readonly status: number;
}

/** How the connection is, for whoever shows it to people. */
export interface State {
  readonly name: "connecting" | "connected" | "waiting" | "closed";
  /** Why it waits, or why it is closed. */
  readonly reason: string;
  /** How long it waits, in milliseconds. */
  readonly wait: number;
}

/** The times that the client keeps, in milliseconds; the defaults fit API Gateway. */
export interface Timing {
  /** How long a handshake may take: 10,000. */
  openWithin?: number;
  /** How often the client pings: 270,000. API Gateway closes a socket idle for ten minutes. */
  pingEvery?: number;
  /** How long a server may be silent after a ping before it is taken for dead: 15,000. */
  pongWithin?: number;
  /** How long an answer may take before the request is sent again: 10,000. */
  answerWithin?: number;
  /** The n-th pause between attempts is a random part of this times 2 to the n: 500. */
  firstWait?: number;
  /** The longest pause between attempts: 30,000. */
  longestWait?: number;
  /** A connection that lived so long makes the next pause short again: 5,000. */
  stableAfter?: number;
  /** How long before a token ends the client authenticates with a fresh one: 60,000. */
  renewBefore?: number;
}

export interface ClientOptions {
  /**
   * Returns a ticket of `POST /realtime/tickets`; asked for each connection. What it throws is
   * tried again, except CredentialsError.
   */
  ticket: () => Promise<string>;
  /**
   * Returns an access token, fresh enough for a while: with it a connection outlives the token that
   * its ticket was made with. Without it the client connects anew by a ticket then.
   */
  token?: () => Promise<string>;
  /** Told how the connection is. */
  onState?: (state: State) => void;
  /** How many events of a topic wait for their reader at the most, give or take one frame. */
  buffer?: number;
  timing?: Timing;
  /** An implementation, where there is no `globalThis.WebSocket`. */
  WebSocket?: new (url: string) => unknown;
}

export interface SubscribeOptions {
  /** A cursor: the events that came after it are the first. Without it, the next that happens. */
  after?: string | null;
}

/**
 * The events of one topic, in the order of the log, each once. It throws ProblemError if the server
 * refuses the topic, and another RealtimeError if the client itself cannot go on.
 */
export interface Subscription<Item> extends AsyncIterableIterator<Item> {
  readonly topic: string;
  /** Where the reader is: what to subscribe `after` to go on from here. */
  readonly cursor: string | null;
  /**
   * Waits until the server has confirmed the subscription. The result is a cursor: every event
   * after it will come, and what is read over REST from now on holds all up to it.
   */
  started(): Promise<string>;
  /** Unsubscribes, as `break` in a `for await` does; what has come can still be read. */
  close(): Promise<void>;
  next(): Promise<IteratorResult<Item, undefined>>;
  return(): Promise<IteratorResult<Item, undefined>>;
}

/** A client of the WebSocket API: one socket for all topics, made again whenever it breaks. */
export class RealtimeClient {
  /**
   * @param url The WebSocket API's address, such as `wss://….amazonaws.com/v1`.
   */
  constructor(url: string | URL, options: ClientOptions);

  /**
   * Subscribes to `items`, `items/<item id>`, `calls` or `reports`; throws RangeError if this client
   * has the topic already.
   *
   * `onReset` is awaited, at its place among the events, when the log no longer holds what came
   * after the cursor. Without it, the reader gets a Reset there.
   */
  subscribe(
    topic: string,
    options: SubscribeOptions & { onReset: (reset: Reset) => Promise<void> | void },
  ): Subscription<RealtimeEvent>;
  subscribe(
    topic: string,
    options?: SubscribeOptions,
  ): Subscription<RealtimeEvent | Reset>;

  /** Closes the socket and ends all subscriptions. */
  close(): Promise<void>;
}
