import {
  type CompletionResult,
  type DirectLastFor,
  type JetStreamManager,
  jetstreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { StockView } from '../../src/ports.ts';
import type { LastValueWriter } from './last-values.ts';
import type { PublishContext } from './outgoing.ts';
import type { NatsPublisher } from './publisher.ts';
import { availabilitySubject, stateSubject } from './subjects.ts';

const API_TIMEOUT_MS = 5_000;
/** Subjects one request asks for; the server's own limit is 1,024. */
const SUBJECTS_PER_READ_MAX = 500;
const STREAMS = ['EARMARK_STATE', 'EARMARK_AVAILABILITY'] as const;

/** Which streams hold the last values, and how far they have come. */
export interface LastValueMarks {
  /** Another one means other streams, or other warehouse systems to tell. */
  readonly incarnation: string;
  /** The last sequences; never fall while the streams stay the same. */
  readonly sequence: number;
  /** The stored values; never fall unless somebody deletes some. */
  readonly values: number;
}

/** The last values of all pools, seen as a whole: to notice that they were lost, and to put them back. */
export interface RefillTarget {
  /** Null while NATS is away. @throws where the streams cannot be read */
  streams(): Promise<LastValueMarks | null>;
  /** Stores the pools whose values are missing or differ. @throws where one could not be stored */
  fill(views: readonly StockView[], epoch: bigint, signal: AbortSignal): Promise<void>;
}

export function createRefillTarget(publisher: NatsPublisher): RefillTarget {
  const open = async () => {
    const session = await publisher.session();
    if (session === null) return null;
    return {
      session,
      manager: await jetstreamManager(session.connection, { checkAPI: false, timeout: API_TIMEOUT_MS }),
    };
  };
  return {
    streams: async () => {
      const opened = await open();
      if (opened === null) return null;
      const infos = await Promise.all(STREAMS.map((name) => opened.manager.streams.info(name)));
      const systems = [...(await publisher.systems())].sort();
      return {
        incarnation: JSON.stringify([infos.map((info) => info.created), systems]),
        sequence: infos.reduce((sum, info) => sum + info.state.last_seq, 0),
        values: infos.reduce((sum, info) => sum + info.state.messages, 0),
      };
    },
    fill: async (views, epoch, signal) => {
      const opened = await open();
      if (opened === null) throw new Error('NATS is away');
      const { session, manager } = opened;
      const systems = await publisher.systems();
      const wmsOf: WmsLookup = (warehouse) => systems.get(warehouse) ?? '';
      const stored = await readStored(manager, views, wmsOf, session.lastValues);
      const stale = views.filter((view) => !isStored(view, wmsOf, stored));
      if (stale.length === 0) return;
      const refill = `:${(await manager.streams.info('EARMARK_STATE')).state.last_seq}`;
      const context: PublishContext = { wmsOf, epoch, traceparent: '', refill };
      await publisher.storeLastValues(stale, context, signal);
    },
  };
}

type WmsLookup = PublishContext['wmsOf'];

interface StoredNumbers {
  readonly version: number;
  readonly reserved: number;
  readonly onHand: number;
}

/** The stored numbers by subject; what was seen is passed on to the writer, which need not read it again. */
async function readStored(
  manager: JetStreamManager,
  views: readonly StockView[],
  wmsOf: WmsLookup,
  writer: LastValueWriter,
) {
  const stored = new Map<string, StoredNumbers>();
  const subjects = {
    EARMARK_STATE: views.map((view) => stateSubjectOf(view, wmsOf)).filter((subject) => subject !== null),
    EARMARK_AVAILABILITY: views.map(({ level }) => availabilitySubject(level.warehouse, level.sku)),
  };
  for (const stream of STREAMS) {
    for (let start = 0; start < subjects[stream].length; start += SUBJECTS_PER_READ_MAX) {
      const wanted = subjects[stream].slice(start, start + SUBJECTS_PER_READ_MAX);
      await readLast(manager, stream, wanted, (message) => {
        stored.set(message.subject, numbersOf(message));
        writer.learn(message.subject, message);
      });
      for (const subject of wanted) if (!stored.has(subject)) writer.learn(subject, null);
    }
  }
  return stored;
}

/** By callback, for the client keeps the subscription of an iterator for ever. */
function readLast(
  manager: JetStreamManager,
  stream: string,
  subjects: string[],
  visit: (message: StoredMsg) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const callback = (done: CompletionResult | null, message: StoredMsg) => {
      if (done === null) visit(message);
      else if (done.err === undefined) resolve();
      else reject(done.err);
    };
    manager.direct.getLastMessagesFor(stream, { multi_last: subjects, callback } as DirectLastFor).catch(reject);
  });
}

function isStored(view: StockView, wmsOf: WmsLookup, stored: ReadonlyMap<string, StoredNumbers>) {
  const { warehouse, sku } = view.level;
  const subjects = [availabilitySubject(warehouse, sku), stateSubjectOf(view, wmsOf)];
  return subjects.every((subject) => subject === null || isSame(view, stored.get(subject)));
}

function stateSubjectOf({ level }: StockView, wmsOf: WmsLookup): string | null {
  const wms = wmsOf(level.warehouse);
  return wms === '' ? null : stateSubject(wms, level.warehouse, level.sku);
}

function isSame({ level }: StockView, stored: StoredNumbers | undefined): boolean {
  return (
    stored !== undefined &&
    stored.version === level.version &&
    stored.reserved === level.reserved &&
    stored.onHand === level.onHand
  );
}

/** Both kinds of value, read as far as they are of use here; what cannot be read differs from every pool. */
function numbersOf(message: StoredMsg): StoredNumbers {
  try {
    const value = message.json<Partial<StoredNumbers> & { readonly availability?: Partial<StoredNumbers> }>();
    const { reserved = Number.NaN, onHand = Number.NaN } = value.availability ?? value;
    return { version: Number(value.version), reserved, onHand };
  } catch {
    return { version: Number.NaN, reserved: Number.NaN, onHand: Number.NaN };
  }
}
