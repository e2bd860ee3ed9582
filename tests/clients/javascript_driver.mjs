// Carries out a scenario's steps with the JavaScript client: the program is the first argument, in
// JSON; what each topic's reader saw is printed, in JSON.

import {
  AbuseError,
  CredentialsError,
  ProblemError,
  RealtimeClient,
  Reset,
} from "../../clients/javascript/itemstream.js";

const TIMES = {
  ping_every: "pingEvery",
  pong_within: "pongWithin",
  answer_within: "answerWithin",
  first_wait: "firstWait",
  longest_wait: "longestWait",
  renew_before: "renewBefore",
};

function provider(values) {
  const left = [...values];
  return async () => {
    const value = left.length > 1 ? left.shift() : left[0];
    if (value === "fails") throw new TypeError("no network");
    if (value === null) throw new CredentialsError("there are no others");
    return value;
  };
}

function told(item) {
  if (item instanceof Reset) return `reset ${Number(item.cursor)}`;
  if (item.data === null) return `${item.id} without data, see ${item.dataref}`;
  return item.id;
}

function ending(error) {
  if (error instanceof ProblemError) return `problem ${error.status} ${error.problem.title}`;
  if (error instanceof AbuseError) return "abuse";
  if (error instanceof CredentialsError) return "credentials";
  return String(error);
}

async function read(subscription, count, seen) {
  try {
    for (let number = 0; number < count; number += 1) {
      const { done, value } = await subscription.next();
      if (done) {
        seen.push("closed");
        return;
      }
      seen.push(told(value));
    }
  } catch (error) {
    seen.push(ending(error));
  }
}

/** Tickets as browsers get them. */
function tickets({ url, token }) {
  return async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(url, { method: "POST", headers });
    if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
    return (await answer.json()).ticket;
  };
}

const program = JSON.parse(process.argv[2]);
const timing = Object.entries(program.timing)
  .filter(([name]) => name in TIMES)
  .map(([name, seconds]) => [TIMES[name], seconds * 1000]);
const client = new RealtimeClient(program.url, {
  ticket: program.tickets ? tickets(program.tickets) : provider(program.credentials),
  token: program.renewals ? provider(program.renewals) : undefined,
  buffer: program.buffer,
  timing: Object.fromEntries(timing),
});
const seen = {};
const subscriptions = {};
for (const step of program.steps) {
  const { topic } = step;
  if (topic) seen[topic] ??= [];
  switch (step.do) {
    case "subscribe": {
      const onReset = step.tell_resets
        ? async (reset) => seen[topic].push(`told of ${told(reset)}`)
        : undefined;
      subscriptions[topic] = client.subscribe(topic, { after: step.after, onReset });
      break;
    }
    case "started":
      try {
        seen[topic].push(`started ${Number(await subscriptions[topic].started())}`);
      } catch (error) {
        seen[topic].push(ending(error));
      }
      break;
    case "read":
      await read(subscriptions[topic], step.count, seen[topic]);
      break;
    case "close":
      await subscriptions[topic].close();
      break;
    case "end":
      await client.close();
      break;
  }
}
await client.close();
console.log(JSON.stringify(seen));
