import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { ReservedCountSetSchema } from '../../src/gen/earmark/wms/v1/reserved_count_set_pb.ts';
import { decodeMessage } from '../nats/codec.ts';
import { connectNats, type NatsLink } from '../nats/connection.ts';
import { consumeDurable } from '../nats/durable-consumer.ts';
import { encodeToken, outFilter, pictureSubject, stateFilter } from '../nats/subjects.ts';
import { closePick, loadPicture, type PickPicture, type PictureState, savePicture } from './picture.ts';
import { sendAnswer } from './send-answer.ts';
import type { SimulatorSettings } from './settings.ts';
import { takeCount, takeOrder } from './take-order.ts';

const ACK_PENDING_MAX = 500;
const ANSWERS_AT_ONCE_MAX = 64;
const RETRY_DELAY_MS = 500;
/** Changes are gathered this long before the picture is written and the messages are acknowledged. */
const SAVE_DELAY_MS = 20;
const ANSWER_POLL_MS = 50;
const ACK_WAIT_NANOS = 30_000_000_000;
const INACTIVE_NANOS = 7 * 86_400 * 1_000_000_000;

/** What makes one run differ from another. */
export interface Surroundings {
  readonly log: (message: string) => void;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Names a new store. */
  readonly newInstance: string;
}

export interface RunningSimulator {
  /** Writes the picture and closes the connection; never rejects. */
  stop(): Promise<void>;
}

/** Plays one warehouse system: keeps its own picture of stock and answers picks. */
export function runSimulator(settings: SimulatorSettings, surroundings: Surroundings): RunningSimulator {
  const stopping = new AbortController();
  const { signal } = stopping;
  const { log, now, random, newInstance } = surroundings;
  const state = loadPicture(settings.dataDir, newInstance);
  const link = connectNats({ url: settings.natsUrl, name: `warehouse ${settings.wms}`, random });
  const saver = createSaver(settings.dataDir, state);
  const warehouse: SimulatedWarehouse = { settings, state, link, saver, log, now };
  const loops = [
    consumeOrders(warehouse, signal),
    repeat(link, log, signal, (connection) => watchCounts(warehouse, connection, signal)),
    repeat(link, log, signal, (connection) => showPicture(warehouse, connection, signal)),
    answerPicks(warehouse, signal),
  ];
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
      saver.saveNow();
      await link.close();
    },
  };
}

interface Saver {
  /** Has the picture written soon, and then runs `after`. */
  saveSoon(after?: () => void): void;
  saveNow(): void;
}

interface SimulatedWarehouse extends Pick<Surroundings, 'log' | 'now'> {
  readonly settings: SimulatorSettings;
  readonly state: PictureState;
  readonly link: NatsLink;
  readonly saver: Saver;
}

function createSaver(dataDir: string, state: PictureState): Saver {
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | null = null;
  const saveNow = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const settled = waiting;
    waiting = [];
    savePicture(dataDir, state);
    for (const after of settled) after();
  };
  return {
    saveNow,
    saveSoon: (after = () => undefined) => {
      waiting.push(after);
      timer ??= setTimeout(saveNow, SAVE_DELAY_MS);
    },
  };
}

/** A message is acknowledged only once the picture that holds it is written. */
function consumeOrders(warehouse: SimulatedWarehouse, signal: AbortSignal): Promise<void> {
  const { settings, state, link, saver, log, now } = warehouse;
  const onMessage = (message: JsMsg) => {
    try {
      takeOrder(state, settings, message, now());
    } catch (error) {
      log(`${message.subject} could not be read: ${describe(error)}`);
    }
    saver.saveSoon(() => message.ack());
  };
  const config = {
    durable_name: `${encodeToken(settings.wms)}-${state.instance}`,
    filter_subject: outFilter(settings.wms),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_NANOS,
    max_ack_pending: ACK_PENDING_MAX,
    inactive_threshold: INACTIVE_NANOS,
  };
  return consumeDurable({ link, stream: 'EARMARK_OUT', config, onMessage, log }, signal);
}

/** Follows the last values, which also tell what happened while it was away for longer than messages are kept. */
async function watchCounts(
  { settings, state, saver }: SimulatedWarehouse,
  connection: NatsConnection,
  signal: AbortSignal,
): Promise<void> {
  const consumer = await jetstream(connection).consumers.get('EARMARK_STATE', {
    filter_subjects: stateFilter(settings.wms),
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const messages = await consumer.consume({ max_messages: ACK_PENDING_MAX, abort_on_missing_resource: true });
  const stop = () => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const message of messages) {
      takeCount(state, decodeMessage(ReservedCountSetSchema, message.data, message.headers));
      saver.saveSoon();
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Answers requests with the picture as JSON, for tests and people. */
async function showPicture(
  { settings, state }: SimulatedWarehouse,
  connection: NatsConnection,
  signal: AbortSignal,
): Promise<void> {
  const requests = connection.subscribe(pictureSubject(settings.wms));
  const stop = () => requests.unsubscribe();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const request of requests) {
      const { pools, reservations, picks } = state;
      request.respond(JSON.stringify({ pools, reservations, picks }));
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function answerPicks(warehouse: SimulatedWarehouse, signal: AbortSignal): Promise<void> {
  const { state, link, saver, log, now } = warehouse;
  while (!signal.aborted) {
    const connection = link.current();
    const isDue = ({ answers, dueAt }: PickPicture) => answers.length > 0 && dueAt <= now();
    const due = connection === null ? [] : Object.entries(state.picks).filter(([, pick]) => isDue(pick));
    const sent = due.slice(0, ANSWERS_AT_ONCE_MAX).map(async ([pickId, pick]) => {
      if (connection !== null) await answerOnce(warehouse, connection, pickId, pick);
    });
    for (const result of await Promise.allSettled(sent)) {
      if (result.status === 'rejected') log(`an answer could not be sent: ${describe(result.reason)}`);
    }
    if (sent.length > 0) saver.saveSoon();
    const hasFailed = sent.length > 0 && link.current() === null;
    await sleep(hasFailed ? RETRY_DELAY_MS : ANSWER_POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function answerOnce(
  { settings, state, now }: SimulatedWarehouse,
  connection: NatsConnection,
  pickId: string,
  pick: PickPicture,
): Promise<void> {
  const [answer, next, ...rest] = pick.answers;
  if (answer === undefined) return;
  state.picks[pickId] = { ...pick, dueAt: now() + RETRY_DELAY_MS };
  await sendAnswer(connection, pick, answer, {
    wms: settings.wms,
    now: now(),
    onHandOf: (sku) => state.pools[`${pick.site}/${sku}`]?.onHand ?? 0,
  });
  // Called off while the answer was on its way.
  if (state.picks[pickId] === undefined) return;
  if (next === undefined) closePick(state, pickId, pick);
  else state.picks[pickId] = { ...pick, answers: [next, ...rest], dueAt: now() + next.delayMs };
}

/** Runs work on each connection, again and again, until the signal. */
async function repeat(
  link: NatsLink,
  log: (message: string) => void,
  signal: AbortSignal,
  work: (connection: NatsConnection) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work(await link.connected(signal));
    } catch (error) {
      if (!signal.aborted && link.isUp()) log(describe(error));
    }
    await sleep(RETRY_DELAY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
