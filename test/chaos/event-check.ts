import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';

const FETCH_MAX = 500;
const FETCH_EXPIRES_MS = 5_000;
const SHOWN_MAX = 10;
/** How long after it happened a change may take to be published. */
const PUBLISH_DEADLINE_MS = 10_000;

interface PublishedEvent {
  readonly id: string;
  readonly reservationId: string;
  readonly version: number;
}

/**
 * Every state change is published within the deadline, nothing else is, and no reservation's events go back in time.
 * Reservations may still fall due meanwhile: what had happened before is looked for, and what is found has happened.
 */
export async function findEventFaults(database: pg.Client, nats: NatsConnection): Promise<string[]> {
  const due = await readChanges(database);
  const { published, missing } = await readUntilAll(due, nats);
  const happened = await readChanges(database);
  const faults = [
    ...missing.map((id) => `${id} was never published`),
    ...published.filter(({ id }) => !happened.has(id)).map(({ id }) => `${id} was published and never happened`),
  ];
  const latest = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, reservationId, version } of published) {
    const before = latest.get(reservationId) ?? 0;
    if (version < before && !seen.has(id)) faults.push(`${id} was published after version ${before}`);
    latest.set(reservationId, Math.max(before, version));
    seen.add(id);
  }
  return faults.slice(0, SHOWN_MAX);
}

async function readChanges(database: pg.Client): Promise<Set<string>> {
  const { rows } = await database.query<{ id: string }>(
    `select 'r:' || reservation_id || ':' || version || ':' || kind as id from audit_event`,
  );
  return new Set(rows.map((row) => row.id));
}

/** Reads the stream until it holds every change that is due, or the deadline has passed. */
async function readUntilAll(due: ReadonlySet<string>, nats: NatsConnection) {
  const deadline = performance.now() + PUBLISH_DEADLINE_MS;
  for (;;) {
    const published = await readEvents(nats);
    const told = new Set(published.map((event) => event.id));
    const missing = [...due].filter((id) => !told.has(id));
    if (missing.length === 0 || performance.now() > deadline) return { published, missing };
  }
}

/** All messages for channels and portals, in the order of their stream. */
async function readEvents(nats: NatsConnection): Promise<PublishedEvent[]> {
  const { state } = await (await jetstreamManager(nats)).streams.info('EARMARK_EVENT');
  const consumer = await jetstream(nats).consumers.get('EARMARK_EVENT');
  const events: PublishedEvent[] = [];
  while (events.length < state.messages) {
    const before = events.length;
    for await (const message of await consumer.fetch({ max_messages: FETCH_MAX, expires: FETCH_EXPIRES_MS })) {
      const id = message.headers?.get('ce-id') ?? '';
      const [, reservationId = '', version = ''] = id.split(':');
      events.push({ id, reservationId, version: Number(version) });
      if (events.length === state.messages) break;
    }
    if (events.length === before) throw new Error(`${events.length} of ${state.messages} events could be read`);
  }
  return events;
}
